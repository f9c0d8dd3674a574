/*
 * QTest: the PV IOMMU, with the emulated host
 *
 * The machine is a plain pc: no Xen is needed.  Guest memory is the machine's;
 * the host's side of it (frames, references, the bus) is the model in
 * hw/xen/pv-iommu.  xen-copy-engine is the device, and its engine "emulated"
 * works by bus address.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#include "qemu/osdep.h"
#include <glib/gstdio.h>
#include "libqtest.h"
#include "libqos/pci-pc.h"
#include "hw/pci/pci_regs.h"
#include "hw/xen/xen-copy-engine.h"
#include "qobject/qdict.h"

#define HOST "/machine/peripheral/host"
#define ENGINE "xen-copy-engine,engine=emulated,pv-iommu=on"

#define DEVICES_MAX 2
#define FIRST_SLOT 4

#define PAGE 4096
#define SOURCE 0x100000
#define DESTINATION 0x200000
#define GFN(address) ((address) / PAGE)

/* xen-copy-engine rests so long between two steps. */
#define REST_NS 100000
#define WAIT_STEPS 4096

/* Xen's numbers for ioreqs; see pv-iommu-hypervisor.h. */
#define INVALIDATE 8
#define INVAL_BFN 9

typedef struct Machine {
    QTestState *qts;
    QPCIBus *bus;
    uint64_t bar[DEVICES_MAX];
    char *messages;             /* file of what QEMU said */
} Machine;

/* --- a machine --- */

static void find_device(Machine *m, unsigned n)
{
    QPCIDevice *dev = qpci_device_find(m->bus, QPCI_DEVFN(FIRST_SLOT + n, 0));

    g_assert_nonnull(dev);
    g_assert_cmphex(qpci_config_readw(dev, PCI_VENDOR_ID), ==,
                    XEN_COPY_ENGINE_VENDOR);
    g_assert_cmphex(qpci_config_readw(dev, PCI_DEVICE_ID), ==,
                    XEN_COPY_ENGINE_DEVICE);
    qpci_device_enable(dev);
    m->bar[n] = qpci_iomap(dev, XEN_COPY_ENGINE_BAR, NULL).addr;
    g_free(dev);
}

static char *temporary_file(void)
{
    char *name = NULL;
    int fd = g_file_open_tmp("xen-pv-iommu-XXXXXX", &name, NULL);

    g_assert_cmpint(fd, >=, 0);
    close(fd);
    return name;
}

/*
 * A machine with a host of these options (NULL: none) and up to two devices;
 * NULL ends the list.
 */
static Machine start_with(const char *more, const char *host,
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
        find_device(&m, n);
    }
    return m;
}

static Machine start(const char *host, const char *device, const char *second)
{
    return start_with("-machine pc,acpi=off", host, device, second);
}

/* What QEMU has said; to be freed. */
static char *messages(const Machine *m)
{
    char *text;

    g_assert_true(g_file_get_contents(m->messages, &text, NULL, NULL));
    return text;
}

static void assert_said(const Machine *m, const char *wanted)
{
    g_autofree char *text = messages(m);

    if (!strstr(text, wanted)) {
        g_test_message("'%s' lacks '%s'", text, wanted);
        g_test_fail();
    }
}

static void assert_not_said(const Machine *m, const char *unwanted)
{
    g_autofree char *text = messages(m);

    if (strstr(text, unwanted)) {
        g_test_message("'%s' has '%s'", text, unwanted);
        g_test_fail();
    }
}

static void forget(Machine *m)
{
    qpci_free_pc(m->bus);
    g_unlink(m->messages);
    g_free(m->messages);
}

static void quit(Machine *m)
{
    qtest_quit(m->qts);
    forget(m);
}

/* --- QMP --- */

/* The error's text in a response, or NULL on success. */
static char *error_of(QDict *rsp)
{
    char *text = NULL;

    if (qdict_haskey(rsp, "error")) {
        text = g_strdup(qdict_get_str(qdict_get_qdict(rsp, "error"), "desc"));
    }
    qobject_unref(rsp);
    return text;
}

static void assert_ok(char *error)
{
    g_assert_cmpstr(error, ==, NULL);
}

/* The error is there, and says @wanted. */
static void assert_error(char *error, const char *wanted)
{
    g_assert_nonnull(error);
    if (!strstr(error, wanted)) {
        g_test_message("error '%s' lacks '%s'", error, wanted);
        g_test_fail();
    }
    g_free(error);
}

