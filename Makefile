# SPDX-License-Identifier: GPL-2.0
# The front door. `make help` says what there is; kbuild reads Kbuild, not this file.
#
#   KDIR=PATH       your own prepared kernel tree: only the module is built, with your own tools
#   KERNEL=RELEASE  another stock kernel than the newest one

MAKEFLAGS += --no-print-directory
export KERNEL BTFRELOC_KIT DEBIAN_MIRROR FEATURES DESTDIR PREFIX

.NOTPARALLEL:
.DEFAULT_GOAL := $(if $(KDIR),module,help)

help:
	@echo 'rust_btfreloc: keeps the BTF of kernel modules valid on other kernels'
	@echo
	@echo '  make demo          see it: a stock Debian kernel in a VM, before and after'
	@echo '  make demo-kabi     the same on kernels with MODVERSIONS, which are built for it, once: 20 minutes'
	@echo '  make check         run all tests'
	@echo '  make check-corpus  every module of the stock kernels on each of them, with libbpf beside it'
	@echo '  make fuzz          fuzz the core; SECONDS=600 for longer than five minutes'
	@echo '  make bench         what it costs, beside libbpf and beside what the kernel takes for the same'
	@echo '  make module        build the module for the kernel of the demonstration'
	@echo '  make KDIR=PATH     build the module for the kernel tree at PATH (prepared, with Rust)'
	@echo '  make install KDIR=PATH   and install it below /lib/modules; make uninstall KDIR=PATH removes it'
	@echo '  make tool          build/bin/btfreloc: says in advance how modules relocate, on which kernels'
	@echo '  make install-tool  install it with man pages and completions: PREFIX=/usr/local; make uninstall-tool removes it'
	@echo '  make deb           Debian packages: the tool, and the module for dkms and built (docs/install.md)'
	@echo '  make clean         remove what was built here'
	@echo '  make distclean     remove the development kit as well'
	@echo
	@echo 'The first run sets up a development kit of some 6.5 GB (scripts/kit --help).'

ifneq ($(word 2,$(KDIR)),)
$(error KDIR=$(KDIR): kernel builds take no spaces in a path)
endif
ifneq ($(KDIR),)
# An absolute path, as kbuild changes folders.
override KDIR := $(abspath $(KDIR))
KBUILD_OUT := $(CURDIR)/build/kdir

module:
	@scripts/kit check-tree $(KDIR)
	@mkdir -p $(KBUILD_OUT)
	@$(MAKE) -C $(KDIR) M=$(CURDIR) MO=$(KBUILD_OUT) modules
	@echo $(KDIR) >$(KBUILD_OUT)/tree
	@echo 'built: insmod $(KBUILD_OUT)/rust_btfreloc.ko'

# Not built anew by who installs it, which may be root without a rustc, but where it is older than the sources or than
# the tree, or of another tree.
$(KBUILD_OUT)/rust_btfreloc.ko: Kbuild rust_btfreloc.rs $(shell find src -name '*.rs') \
		$(wildcard $(KDIR)/include/generated/utsrelease.h $(KDIR)/include/config/auto.conf $(KDIR)/rust/libkernel.rmeta) \
		$(if $(filter $(KDIR),$(shell cat $(KBUILD_OUT)/tree 2>/dev/null)),,another-tree)
	@$(MAKE) module

another-tree:

install: $(KBUILD_OUT)/rust_btfreloc.ko
	@scripts/install module $(KDIR) $(KBUILD_OUT)

uninstall:
	@scripts/install no-module $(KDIR)
else
module: kit
	@scripts/build module

install uninstall:
	@echo 'make $@: say for which kernel: make $@ KDIR=/lib/modules/$$(uname -r)/build' >&2
	@exit 1
endif

kit:
	@scripts/kit

tool:
	@scripts/tool

# Not built anew by who installs it, which may be root.
build/bin/btfreloc:
	@scripts/tool

install-tool: build/bin/btfreloc
	@scripts/install tool

uninstall-tool:
	@scripts/install no-tool

# The sources for dkms, below /usr/src
VERSION := $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' scripts/btfreloc/Cargo.toml)
DKMS_DIR := $(DESTDIR)/usr/src/rust-btfreloc-$(VERSION)
install-dkms:
	@install -d $(DKMS_DIR)
	@cp -R Kbuild rust_btfreloc.rs src LICENSE packaging/dkms/dkms-check $(DKMS_DIR)
	@rm -f $(DKMS_DIR)/src/Cargo.toml $(DKMS_DIR)/src/Cargo.lock $(DKMS_DIR)/src/lib.rs
	@sed 's/#MODULE_VERSION#/$(VERSION)/' packaging/dkms/dkms.conf >$(DKMS_DIR)/dkms.conf
	@echo 'installed $(DKMS_DIR): now dkms install rust-btfreloc/$(VERSION)'

deb: kit
	@scripts/deb

demo: kit
	@scripts/demo

demo-kabi:
	@scripts/kit kabi
	@scripts/demo-kabi

check: kit
	@scripts/check

check-corpus: kit
	@scripts/check-corpus

fuzz: kit
	@scripts/fuzz $(SECONDS)

bench: kit
	@scripts/bench

clean:
	@rm -rf build

distclean: clean
	@scripts/kit clean

.PHONY: help module another-tree install uninstall kit tool install-tool uninstall-tool install-dkms deb demo demo-kabi check check-corpus fuzz bench clean distclean
