/*
 * Hypervisor node: the Arm machine "xenpvh" and its device tree
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/guest-random.h"
#include "hw/xen/hypervisor-dt.h"
#include "hw/xen/xen-pvh-common.h"
#include "hw/xen/xen_native.h"
#include "system/runstate.h"
#include "system/system.h"
#include "system/xen.h"
#include "domain-native.h"
#include "options.h"

/* TYPE_TPM_TIS_SYSBUS, which a QEMU without TPMs does not have. */
#define TPM_TYPE "tpm-tis-device"

/* Bytes of randomness for the guest, as QEMU's other Arm machines give. */
#define SEED_SIZE 32

/* The init function of the class that we have put ours in front of. */
static void (*machine_init)(MachineState *machine);

/* --- what the machine is --- */

static HypervisorDtWindow window_of(const MemMapEntry *entry)
{
    return (HypervisorDtWindow){ .base = entry->base, .size = entry->size };
}

static HypervisorDtSlot *make_slots(const XenPVHMachineState *s)
{
    HypervisorDtSlot *slots = g_new(HypervisorDtSlot, s->cfg.virtio_mmio_num);

    for (uint32_t i = 0; i < s->cfg.virtio_mmio_num; i++) {
        slots[i] = (HypervisorDtSlot){
            .base = s->cfg.virtio_mmio.base + i * s->cfg.virtio_mmio.size,
            .size = s->cfg.virtio_mmio.size,
            .irq = s->cfg.virtio_mmio_irq_base + i,
        };
    }
    return slots;
}

/* @slots is as made by make_slots() */
static HypervisorDtDevices describe_devices(const XenPVHMachineState *s,
                                            const HypervisorDtSlot *slots)
{
    return (HypervisorDtDevices){
        .slots = slots,
        .slots_number = s->cfg.virtio_mmio_num,
        .pcie = {
            .ecam = window_of(&s->cfg.pci_ecam),
            .mmio = window_of(&s->cfg.pci_mmio),
            .mmio_high = window_of(&s->cfg.pci_mmio_high),
            .irq = s->cfg.pci_intx_irq_base,
        },
        .tpm_base = s->cfg.tpm.base,
    };
}

static HypervisorDtRegionOptions describe_regions(void)
{
    const HypervisorDtOptions *options = hypervisor_dt_options();
    GArray *exclusions = options->exclusions;

    return (HypervisorDtRegionOptions){
        .off = options->regions_off,
        .maximum = options->regions_max,
        .exclusions = exclusions ? (HypervisorDtWindow *)exclusions->data
                                 : NULL,
        .exclusions_number = exclusions ? exclusions->len : 0,
    };
}

static bool describe_guest(MachineState *machine,
                           const HypervisorDtSlot *slots,
                           HypervisorDtGuest *guest, Error **errp)
{
    const XenPVHMachineState *s = XEN_PVH_MACHINE(machine);
    const HypervisorDtOptions *options = hypervisor_dt_options();
    HypervisorDtError error;

    hypervisor_dt_guest_init(guest);
    guest->xen_major = options->xen_major;
    guest->xen_minor = options->xen_minor;
    guest->cpus = machine->smp.max_cpus;
    guest->address_bits = options->address_bits;
    guest->gic = options->gic;
    guest->banks[0].base = s->cfg.ram_low.base;
    guest->banks[0].size = s->cfg.ram_low.size;
    guest->banks[1].base = s->cfg.ram_high.base;
    guest->banks[1].size = s->cfg.ram_high.size;
    guest->chosen.cmdline = machine->kernel_cmdline;
    guest->devices = describe_devices(s, slots);
    guest->regions = describe_regions();
    if (hypervisor_dt_guest_fill_banks(guest, machine->ram_size, &error)) {
        error_setg(errp, "%s", error.message);
        return false;
    }
    return true;
}

/* --- dumpdtb --- */

static void *make_tree(MachineState *machine, size_t *size, Error **errp)
{
    g_autofree HypervisorDtSlot *slots =
        make_slots(XEN_PVH_MACHINE(machine));
    HypervisorDtGuest guest;
    HypervisorDtError error;
    void *tree;

    if (!describe_guest(machine, slots, &guest, errp)) {
        return NULL;
    }
    tree = hypervisor_dt_generate(&guest, size, NULL, &error);
    if (!tree) {
        error_setg(errp, "no device tree: %s", error.message);
    }
    return tree;
}