static uint64_t number(const Machine *m, const char *property)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': %s}}", HOST, property);
    uint64_t value;

    g_assert_true(qdict_haskey(rsp, "return"));
    value = qdict_get_int(rsp, "return");
    qobject_unref(rsp);
    return value;
}

static void set_flag(const Machine *m, const char *property, bool value)
{
    qtest_qmp_assert_success(m->qts, "{'execute': 'qom-set', 'arguments': "
                             "{'path': %s, 'property': %s, 'value': %i}}",
                             HOST, property, value);
}

/* A sentence to the host; the error's text, or NULL. */
static char *try_sentence(const Machine *m, const char *sentence)
{
    return error_of(qtest_qmp(m->qts, "{'execute': 'qom-set', 'arguments': "
                              "{'path': %s, 'property': 'do', 'value': %s}}",
                              HOST, sentence));
}

static void G_GNUC_PRINTF(2, 3) say(const Machine *m, const char *format, ...)
{
    g_autofree char *sentence = NULL;
    va_list ap;

    va_start(ap, format);
    sentence = g_strdup_vprintf(format, ap);
    va_end(ap);
    assert_ok(try_sentence(m, sentence));
}

/* The host is consistent, and refers to so many pages. */
static void assert_host(const Machine *m, uint64_t references)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'qom-get', 'arguments': "
                           "{'path': %s, 'property': 'check'}}", HOST);

    g_assert_cmpstr(qdict_get_str(rsp, "return"), ==, "sound");
    qobject_unref(rsp);
    g_assert_cmpuint(number(m, "host-references"), ==, references);
    g_assert_cmpuint(number(m, "pages"), ==, references);
}

static void assert_running(const Machine *m, bool running)
{
    QDict *rsp = qtest_qmp(m->qts, "{'execute': 'query-status'}");

    g_assert_cmpint(qdict_get_bool(qdict_get_qdict(rsp, "return"), "running"),
                    ==, running);
    qobject_unref(rsp);
}

/* --- the device --- */

static uint32_t get(const Machine *m, unsigned n, unsigned offset)
{
    return qtest_readl(m->qts, m->bar[n] + offset);
}

static void set(const Machine *m, unsigned n, unsigned offset, uint32_t value)
{
    qtest_writel(m->qts, m->bar[n] + offset, value);
}

static void command(const Machine *m, unsigned n, uint32_t value)
{
    set(m, n, XEN_COPY_ENGINE_COMMAND, value);
}

static void assert_status(const Machine *m, unsigned n, uint32_t status,
                          uint32_t error)
{
    g_assert_cmpuint(get(m, n, XEN_COPY_ENGINE_STATUS), ==, status);
    g_assert_cmpuint(get(m, n, XEN_COPY_ENGINE_ERROR), ==, error);
}

static void assert_fault(const Machine *m, unsigned n, uint64_t address)
{
    g_assert_cmphex(qtest_readq(m->qts, m->bar[n] + XEN_COPY_ENGINE_FAULT),
                    ==, address);
}

static void set_up(const Machine *m, unsigned n, uint64_t source,
                   uint64_t destination, uint32_t length)
{
    qtest_writeq(m->qts, m->bar[n] + XEN_COPY_ENGINE_SOURCE, source);
    qtest_writeq(m->qts, m->bar[n] + XEN_COPY_ENGINE_DESTINATION, destination);
    set(m, n, XEN_COPY_ENGINE_LENGTH, length);
    command(m, n, XEN_COPY_ENGINE_ARM);
}

static void arm(const Machine *m, unsigned n, uint64_t source,
                uint64_t destination, uint32_t length)
{
    set_up(m, n, source, destination, length);
    assert_status(m, n, XEN_COPY_ENGINE_ARMED, XEN_COPY_ENGINE_OK);
}

static void step(const Machine *m)
{
    qtest_clock_step(m->qts, REST_NS);
}

/* Until the engine rests. */
static void wait_for(const Machine *m, unsigned n)
{
    for (unsigned i = 0; i < WAIT_STEPS; i++) {
        uint32_t status = get(m, n, XEN_COPY_ENGINE_STATUS);

        if (status != XEN_COPY_ENGINE_RUNNING &&
            status != XEN_COPY_ENGINE_STOPPING) {
            return;
        }
        step(m);
    }
    g_assert_not_reached();
}

static void fill(const Machine *m, uint64_t address, uint8_t byte,
                 uint64_t count)
{
    qtest_memset(m->qts, address, byte, count);
}

