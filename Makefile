# Gnomon.  Output only under build/; `make help` lists the targets.
MAKEFLAGS	+= --no-builtin-rules
.SUFFIXES:
.DEFAULT_GOAL	:= all

CC		:= gcc
HOSTCC		:= gcc
PYTHON		:= python3
DEBUG		?= 1
SMP		?= 2
MEM		?= 512M
CMDLINE		?=
V		?= 0
# 1: the kernel has the historical bugs, see include/vm/vm_bug.h
VMBUG		?= 0
comma		:= ,
Q		:= $(if $(filter 1,$(V)),,@)

B		:= build
O		:= $(B)/d$(DEBUG)

include boot/files.mk kern/files.mk vm/files.mk platform/pc64/files.mk \
    tests/kern/files.mk tests/user/files.mk tests/host/files.mk \
    tests/lab/lab.mk
COVFLAGS := -O0 --coverage -ffunction-sections -fdata-sections \
	    -Wl,--gc-sections,-u,__gcov_dump,-u,__gcov_reset

WARN	:= -Wall -Wextra -Werror -Wconversion -Wno-sign-conversion -Wshadow \
	   -Wstrict-prototypes -Wmissing-prototypes -Wundef -Wvla -Wformat=2 \
	   -Wpointer-arith -Wcast-qual -Wwrite-strings -Wswitch-enum \
	   -Wimplicit-fallthrough -Wframe-larger-than=1024
KINC	:= -nostdinc -isystem $(shell $(CC) -print-file-name=include) \
	   -Iinclude -Iplatform/pc64/include -I$(O)/gen
KFLAGS	:= -std=gnu11 -O2 -g -ffreestanding -mcmodel=kernel -mno-red-zone \
	   -mgeneral-regs-only -fno-omit-frame-pointer \
	   -fno-optimize-sibling-calls -fno-common -fno-pic -fno-pie \
	   -fno-strict-aliasing -fno-stack-protector -fcf-protection=none \
	   -fno-asynchronous-unwind-tables -fno-delete-null-pointer-checks \
	   -fno-tree-loop-distribute-patterns \
	   -ffile-prefix-map=$(CURDIR)=. -ffile-prefix-map=$(B)=build \
	   -DDEBUG=$(DEBUG) -DVMBUG=$(VMBUG) $(WARN) $(KINC)
KLD	:= -nostdlib -static -no-pie -Wl,-z,max-page-size=4096 \
	   -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-T,linker.ld

KSRCS	:= $(BOOT_SRCS) $(KERN_SRCS) $(VM_SRCS) $(PC64_SRCS) $(KTEST_SRCS)
KOBJS	:= $(KSRCS:%=$(O)/%.o)

.PHONY: all
all: $(B)/gnomon.elf

GEN	+= $(O)/gen/syscall_table.h
$(O)/gen/syscall_table.h: kern/linux/syscalls.tbl tools/gen_syscalls.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/gen_syscalls.py $< $@

# Written anew only when it changes, which only two objects notice.
GEN	+= $(O)/gen/version.h
COMMIT	:= $(or $(shell git describe --always --dirty 2>/dev/null),unknown)
.PHONY: FORCE
FORCE:
$(O)/gen/version.h: FORCE
	@mkdir -p $(@D)
	@printf '#define GNOMON_VERSION "0.1"\n#define GNOMON_COMMIT "%s"\n' \
	    "$(COMMIT)" > $@.new
	@if cmp -s $@.new $@; then rm $@.new; else mv $@.new $@; fi

# One object alone, for a quick look: make build/d1/vm/vm_map.c.o
$(O)/%.c.o: %.c | $(O)/gen/assym.h $(GEN)
	@mkdir -p $(@D)
	@echo "CC $<"
	$(Q)$(CC) $(KFLAGS) -MMD -MP -c -o $@ $<

$(O)/%.S.o: %.S $(O)/gen/assym.h
	@mkdir -p $(@D)
	@echo "AS $<"
	$(Q)$(CC) $(KFLAGS) -D__ASSEMBLER__ -MMD -MP -c -o $@ $<

