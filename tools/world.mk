# SPDX-License-Identifier: BSD-2-Clause
# Programs from Debian in the guest: the world, a shell, the bulk build.
WORLD	:= $(B)/world/world.cpio
WORLDIN	:= tools/world.py tools/debsrc.py tools/mkinitrd.py $(wildcard tests/world/*) \
	   $(U)/cowstorm $(U)/forktree

.PHONY: setup-world
setup-world:
	sh tools/setup.sh world

$(WORLD): $(WORLDIN)
	$(Q)sh tools/setup.sh world
	$(PYTHON) tools/world.py $(U)

# Says what is in it even when there is nothing to do.
.PHONY: world
world: $(WORLD)
	@cat $(B)/world/contents

# RUN="command": that alone, its output and its status.
export RUN
.PHONY: shell
shell: $(B)/gnomon.elf $(WORLD)
	@$(PYTHON) tools/shell.py --smp $(SMP) --mem $(MEM) \
	    --cmdline "$(CMDLINE)" $(if $(RUN),--run "$$RUN")

.PHONY: bulk-build
bulk-build: $(B)/gnomon.elf $(WORLD)
	$(Q)$(if $(filter linux,$(PEER)),sh tools/peer_linux.sh $(B)/linux && \
	    $(MAKE) -s DEBUG=0 B=$(B)/bench $(B)/bench/gnomon.elf)
	$(PYTHON) tools/bulk_build.py $(if $(filter linux,$(PEER)), \
	    --kernel $(B)/bench/gnomon.elf --peer $(B)/linux/vmlinuz) \
	    $(if $(filter command%,$(origin HOURS)),--hours $(HOURS)) \
	    $(if $(filter command%,$(origin SMP)),--smp $(SMP)) \
	    $(if $(filter command%,$(origin MEM)),--mem $(MEM)) $(BULK)

# One line a program, then what ran, its verdict and its calls that were not
# there.  $(call programs,INITRD,COMMAND,LOG,SECONDS,MACHINE)
define programs
$(Q)$(PYTHON) tools/shell.py --smp $(SMP) --mem $(MEM) $(5) --initrd $(1) \
    --cmdline "enosys=2 $(CMDLINE)" --timeout $(4) --log $(3) --run $(2); \
    s=$$?; $(PYTHON) tools/programs.py $(3); exit $$s
endef

.PHONY: world-test
world-test: $(B)/gnomon.elf $(WORLD)
	$(call programs,$(WORLD),programs,$(B)/world-test.log,600)

# The founding panic by the founding load: in how many rounds of how many tries.
# A remover that has read le_prev stays up to 1 ms, at one pass in 25.
.PHONY: bulk-2137
bulk-2137: $(B)/vmbug/gnomon.elf $(WORLD)
	$(PYTHON) tools/bulk_build.py --kernel $< --panics $(N) \
	    --cmdline vmbugwait=1000 $(BULK)

# Programs by others that check what a kernel does; OTHERS="glob" of their names.
# LINUX=1: selftests of Linux too.
OTHERCPIO := $(B)/others/$(if $(LINUX),linux,others).cpio
OTHERS	?= *

$(OTHERCPIO): tools/others.py tools/debsrc.py tools/mkinitrd.py \
    $(wildcard tests/others/*) tests/world/init
	$(Q)sh tools/setup.sh world
	$(PYTHON) tools/others.py $(if $(LINUX),linux)

.PHONY: others
others: $(B)/gnomon.elf $(OTHERCPIO)
	@cat $(OTHERCPIO).contents
	$(call programs,$(OTHERCPIO),"others '$(OTHERS)'",$(B)/others.log,3600)

# Programs of Debian as they are installed here, dynamically linked; DEBIAN="glob".
DEBIAN	?= *

.PHONY: debian
debian: $(B)/gnomon.elf
	$(Q)$(PYTHON) tools/debian.py
	@cat $(B)/debian/contents
	$(call programs,$(B)/debian/debian.cpio,"debian '$(DEBIAN)'",$(B)/debian.log,3600,\
	    --smp 4 --mem 1G)

# All of them, and one table.
.PHONY: programs
programs:
	$(Q)$(MAKE) -k --no-print-directory world-test others debian; s=$$?; \
	    $(PYTHON) tools/programs.py $(B)/world-test.log $(B)/others.log \
	    $(B)/debian.log; exit $$s

## make world          an initrd of Debian's programs and sources in build/world
## make shell          busybox's shell on the console; poweroff ends it;
##                     RUN="command": its output and its status
## make world-test     about a hundred of its programs, a line each; calls not there
## make others         checkers by others: libsigsegv, gctest, memtester, lmdb,
##                     sqlite3, a line each; OTHERS="tt3*" some of them;
##                     LINUX=1: selftests of Linux too (fetches 130 MB)
## make debian         bash, perl, python3, gcc as installed here, dynamically
##                     linked; the guest builds this kernel, byte for byte the
##                     host's; 4 CPUs, 1 GiB; DEBIAN="py*" some of them
## make programs       all three, and one table of what ran, with its verdict and calls
## make bulk-build     the founding load: four trees by make -j5 on 4 CPUs, 128M,
##                     binaries compared with the host's; HOURS=n with chaos;
##                     PEER=linux: seconds beside a Linux guest, by turns
## make bulk-2137 N=20 the same on a kernel with the founding bug, until it panics