static void assert_memory(const Machine *m, uint64_t address, uint8_t byte,
                          uint64_t count)
{
    g_autofree uint8_t *found = g_malloc(count);

    qtest_memread(m->qts, address, found, count);
    for (uint64_t i = 0; i < count; i++) {
        g_assert_cmphex(found[i], ==, byte);
    }
}

/* A copy that goes well, from filled memory to empty. */
static void copy(const Machine *m, unsigned n, uint32_t length)
{
    fill(m, SOURCE, 0xa5, length);
    fill(m, DESTINATION, 0, length);
    arm(m, n, SOURCE, DESTINATION, length);
    command(m, n, XEN_COPY_ENGINE_TRIGGER);
    wait_for(m, n);
    assert_status(m, n, XEN_COPY_ENGINE_FINISHED, XEN_COPY_ENGINE_OK);
    assert_memory(m, DESTINATION, 0xa5, length);
}

/* --- the numbered examples --- */

typedef struct Word {
    const char *name;
    uint32_t value;
} Word;

static const Word registers[] = {
    { "ID", XEN_COPY_ENGINE_ID },
    { "FEATURES", XEN_COPY_ENGINE_FEATURES },
    { "SOURCE", XEN_COPY_ENGINE_SOURCE },
    { "DESTINATION", XEN_COPY_ENGINE_DESTINATION },
    { "LENGTH", XEN_COPY_ENGINE_LENGTH },
    { "DIRECTION", XEN_COPY_ENGINE_DIRECTION },
    { "COMMAND", XEN_COPY_ENGINE_COMMAND },
    { "STATUS", XEN_COPY_ENGINE_STATUS },
    { "ERROR", XEN_COPY_ENGINE_ERROR },
    { "DONE", XEN_COPY_ENGINE_DONE },
    { "FAULT", XEN_COPY_ENGINE_FAULT },
    { "COPIES", XEN_COPY_ENGINE_COPIES },
    { "INVALIDATIONS", XEN_COPY_ENGINE_INVALIDATIONS },
    { "IGNORED", XEN_COPY_ENGINE_IGNORED },
    { }
};

static const Word values[] = {
    { "COPY", XEN_COPY_ENGINE_COPY },
    { "READ", XEN_COPY_ENGINE_READ },
    { "WRITE", XEN_COPY_ENGINE_WRITE },
    { "ARM", XEN_COPY_ENGINE_ARM },
    { "TRIGGER", XEN_COPY_ENGINE_TRIGGER },
    { "DISARM", XEN_COPY_ENGINE_DISARM },
    { "IDLE", XEN_COPY_ENGINE_IDLE },
    { "ARMED", XEN_COPY_ENGINE_ARMED },
    { "RUNNING", XEN_COPY_ENGINE_RUNNING },
    { "FINISHED", XEN_COPY_ENGINE_FINISHED },
    { "FAILED", XEN_COPY_ENGINE_FAILED },
    { "STOPPING", XEN_COPY_ENGINE_STOPPING },
    { "BAD_LENGTH", XEN_COPY_ENGINE_BAD_LENGTH },
    { "BAD_DIRECTION", XEN_COPY_ENGINE_BAD_DIRECTION },
    { "NO_MEMORY", XEN_COPY_ENGINE_NO_MEMORY },
    { "LIMIT", XEN_COPY_ENGINE_LIMIT },
    { "RESERVED", XEN_COPY_ENGINE_RESERVED },
    { "UNREACHABLE", XEN_COPY_ENGINE_UNREACHABLE },
    { "INVALIDATED", XEN_COPY_ENGINE_INVALIDATED },
    { "BUS_FAULT", XEN_COPY_ENGINE_BUS_FAULT },
    { "ABORTED", XEN_COPY_ENGINE_ABORTED },
    { "REFUSED", XEN_COPY_ENGINE_REFUSED },
    { }
};

static const Word *find_word(const Word *words, const char *name)
{
    for (; words->name; words++) {
        if (!strcmp(words->name, name)) {
            return words;
        }
    }
    return NULL;
}

static uint64_t parse_value(const char *text)
{
    const Word *word = find_word(values, text);
    char *end;
    uint64_t value = g_ascii_strtoull(text, &end, 0);

    if (word) {
        return word->value;
    }
    if (end == text || *end) {
        g_error("'%s' is no value", text);
    }
    return value;
}