void xen_hypervisor_dt_dump(MachineState *machine)
{
    g_autoptr(GError) gerror = NULL;
    g_autofree char *tree = NULL;
    size_t size;

    if (!machine->dumpdtb ||
        !object_property_find(OBJECT(machine), "xen-version")) {
        return;
    }
    if (!machine->ram_size) {
        error_setg(&error_fatal, "dumpdtb needs the guest's RAM size (-m)");
    }
    tree = make_tree(machine, &size, &error_fatal);
    if (!g_file_set_contents(machine->dumpdtb, tree, size, &gerror)) {
        error_setg(&error_fatal, "cannot write the device tree to %s: %s",
                   machine->dumpdtb, gerror->message);
    }
    exit(EXIT_SUCCESS);
}

/* --- the domain --- */

static HypervisorDtNative native_domain(void)
{
    return (HypervisorDtNative){
        .control = xen_xc,
        .memory = xen_fmem,
        .domid = xen_domid,
    };
}

/* A guest that is told of devices must not find nobody at their addresses. */
static bool check_ioreq_server(const XenPVHMachineState *s, Error **errp)
{
    if (s->ioreq.shared_page) {
        return true;
    }
    error_setg(errp, "device-tree=fixup and device-tree=boot tell the guest "
               "of devices, and Xen has no ioreq server for them");
    error_append_hint(errp, "Xen for Arm has to be built with "
                      "CONFIG_IOREQ_SERVER.\n");
    return false;
}

/* The highest interrupt of our devices; 0: they have none. */
static uint32_t last_interrupt(const XenPVHMachineState *s)
{
    uint32_t last = 0;

    if (s->cfg.virtio_mmio_num) {
        last = s->cfg.virtio_mmio_irq_base + s->cfg.virtio_mmio_num - 1;
    }
    if (s->cfg.pci_ecam.size) {
        last = MAX(last, s->cfg.pci_intx_irq_base + PCI_NUM_PINS - 1);
    }
    return last;
}

/* Nor devices whose interrupts Xen does not deliver. */
static bool check_interrupts(const XenPVHMachineState *s, Error **errp)
{
    uint32_t last = last_interrupt(s);

    if (!last ||
        !xendevicemodel_set_irq_level(xen_dmod, xen_domid, last, 0)) {
        return true;
    }
    error_setg_errno(errp, errno, "the domain has no interrupt %" PRIu32
                     ", the last one of this machine's devices", last);
    error_append_hint(errp, "xl gives shared interrupts to a guest that has a "
                      "device with one: vuart=\"sbsa_uart\".\n");
    return false;
}

/* QEMU's machine goes on without a backend for its TPM, and has none then. */
static bool check_tpm(const XenPVHMachineState *s, Error **errp)
{
    if (!s->cfg.tpm.base ||
        object_resolve_path_type("", TPM_TYPE, NULL)) {
        return true;
    }
    error_setg(errp, "tpm-base-addr=0x%" PRIx64 " says that there is a TPM, "
               "and this machine has none", s->cfg.tpm.base);
    error_append_hint(errp, "A TPM needs a backend with the id tpm0 "
                      "(-tpmdev emulator,id=tpm0,...).\n");
    return false;
}

static bool check_devices(const XenPVHMachineState *s, Error **errp)
{
    return check_ioreq_server(s, errp) && check_interrupts(s, errp) &&
           check_tpm(s, errp);
}

/* Linux gives up RAM instead of using a region that is too small for it. */
static void report_regions(const HypervisorDtRegions *regions)
{
    info_report("device tree: %u extended regions, Linux can use %u; %u "
                "smaller ones are left out", regions->number,
                regions->linux_usable, regions->left_out);
    for (unsigned i = 0; i < regions->number; i++) {
        const HypervisorDtRegion *region = &regions->region[i];

        if (!region->linux_usable) {
            info_report("device tree: extended region [0x%" PRIx64 ", 0x%"
                        PRIx64 "] holds no aligned 128 MiB, which Linux "
                        "takes at a time", region->base,
                        region->base + (region->size - 1));
        }
    }
}

static bool fix_up(MachineState *machine, Error **errp)
{
    const XenPVHMachineState *s = XEN_PVH_MACHINE(machine);
    g_autofree HypervisorDtSlot *slots = make_slots(s);
    HypervisorDtNative native = native_domain();
    HypervisorDtFixup fixup = {
        .windows = {
            window_of(&s->cfg.ram_low),
            window_of(&s->cfg.ram_high),
        },
        .devices = describe_devices(s, slots),
        .regions = describe_regions(),
        .ram = machine->ram_size,
    };
    HypervisorDtFixupReport report;
    HypervisorDtError error;

    if (hypervisor_dt_domain_fixup(&hypervisor_dt_native_ops, &native, &fixup,
                                   machine->smp.max_cpus, &report, &error)) {
        if (error.code == -ENOTRECOVERABLE) {
            error_setg(errp, "device-tree=fixup: %s", error.message);
        } else {
            error_setg(errp, "device-tree=fixup: the domain's device tree is "
                       "left as it is: %s", error.message);
        }
        return false;
    }
    info_report("device-tree=fixup: %u nodes added, %u were there",
                report.added, report.present);
    report_regions(&report.regions);
    return true;
}

