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
Q		:= $(if $(filter 1,$(V)),,@)

B		:= build
O		:= $(B)/d$(DEBUG)

include boot/files.mk kern/files.mk vm/files.mk platform/pc64/files.mk \
    tests/kern/files.mk tests/user/files.mk tests/host/files.mk

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
	   -ffile-prefix-map=$(CURDIR)=. -DDEBUG=$(DEBUG) $(WARN) $(KINC)
KLD	:= -nostdlib -static -no-pie -Wl,-z,max-page-size=4096 \
	   -Wl,-z,noexecstack -Wl,--build-id=none -Wl,-T,linker.ld

KSRCS	:= $(BOOT_SRCS) $(KERN_SRCS) $(VM_SRCS) $(PC64_SRCS) $(KTEST_SRCS)
KOBJS	:= $(KSRCS:%=$(O)/%.o)

.PHONY: all
all: $(B)/gnomon.elf

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