$(O)/gen/assym.h: tools/gen_assym.c tools/gen_assym.sh $(wildcard platform/pc64/include/machine/*.h include/sys/thread.h)
	@mkdir -p $(@D)
	$(Q)sh tools/gen_assym.sh $@ $(CC) $(KFLAGS)

-include $(KOBJS:.o=.d)

# ---- the kernel image: the symbol table is linked in by repeated passes ----

KSYM0	:= $(O)/ksyms0.S.o
$(O)/ksyms%.S: $(O)/gnomon.pass%.elf tools/gen_ksyms.py tools/dwarf_inline.py tools/dwarf_frame.py
	$(Q)$(PYTHON) tools/gen_ksyms.py $< $@

$(O)/gnomon.pass0.elf: $(KOBJS) linker.ld
	@echo "LD $@"
	$(Q)$(CC) $(KLD) -o $@ $(KOBJS)
$(O)/gnomon.pass1.elf: $(O)/ksyms0.S linker.ld
	$(Q)$(CC) $(KFLAGS) -c -o $(O)/ksyms0.o $<
	$(Q)$(CC) $(KLD) -o $@ $(KOBJS) $(O)/ksyms0.o
$(O)/gnomon.elf: $(O)/ksyms1.S linker.ld
	$(Q)$(CC) $(KFLAGS) -c -o $(O)/ksyms1.o $<
	$(Q)$(CC) $(KLD) -o $@ $(KOBJS) $(O)/ksyms1.o
	$(Q)$(PYTHON) tools/gen_ksyms.py --verify $@
$(B)/gnomon.elf: $(O)/gnomon.elf
	$(Q)cp $< $@

# ---- host tests: the real sources under sanitizers ----

HINC	:= -nostdinc -isystem $(shell $(HOSTCC) -print-file-name=include) \
	   -Iinclude -Itests/host/include -Itests/host
HFLAGS	:= -std=gnu11 -O1 -g -ffreestanding -fno-omit-frame-pointer \
	   -fno-strict-aliasing -DDEBUG=2 $(filter-out -Wframe-larger-than=1024,$(WARN)) \
	   -include tests/host/include/host_rename.h $(HINC)
HOSFLAGS := -std=gnu11 -O1 -g -Wall -Wextra -Werror
HSRCS	:= $(VM_SRCS) $(HOST_KSRCS) $(HOST_SRCS) $(HOST_TESTS)
HWRAP	:= -Wl,--wrap=vm_phys_alloc,--wrap=vm_phys_free

# $(call host-build,NAME,SANITIZER FLAGS)
define host-build
H_$(1)_OBJS := $$(HSRCS:%=$(B)/host-$(1)/%.o) $(B)/host-$(1)/tests/host/host_os.c.o
$(B)/host-$(1)/tests/host/host_os.c.o: tests/host/host_os.c tests/host/host_os.h
	@mkdir -p $$(@D)
	$$(Q)$$(HOSTCC) $$(HOSFLAGS) $(2) -c -o $$@ $$<
$(B)/host-$(1)/%.c.o: %.c
	@mkdir -p $$(@D)
	@echo "HOSTCC($(1)) $$<"
	$$(Q)$$(HOSTCC) $$(HFLAGS) $(2) -MMD -MP -c -o $$@ $$<
$(B)/host-$(1)/htest: $$(H_$(1)_OBJS)
	@echo "HOSTLD $$@"
	$$(Q)$$(HOSTCC) $(2) $$(HWRAP) -o $$@ $$^ -lpthread
-include $$(H_$(1)_OBJS:.o=.d)
endef
$(eval $(call host-build,asan,-fsanitize=address$(comma)undefined -fno-sanitize-recover=all))
$(eval $(call host-build,tsan,-fsanitize=thread))
$(eval $(call host-build,cov,$(COVFLAGS) -fprofile-update=atomic))

# ---- user programs, the initrd and the ISO ----

UFLAGS	:= -std=gnu11 -O2 -g -ffreestanding -nostdlib -static -fno-pie -no-pie \
	   -fno-stack-protector -fno-asynchronous-unwind-tables -mno-red-zone \
	   -fno-tree-loop-distribute-patterns -fcf-protection=none \
	   -Wall -Wextra -Werror -Wshadow -Wno-array-bounds \
	   -Wl,--build-id=none -Wl,-z,noexecstack
U	:= $(B)/user
UBINS	:= $(USER_PROGS:%=$(U)/%) $(U)/vmbench
BUSYBOX	?= $(wildcard /bin/busybox)
APPLETS	:= $(if $(BUSYBOX),$(filter-out busybox $(USER_PROGS),$(shell $(BUSYBOX) --list)))

$(U)/fuzz_numbers.h: kern/linux/syscalls.tbl tools/gen_syscalls.py
	@mkdir -p $(@D)
	$(Q)$(PYTHON) tools/gen_syscalls.py --numbers $< $@
$(U)/fuzzsys: $(U)/fuzz_numbers.h

$(U)/%: tests/user/%.c tests/user/ulib.c tests/user/ulib.h \
    tests/user/uprobe.h tests/user/elfmut.h
	@mkdir -p $(@D)
	@echo "UCC $@"
	$(Q)$(CC) $(UFLAGS) -I$(U) -o $@ $< tests/user/ulib.c

$(U)/vmbench: tests/bench/vmbench.c tests/bench/sys.h
	@mkdir -p $(@D)
	@echo "UCC $@"
	$(Q)$(CC) $(filter-out -Wshadow -Wextra,$(UFLAGS)) -mgeneral-regs-only \
	    -Wno-misleading-indentation -Wno-unused-function \
	    -Wno-maybe-uninitialized -o $@ $<

# In the initrd without debug information: it is most of them, and memory there.
$(B)/ubin/%: $(U)/%
	@mkdir -p $(@D)
	$(Q)strip --strip-debug -o $@ $<

$(B)/initrd.cpio: $(UBINS:$(U)/%=$(B)/ubin/%) $(wildcard tests/user/*.txt) kern/linux/syscalls.tbl \
    tools/mkinitrd.py
	$(Q)$(PYTHON) tools/mkinitrd.py $@ init=$(B)/ubin/init dev/ tmp/ proc/ \
	    etc/suite=tests/user/suite.txt etc/stress=tests/user/stress.txt \
	    etc/storm=tests/user/storm.txt etc/bulk=tests/user/bulk.txt etc/product.txt=tests/expect/product.txt \
	    etc/syscalls.tbl=kern/linux/syscalls.tbl \
	    $(foreach p,$(UBINS),bin/$(notdir $(p))=$(B)/ubin/$(notdir $(p))) \
	    $(if $(BUSYBOX),bin/busybox=$(BUSYBOX) $(APPLETS:%=bin/%=@busybox))

$(B)/gnomon.iso: $(B)/gnomon.elf $(B)/initrd.cpio boot/grub.cfg
	@echo "ISO $@"
	@rm -rf $(B)/iso && mkdir -p $(B)/iso/boot/grub
	$(Q)cp $(B)/gnomon.elf $(B)/initrd.cpio $(B)/iso/boot/
	$(Q)cp boot/grub.cfg $(B)/iso/boot/grub/
	$(Q)grub-mkrescue -o $@ $(B)/iso 2>$(B)/grub.log || (cat $(B)/grub.log; false)

# ---- what people type ----

RUNQEMU	:= $(PYTHON) tools/run_qemu.py

include tools/diag.mk tests/coverage.mk tools/world.mk

.PHONY: run
run: $(B)/gnomon.iso
	$(RUNQEMU) --iso $< --smp $(SMP) --mem $(MEM) --cmdline "$(CMDLINE)" \
	    --log $(B)/run.log

# The same boot without GRUB, by the PVH note: quicker to start.
.PHONY: quick
quick: $(B)/gnomon.elf $(B)/initrd.cpio
	$(RUNQEMU) --kernel $(B)/gnomon.elf --initrd $(B)/initrd.cpio \
	    --smp $(SMP) --mem $(MEM) --cmdline "$(CMDLINE)" --log $(B)/run.log

.PHONY: htest
htest: $(B)/host-asan/htest
	$< $(HARGS)

# The loader with N damaged programs; ELFS="files", HARGS="seed=1".
.PHONY: fuzz-elf
fuzz-elf: $(B)/host-asan/htest $(UBINS)
	FUZZ_ELF=$(if $(filter command%,$(origin N)),$(N),1000000) $< \
	    $(HARGS) "elf_fuzz.*"

.PHONY: test
test: $(B)/host-asan/htest $(B)/host-tsan/htest $(B)/lab $(B)/gnomon.iso $(BUGGY)
	$(PYTHON) tools/run_tests.py

# Assertions off; with PEER=linux a Linux guest is measured beside it.
.PHONY: bench
bench: $(UBINS)
	$(Q)$(MAKE) -s DEBUG=0 B=$(B)/bench $(B)/bench/gnomon.elf
	$(Q)$(if $(filter linux,$(PEER)),sh tools/peer_linux.sh $(B)/linux)
	$(PYTHON) tools/bench.py --kernel $(B)/bench/gnomon.elf --user $(U) \
	    --linux $(B)/linux/vmlinuz --out $(B)/bench.json

# The counters of the last boot; a boot with vmlog= if that kept none.
.PHONY: report
report: $(B)/gnomon.elf $(B)/initrd.cpio
	$(Q)grep -qs '^vmlog: ' $(B)/run.log || \
	    $(MAKE) -s quick CMDLINE="vmlog=200 $(CMDLINE)" >/dev/null
	$(Q)[ -e $(B)/chains.svg ] || $(MAKE) -s chains >/dev/null
	$(PYTHON) tools/report.py $(B)/report.html

.PHONY: check
check: $(B)/gnomon.elf
	$(PYTHON) tools/check.py --cc $(CC)

# The protocols of vm/, searched exhaustively; what failed once must fail.
.PHONY: models
models:
	tests/models/run.sh

# What make test leaves out: long stress, bad boots, the debuggers.
.PHONY: test-all
test-all: $(B)/host-asan/htest $(B)/host-tsan/htest $(B)/lab $(B)/gnomon.iso \
    $(BUGGY)
	$(PYTHON) tools/run_tests.py all

.PHONY: setup
setup:
	sh tools/setup.sh

.PHONY: clean
clean:
	rm -rf $(B)

.PHONY: help
help:
	@sed -n 's/^## //p' Makefile tools/diag.mk tests/coverage.mk tools/world.mk

## make setup          install what is missing (Debian 12 packages)
## make                build build/gnomon.elf
## make run            ISO, boot in QEMU, whole suite; status is the verdict
##                     SMP=2 MEM=512M CMDLINE="..." DEBUG=0|1|2
## make quick          the same without GRUB (PVH)
## make test           host tests (ASan, UBSan, TSan) and QEMU tests
## make test-all       the same and long stress, bad boots, kdb and gdb
## make htest          host tests alone; HARGS="seed=1 vm_map.*"
## make fuzz-elf       the ELF loader with N=1000000 damaged programs, on the host
## make lab            the race laboratory's gate: vm/ under every schedule; LABSECS=120
## make lab-deep       the same for HOURS=n; SHARD=i/m on many machines
## make mutants        known faults put in on purpose: does the laboratory notice?
## make coverage       lines, branches, functions of vm/ that host tests and laboratory
##                     reach, and alias coverage; COVSECS=60
## make check          every static gate
## make models         SPIN models of the chain protocols
## make bench          instructions and times per operation; PEER=linux beside
## make report         build/report.html: benchmark, tests, counters, chains
## make clean          remove build/
## V=1 shows the commands.  make setup run and make setup test do all at once.