static bool read_image(const char *what, const char *path,
                       GMappedFile **file, HypervisorDtImage *image,
                       Error **errp)
{
    g_autoptr(GError) gerror = NULL;

    *image = (HypervisorDtImage){ .size = 0 };
    if (!path) {
        return true;
    }
    *file = g_mapped_file_new(path, false, &gerror);
    if (!*file) {
        error_setg(errp, "cannot read the %s: %s", what, gerror->message);
        return false;
    }
    image->bytes = g_mapped_file_get_contents(*file);
    image->size = g_mapped_file_get_length(*file);
    return true;
}

static bool boot(MachineState *machine, Error **errp)
{
    g_autofree HypervisorDtSlot *slots =
        make_slots(XEN_PVH_MACHINE(machine));
    g_autoptr(GMappedFile) kernel_file = NULL;
    g_autoptr(GMappedFile) initrd_file = NULL;
    HypervisorDtNative native = native_domain();
    HypervisorDtImage kernel, initrd;
    uint8_t seed[SEED_SIZE];
    HypervisorDtGuest guest;
    HypervisorDtError error;
    HypervisorDtBoot done;

    if (!describe_guest(machine, slots, &guest, errp) ||
        !read_image("kernel", machine->kernel_filename, &kernel_file, &kernel,
                    errp) ||
        !read_image("initrd", machine->initrd_filename, &initrd_file, &initrd,
                    errp)) {
        return false;
    }
    qemu_guest_getrandom_nofail(seed, sizeof(seed));
    guest.chosen.seed = seed;
    guest.chosen.seed_size = sizeof(seed);
    if (hypervisor_dt_domain_boot(&hypervisor_dt_native_ops, &native, &guest,
                                  &kernel, &initrd, &done, &error)) {
        error_setg(errp, "device-tree=boot: %s", error.message);
        return false;
    }
    info_report("device-tree=boot: kernel at 0x%" PRIx64 ", initrd at 0x%"
                PRIx64 ", device tree at 0x%" PRIx64, done.kernel.base,
                done.initrd.base, done.tree.base);
    report_regions(&done.regions);
    return true;
}

/* --- when it is done --- */

static bool check_command_line(const MachineState *machine, Error **errp)
{
    HypervisorDtUse use = hypervisor_dt_options()->use;

    if (use != HYPERVISOR_DT_USE_BOOT &&
        (machine->kernel_filename || machine->initrd_filename)) {
        warn_report("-kernel and -initrd are ignored without "
                    "device-tree=boot");
    }
    if (use == HYPERVISOR_DT_USE_OFF) {
        return true;
    }
    if (!machine->ram_size) {
        error_setg(errp, "device-tree=fixup and device-tree=boot need the "
                   "domain's RAM size (-m)");
        return false;
    }
    if (use == HYPERVISOR_DT_USE_BOOT && !machine->kernel_filename) {
        error_setg(errp, "device-tree=boot needs a kernel (-kernel)");
        return false;
    }
    return true;
}

/* All devices are there, and serve the guest. */
static void write_tree(Notifier *notifier, void *data)
{
    MachineState *machine = MACHINE(qdev_get_machine());

    if (runstate_check(RUN_STATE_INMIGRATE)) {
        warn_report("-incoming: the domain's device tree comes with its "
                    "memory, device-tree= is ignored");
    } else if (hypervisor_dt_options()->use == HYPERVISOR_DT_USE_FIXUP) {
        fix_up(machine, &error_fatal);
    } else {
        boot(machine, &error_fatal);
    }
}

/*
 * Our devices answer from the moment that the machine is made, so the tree
 * that tells of them comes after that; and after the devices of the command
 * line, because if one of those is refused QEMU ends and nobody answers.  Of
 * such notifiers the first that was added is called last.
 */
static void init(MachineState *machine)
{
    static Notifier notifier = { .notify = write_tree };
    bool wanted = hypervisor_dt_options()->use != HYPERVISOR_DT_USE_OFF;

    check_command_line(machine, &error_fatal);
    if (wanted) {
        qemu_add_machine_init_done_notifier(&notifier);
    }
    machine_init(machine);
    if (wanted) {
        check_devices(XEN_PVH_MACHINE(machine), &error_fatal);
    }
}

void xen_hypervisor_dt_machine_class_init(ObjectClass *oc)
{
    MachineClass *mc = MACHINE_CLASS(oc);

    machine_init = mc->init;
    mc->init = init;
    hypervisor_dt_options_class_init(oc);
}
