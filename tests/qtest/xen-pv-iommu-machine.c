/*
 * QTest: a machine with the emulated host and copy engines
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "xen-pv-iommu-machine.h"
#include "libqos/pci-pc.h"
#include "hw/pci/pci_regs.h"
#include "qobject/qdict.h"

/* xen-copy-engine rests so long between two steps. */
#define REST_NS 100000
#define WAIT_STEPS 4096

/* --- a machine --- */

void machine_find(Machine *m, unsigned n)
{
    QPCIDevice *dev = qpci_device_find(m->bus,
                                       QPCI_DEVFN(FIRST_SLOT + n, 0));

    g_assert_nonnull(dev);
    g_assert_cmphex(qpci_config_readw(dev, PCI_VENDOR_ID), ==,
                    XEN_COPY_ENGINE_VENDOR);
    g_assert_cmphex(qpci_config_readw(dev, PCI_DEVICE_ID), ==,
                    XEN_COPY_ENGINE_DEVICE);
    qpci_device_enable(dev);
    m->bar[n] = qpci_iomap(dev, XEN_COPY_ENGINE_BAR, NULL).addr;
    g_free(dev);
}

/*
 * A machine with a host of these options (NULL: none) and up to two devices;
 * NULL ends the list.
 */
Machine machine_start_with(const char *more, const char *host,
                           const char *device, const char *second)
{
    Machine m = { .messages = temporary_file() };
    g_autoptr(GString) options = g_string_new(more);
    const char *devices[DEVICES_MAX] = { device, second };

    if (host) {
        g_string_append_printf(options,
                               " -device xen-pv-iommu-emulated,id=host%s%s",
                               *host ? "," : "", host);
    }
    for (unsigned n = 0; n < DEVICES_MAX && devices[n]; n++) {
        g_string_append_printf(options, " -device %s,id=ce%u,addr=%u",
                               devices[n], n, FIRST_SLOT + n);
    }
    m.qts = qtest_initf("-m 16 -nodefaults -vga none %s 2>%s", options->str,
                        m.messages);
    m.bus = qpci_new_pc(m.qts, NULL);
    for (unsigned n = 0; n < DEVICES_MAX && devices[n]; n++) {
        machine_find(&m, n);
    }
    return m;
}

Machine machine_start(const char *host, const char *device, const char *second)
{
    return machine_start_with("-machine pc,acpi=off", host, device, second);
}

/* What QEMU has said; to be freed. */
static char *messages(const Machine *m)
{
    char *text;

    g_assert_true(g_file_get_contents(m->messages, &text, NULL, NULL));
    return text;
}

void assert_said(const Machine *m, const char *wanted)
{
    g_autofree char *text = messages(m);

    if (!strstr(text, wanted)) {
        g_test_message("'%s' lacks '%s'", text, wanted);
        g_test_fail();
    }
}

void assert_not_said(const Machine *m, const char *unwanted)
{
    g_autofree char *text = messages(m);

    if (strstr(text, unwanted)) {
        g_test_message("'%s' has '%s'", text, unwanted);
        g_test_fail();
    }
}

void machine_forget(Machine *m)
{
    qpci_free_pc(m->bus);
    g_unlink(m->messages);
    g_free(m->messages);
}

void machine_quit(Machine *m)
{
    qtest_quit(m->qts);
    machine_forget(m);
}

/* --- the host --- */

uint64_t host_number(const Machine *m, const char *property)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", HOST, property);
    uint64_t value;

    g_assert_true(qdict_haskey(rsp, "return"));
    value = qdict_get_int(rsp, "return");
    qobject_unref(rsp);
    return value;
}

void host_set_flag(const Machine *m, const char *property, bool value)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'qom-set', 'arguments': "
                             "{'path': %s, 'property': %s, 'value': %i}}",
                             HOST, property, value);
}

/* A sentence to the host; the error's text, or NULL. */
char *host_try(const Machine *m, const char *sentence)
{
    return error_of(qtest_qmp(m->qts, "{'execute': 'qom-set', 'arguments': "
                              "{'path': %s, 'property': 'do', 'value': %s}}",
                              HOST, sentence));
}