static bool has_two_halves(uint32_t offset)
{
    return offset == XEN_COPY_ENGINE_SOURCE ||
           offset == XEN_COPY_ENGINE_DESTINATION ||
           offset == XEN_COPY_ENGINE_FAULT;
}

static void replay_register(const Machine *m, uint32_t offset, bool write,
                            uint64_t value)
{
    uint64_t address = m->bar[0] + offset;

    if (write && has_two_halves(offset)) {
        qtest_writeq(m->qts, address, value);
    } else if (write) {
        qtest_writel(m->qts, address, value);
    } else if (has_two_halves(offset)) {
        g_assert_cmphex(qtest_readq(m->qts, address), ==, value);
    } else {
        g_assert_cmphex(qtest_readl(m->qts, address), ==, value);
    }
}

/* One literal of the page, cut into words. */
static void replay(const Machine *m, const char *literal)
{
    g_auto(GStrv) words = g_strsplit(literal, " ", -1);
    unsigned count = g_strv_length(words);
    const Word *reg = find_word(registers, words[0]);
    bool write = count > 2 && !strcmp(words[count == 3 ? 1 : 2], "=");

    g_test_message("%s", literal);
    if (reg && count == 3) {
        g_assert_true(write || !strcmp(words[1], "is"));
        replay_register(m, reg->value, write, parse_value(words[2]));
    } else if (!strcmp(words[0], "memory") && count == 6) {
        g_assert_cmpstr(words[4], ==, "*");
        (write ? fill : assert_memory)(m, parse_value(words[1]),
                                       parse_value(words[3]),
                                       parse_value(words[5]));
    } else if (!strcmp(literal, "wait")) {
        wait_for(m, 0);
    } else if (!strcmp(words[0], "balloon") ||
               !strcmp(words[0], "populate")) {
        assert_ok(try_sentence(m, literal));
    } else {
        g_error("'%s' is no step of an example", literal);
    }
}

static void test_example(const void *opaque)
{
    g_auto(GStrv) parts = g_strsplit(opaque, "``", -1);
    const char *device = ENGINE;
    bool other = parts[1] && g_str_has_prefix(parts[1], "-device ");
    Machine m;
    unsigned steps = 0;

    if (other) {
        device = parts[1] + strlen("-device ");
    }
    m = start("", device, NULL);
    for (unsigned i = other ? 3 : 1; parts[i] && parts[i + 1]; i += 2) {
        replay(&m, parts[i]);
        steps++;
    }
    g_assert_cmpuint(steps, >, 0);
    quit(&m);
}

/* "12. text": the number, and *@rest behind the blank; 0 for another line. */
static unsigned item_number(const char *line, const char **rest)
{
    char *end;
    guint64 n = g_ascii_strtoull(line, &end, 10);

    if (!g_ascii_isdigit(line[0]) || strncmp(end, ". ", 2)) {
        return 0;
    }
    *rest = end + 2;
    return n;
}

/* One test for each example; they are numbered without a gap. */
static void add_examples(const char *page)
{
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned examples = 0;

    g_assert_true(g_file_get_contents(page, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, "\nExamples\n===="));
    lines = g_strsplit(strstr(text, "\nExamples\n===="), "\n", -1);
    for (unsigned i = 0; lines[i]; i++) {
        g_autofree char *path = NULL;
        const char *rest;
        unsigned n = item_number(lines[i], &rest);
        GString *example;

        if (!n) {
            continue;
        }
        g_assert_cmpuint(n, ==, ++examples);
        example = g_string_new(rest);
        while (lines[i + 1] && lines[i + 1][0] == ' ') {
            g_string_append_printf(example, " %s", g_strstrip(lines[++i]));
        }
        path = g_strdup_printf("xen-pv-iommu/example/%u", n);
        qtest_add_data_func_full(path, g_string_free(example, FALSE),
                                 test_example, g_free);
    }
    g_assert_cmpuint(examples, >, 0);
}

static void test_no_page(void)
{
    g_test_skip("XENDM_DOCS does not say where docs/ is");
}

int main(int argc, char **argv)
{
    const char *docs = getenv("XENDM_DOCS");
    int ret;

    g_test_init(&argc, &argv, NULL);
    if (docs) {
        g_autofree char *page =
            g_build_filename(docs, "specs", "xen-copy-engine.rst", NULL);

        add_examples(page);
    } else {
        qtest_add_func("xen-pv-iommu/example", test_no_page);
    }
    ret = g_test_run();
    return ret;
}
