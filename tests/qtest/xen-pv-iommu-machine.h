/*
 * QTest: a machine with the emulated host and copy engines
 *
 * Concepts
 * - The machine is a plain pc: no Xen is needed.  Guest memory is the
 *   machine's; the host's side of it (frames, references, the bus) is the model
 *   in hw/xen/pv-iommu.
 * - The device is xen-copy-engine; its engine "emulated" works by bus address.
 *   Device n has the id "ce<n>".
 * - What QEMU says to its standard error is kept, for assert_said().
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef TESTS_QTEST_XEN_PV_IOMMU_MACHINE_H
#define TESTS_QTEST_XEN_PV_IOMMU_MACHINE_H

#include "libqos/pci.h"
#include "hw/xen/xen-copy-engine.h"
#include "xendm-helpers.h"

#define HOST "/machine/peripheral/host"
#define ENGINE "xen-copy-engine,engine=emulated,pv-iommu=on"
#define DEVICES_MAX 2
#define FIRST_SLOT 4

#define PAGE 4096
#define SOURCE 0x100000
#define DESTINATION 0x200000
#define GFN(address) ((uint64_t)(address) / PAGE)

typedef struct Machine {
    QTestState *qts;
    QPCIBus *bus;
    uint64_t bar[DEVICES_MAX];
    char *messages;             /* file of what QEMU said */
} Machine;

/* --- the machine --- */

/**
 * machine_start_with: a machine with a host and devices
 * @more: options before theirs: the machine type and so on
 * @host: options of the emulated host, or NULL: without one
 * @device: -device of device 0, or NULL: without devices
 * @second: -device of device 1, or NULL
 *
 * Device n is at slot FIRST_SLOT + n; its registers are at bar[n].
 */
Machine machine_start_with(const char *more, const char *host,
                           const char *device, const char *second);

/* A plain machine without hot-plug. */
Machine machine_start(const char *host, const char *device,
                      const char *second);

/* Give device n a place for its registers, as firmware does after a reset. */
void machine_find(Machine *m, unsigned n);

void machine_quit(Machine *m);

/* For a machine that has ended by itself. */
void machine_forget(Machine *m);

/* QEMU has (not) said this to its standard error. */
void assert_said(const Machine *m, const char *wanted);
void assert_not_said(const Machine *m, const char *unwanted);

/* Let so much time pass that each engine does one step. */
void machine_step(const Machine *m);

void assert_running(const Machine *m, bool running);

void memory_fill(const Machine *m, uint64_t address, uint8_t byte,
                 uint64_t count);
void assert_memory(const Machine *m, uint64_t address, uint8_t byte,
                   uint64_t count);

/* --- the host --- */

/* One of its numbers, by the property's name. */
uint64_t host_number(const Machine *m, const char *property);
void host_set_flag(const Machine *m, const char *property, bool value);

/* A sentence to it; the error's text, or NULL. */
char *host_try(const Machine *m, const char *sentence);

/* A sentence that it does not refuse. */
void host_say(const Machine *m, const char *format, ...)
    G_GNUC_PRINTF(2, 3);

/* It is consistent, and it and the client know of so many mapped pages. */
void assert_host(const Machine *m, uint64_t references);

/* --- device n --- */

uint32_t engine_get(const Machine *m, unsigned n, unsigned offset);
void engine_set(const Machine *m, unsigned n, unsigned offset, uint32_t value);
void engine_command(const Machine *m, unsigned n, uint32_t value);
void assert_engine(const Machine *m, unsigned n, uint32_t status,
                   uint32_t error);
void assert_fault(const Machine *m, unsigned n, uint64_t address);

/* Write the registers of a COPY, and ARM. */
void engine_set_up(const Machine *m, unsigned n, uint64_t source,
                   uint64_t destination, uint32_t length);

/* The same; it is ARMED then. */
void engine_arm(const Machine *m, unsigned n, uint64_t source,
                uint64_t destination, uint32_t length);

/* Until it is neither RUNNING nor STOPPING. */
void engine_wait(const Machine *m, unsigned n);

/* A COPY from SOURCE to DESTINATION that goes well; FINISHED then. */
void engine_copy(const Machine *m, unsigned n, uint32_t length);

#endif /* TESTS_QTEST_XEN_PV_IOMMU_MACHINE_H */
