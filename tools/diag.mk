# SPDX-License-Identifier: BSD-2-Clause
# Panics on purpose, the debugger on the console, gdb.
KIND	?= exit
PANIC	:= $(PYTHON) tools/panic_test.py --kernel $(B)/gnomon.elf \
	   --initrd $(B)/initrd.cpio

.PHONY: panic
panic: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PANIC) --show $(KIND)

.PHONY: panic-test
panic-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PANIC)

.PHONY: kdb-test
kdb-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/kdb_test.py --kernel $(B)/gnomon.elf \
	    --initrd $(B)/initrd.cpio --log $(B)/kdb-test.log

.PHONY: jobs-test
jobs-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/jobs_test.py

.PHONY: bomb-test
bomb-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/bomb_test.py

.PHONY: strace-test
strace-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/strace_test.py

.PHONY: figures
figures: $(B)/gnomon.elf $(B)/initrd.cpio
	$(Q)$(MAKE) -s DEBUG=0 B=$(B)/bench $(B)/bench/gnomon.elf
	$(PYTHON) tools/figures.py

SECONDS	?= 60
.PHONY: fuzz
fuzz: $(B)/gnomon.elf $(B)/initrd.cpio
	$(RUNQEMU) --kernel $(B)/gnomon.elf --initrd $(B)/initrd.cpio \
	    --smp $(SMP) --mem $(MEM) --timeout $$(($(SECONDS) * 2 + 60)) \
	    --cmdline "init=/bin/fuzzsys initargs=$(or $(SEED),$$(date +%s)):1:400:4:$(SECONDS) $(CMDLINE)"

MINUTES	?= 10
.PHONY: soak
soak: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/soak.py --minutes $(MINUTES) $(SOAK) \
	    $(if $(filter command%,$(origin SMP)),--smp $(SMP)) \
	    $(if $(filter command%,$(origin MEM)),--mem $(MEM))

# LOG=file: of the panic or debugger output there; else of a boot under load.
.PHONY: chains
chains: $(B)/gnomon.elf $(B)/initrd.cpio
	$(PYTHON) tools/chains.py $(if $(LOG),$(LOG),--boot) $(B)/chains.svg

# EX='--ex "gnomon threads"' runs that and ends.
GDB	:= $(PYTHON) tools/kgdb_run.py --kernel $(B)/gnomon.elf \
	   --initrd $(B)/initrd.cpio

.PHONY: debug
debug: $(B)/gnomon.elf $(B)/initrd.cpio
	$(GDB) debug --smp $(SMP) --cmdline "$(CMDLINE)" $(EX)

.PHONY: postmortem
postmortem: $(B)/gnomon.elf $(B)/initrd.cpio
	$(GDB) postmortem --smp $(SMP) --kind $(KIND) $(EX)

.PHONY: gdb-test
gdb-test: $(B)/gnomon.elf $(B)/initrd.cpio
	$(GDB) test

# The kernel with the historical bugs, with assertions and without.
BUGGY	:= $(B)/vmbug/gnomon.elf $(B)/vmbug0/gnomon.elf
.PHONY: $(BUGGY)
$(B)/vmbug/gnomon.elf:
	$(Q)$(MAKE) -s VMBUG=1 B=$(B)/vmbug $@
$(B)/vmbug0/gnomon.elf:
	$(Q)$(MAKE) -s VMBUG=1 DEBUG=0 B=$(B)/vmbug0 $@
BUGTEST	:= $(PYTHON) tools/bug_test.py --initrd $(B)/initrd.cpio
N	?= 20

.PHONY: panic-2137
panic-2137: $(BUGGY) $(B)/initrd.cpio
	$(BUGTEST) --show 2137-link 2137-late

.PHONY: panic-2137-natural
panic-2137-natural: $(BUGGY) $(B)/initrd.cpio
	$(BUGTEST) --natural $(N)

.PHONY: bugs
bugs: $(BUGGY) $(B)/initrd.cpio
	$(BUGTEST)

## make panic          a panic on the way out of a process, as in the founding
##                     report; KIND=name: another kind (tools/panic_test.py --list)
## make panic-test     every kind in a boot of its own, its report checked
## make panic-2137     the founding panic, at once and delayed, from a kernel with
##                     the bug (VMBUG=1); panic-2137-natural N=20: without script
## make bugs           every historical bug of that kernel shows itself
## make figures        chains: depths after forks, cost of a fault at each depth, of
##                     a merge and a bypass, faults that fault-around saves
## make fuzz SECONDS=60 random system calls with random arguments, SEED= of an
##                     earlier run's
## make soak MINUTES=10 boots of stress with chaos, a line a minute;
##                     SMP=4 MEM=128M SOAK="--seed 7"
## make chains         build/chains.svg: the object chains of a boot under load;
##                     LOG=file: of a panic's report or debugger output there
## make kdb-test       the debugger on the console, each command checked
## make jobs-test      a shell with job control, typed at over the serial line
## make bomb-test      a fork bomb under a process limit: does the console answer?
## make strace-test    the boot option strace: lines as strace(1) writes them
## make debug          QEMU stopped at its start, gdb with tools/kgdb.py on it
## make postmortem     panic KIND, QEMU's memory dump, gdb with the same helpers
## make gdb-test       both, checked by script
