# SPDX-License-Identifier: GPL-2.0-or-later
#
# Short names for what configure, ninja, meson and the lab do.  'make help'
# lists them.  ninja uses all processors by itself; -j changes nothing.

.NOTPARALLEL:
.DEFAULT_GOAL := all

PYTHON = /usr/bin/python3
LAB = tests/lab/lab
TALLY = $(PYTHON) scripts/tally.py
FUZZ_SECONDS = 60
TIERS = overlay scripts unit unit-asan qtest lab-selftest lab fuzz

export PYTHONPYCACHEPREFIX = $(CURDIR)/build/pycache
MAKEFLAGS += --no-print-directory

.PHONY: help
help:
	@echo 'make all           our QEMU and the toolstack programs (default)'
	@echo 'make stock         an unmodified QEMU, same source and options'
	@echo 'make qemu-arm64    our QEMU for Arm guests, for arm64 dom0s'
	@echo 'make stock-arm64   the unmodified one'
	@echo 'make xen-arm64     Xen for arm64 with ioreq servers, for the lab'
	@echo 'make demo          stock and ours side by side on real Xen'
	@echo 'make check         every test; ends with "N passed, N failed"'
	@echo '  check-overlay    the overlay tool and the other scripts'
	@echo '  check-unit       the cores, also under ASan and UBSan'
	@echo '  check-qtest      the joined QEMU, without Xen'
	@echo '  check-lab        real Xen under emulation'
	@echo '  fuzz             $(FUZZ_SECONDS) s a target (FUZZ_SECONDS=N)'
	@echo 'make check-qtest-asan  check-qtest under ASan and UBSan'
	@echo 'make check-soak    save, restore and migrate, 20 times each (half an hour)'
	@echo 'make bench         measure against stock, on real Xen'
	@echo '  bench-native     the cores only, without a virtual machine'
	@echo 'make lab-shell     a shell in dom0 of the lab'
	@echo 'make install       below the prefix given to configure (DESTDIR)'
	@echo 'make uninstall     remove what install installed'
	@echo 'make clean         remove what was compiled'
	@echo 'make distclean     remove build/ altogether'

# --- build ---

.PHONY: configure qemu stock native all qemu-arm64 stock-arm64 xen-arm64
configure:
	@./configure --again

qemu: configure
	@scripts/qemu.sh build joined

stock: configure
	@scripts/qemu.sh build stock

# Cross-compiled, unless this machine is arm64, where 'qemu' is the same.
qemu-arm64: configure
	@scripts/qemu.sh build joined --arm64

stock-arm64: configure
	@scripts/qemu.sh build stock --arm64

xen-arm64:
	@scripts/deps.sh
	@scripts/xen-arm64.sh build/source build/xen-arm64

native: configure
	@scripts/native.sh native
	@echo 'native: cores and toolstack are up to date: build/native'

all: qemu native

# --- tests ---

# Each tier in a make of its own: one that fails does not stop the others.
.PHONY: check check-overlay check-unit check-qtest check-qtest-asan \
    check-lab check-soak fuzz bench bench-native
check:
	@rm -rf build/check
	@for tier in check-overlay check-unit check-qtest check-lab fuzz; do \
	    $(MAKE) $$tier || echo "$$tier: failed"; \
	done
	@$(TALLY) sum $(TIERS)

check-overlay: configure
	@echo 'check-overlay: the overlay tool on QEMU trees (about a minute)'
	@status=0; \
	 $(TALLY) run overlay unittest \
	    $(PYTHON) -m unittest discover -s tests/overlay || status=1; \
	 $(TALLY) run scripts unittest \
	    $(PYTHON) -m unittest discover -s tests/scripts || status=1; \
	 exit $$status

check-unit: configure
	@echo 'check-unit: the cores, plain and with sanitizers (a minute)'
	@status=0; \
	 { scripts/native.sh native && $(TALLY) run unit meson:build/native \
	    meson test -C build/native --no-rebuild --print-errorlogs -t 5; } || \
	    status=1; \
	 { scripts/native.sh asan && \
	   $(TALLY) run unit-asan meson:build/native-asan \
	    meson test -C build/native-asan --no-rebuild --print-errorlogs -t 5; } || \
	    status=1; \
	 exit $$status

QTESTS = $(patsubst %.c,%,$(wildcard tests/qtest/*-test.c))
check-qtest: configure
	@[ "$$(uname -m)" != aarch64 ] || { \
	    echo 'check-qtest: its machines are x86: not on arm64' >&2; exit 1; }
	@scripts/qemu.sh build joined qemu-system-i386 $(QTESTS)
	@$(TALLY) run qtest tap scripts/qtest.sh

# Not part of check: one more QEMU to build.
check-qtest-asan: configure
	@scripts/qemu.sh build asan qemu-system-i386 $(QTESTS)
	@$(TALLY) run qtest-asan tap scripts/qtest.sh build/qemu-asan

check-lab: all stock qemu-arm64 stock-arm64 xen-arm64
	@echo 'check-lab: scenarios on real Xen (several minutes)'
	@status=0; \
	 $(TALLY) run lab-selftest lab $(LAB) selftest || status=1; \
	 $(TALLY) run lab lab $(LAB) run all || status=1; \
	 exit $$status

# Not part of check: it repeats for long what check-lab does a few times.
check-soak: all
	@echo 'check-soak: 20 rounds of each on real Xen (half an hour)'
	@$(LAB) run soak

fuzz: configure
	@echo 'fuzz: $(FUZZ_SECONDS) s a target, after the build'
	@scripts/native.sh fuzz
	@$(TALLY) run fuzz tap scripts/fuzz.sh $(FUZZ_SECONDS)

bench: bench-native all stock
	@$(LAB) bench

# Pages in the mapping table; 16777216 for all sizes: half an hour, 6 GiB.
BENCH_PAGES_MAX = 1048576
bench-native: configure
	@echo 'bench-native: the cores next to others (some minutes)'
	@scripts/native.sh bench
	@status=0; bench=build/native-bench/tests/bench; \
	 $$bench/bench-hypervisor-dt || status=1; \
	 $$bench/bench-pv-iommu-calls || status=1; \
	 $$bench/bench-pv-iommu-map --pages-max=$(BENCH_PAGES_MAX) || \
	    status=1; \
	 exit $$status

# --- the lab by hand ---

.PHONY: demo lab-shell
demo: all stock
	@$(LAB) demo

lab-shell: all
	@$(LAB) shell

# --- installation ---

.PHONY: install uninstall
install: all
	@scripts/install.sh install

uninstall:
	@scripts/install.sh uninstall

# --- removal ---

.PHONY: clean distclean
clean:
	rm -rf build/qemu build/stock build/qemu-arm64 build/stock-arm64 \
	    build/xen-arm64 build/native build/native-asan \
	    build/native-fuzz build/native-bench build/check build/pycache

distclean:
	rm -rf build