void host_say(const Machine *m, const char *format, ...)
{
    g_autofree char *sentence = NULL;
    va_list ap;

    va_start(ap, format);
    sentence = g_strdup_vprintf(format, ap);
    va_end(ap);
    assert_ok(host_try(m, sentence));
}

/* The host is consistent, and refers to so many pages. */
void assert_host(const Machine *m, uint64_t references)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': 'check'}}", HOST);

    g_assert_cmpstr(qdict_get_str(rsp, "return"), ==, "sound");
    qobject_unref(rsp);
    g_assert_cmpuint(host_number(m, "host-references"), ==, references);
    g_assert_cmpuint(host_number(m, "pages"), ==, references);
}

void assert_running(const Machine *m, bool running)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'query-status'}");

    g_assert_cmpint(qdict_get_bool(qdict_get_qdict(rsp, "return"), "running"),
                    ==, running);
    qobject_unref(rsp);
}

/* --- the device --- */

uint32_t engine_get(const Machine *m, unsigned n, unsigned offset)
{
    return qtest_readl(m->qts, m->bar[n] + offset);
}

void engine_set(const Machine *m, unsigned n, unsigned offset, uint32_t value)
{
    qtest_writel(m->qts, m->bar[n] + offset, value);
}

void engine_command(const Machine *m, unsigned n, uint32_t value)
{
    engine_set(m, n, XEN_COPY_ENGINE_COMMAND, value);
}

void assert_engine(const Machine *m, unsigned n, uint32_t status,
                   uint32_t error)
{
    g_assert_cmpuint(engine_get(m, n, XEN_COPY_ENGINE_STATUS), ==, status);
    g_assert_cmpuint(engine_get(m, n, XEN_COPY_ENGINE_ERROR), ==, error);
}

void assert_fault(const Machine *m, unsigned n, uint64_t address)
{
    g_assert_cmphex(qtest_readq(m->qts, m->bar[n] + XEN_COPY_ENGINE_FAULT),
                    ==, address);
}

void engine_set_up(const Machine *m, unsigned n, uint64_t source,
                   uint64_t destination, uint32_t length)
{
    qtest_writeq(m->qts, m->bar[n] + XEN_COPY_ENGINE_SOURCE, source);
    qtest_writeq(m->qts, m->bar[n] + XEN_COPY_ENGINE_DESTINATION, destination);
    engine_set(m, n, XEN_COPY_ENGINE_LENGTH, length);
    engine_command(m, n, XEN_COPY_ENGINE_ARM);
}

void engine_arm(const Machine *m, unsigned n, uint64_t source,
                uint64_t destination, uint32_t length)
{
    engine_set_up(m, n, source, destination, length);
    assert_engine(m, n, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
}

void machine_step(const Machine *m)
{
    qtest_clock_step(m->qts, REST_NS);
}

/* Until the engine rests. */
void engine_wait(const Machine *m, unsigned n)
{
    for (unsigned i = 0; i < WAIT_STEPS; i++) {
        uint32_t status = engine_get(m, n, XEN_COPY_ENGINE_STATUS);

        if (status != XEN_COPY_ENGINE_RUNNING &&
            status != XEN_COPY_ENGINE_STOPPING) {
            return;
        }
        machine_step(m);
    }
    g_assert_not_reached();
}

void memory_fill(const Machine *m, uint64_t address, uint8_t byte,
                 uint64_t count)
{
    qtest_memset(m->qts, address, byte, count);
}

void assert_memory(const Machine *m, uint64_t address, uint8_t byte,
                   uint64_t count)
{
    g_autofree uint8_t *found = g_malloc(count);

    qtest_memread(m->qts, address, found, count);
    for (uint64_t i = 0; i < count; i++) {
        g_assert_cmphex(found[i], ==, byte);
    }
}

/* A copy that goes well, from filled memory to empty. */
void engine_copy(const Machine *m, unsigned n, uint32_t length)
{
    memory_fill(m, SOURCE, 0xa5, length);
    memory_fill(m, DESTINATION, 0, length);
    engine_arm(m, n, SOURCE, DESTINATION, length);
    engine_command(m, n, XEN_COPY_ENGINE_TRIGGER);
    engine_wait(m, n);
    assert_engine(m, n, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(m, DESTINATION, 0xa5, length);
}
