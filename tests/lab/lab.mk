# The race laboratory: build/lab.  See tests/lab/README.md.
HOST_SRCS	+= tests/host/host_base.c

LAB_TSAN_SRCS	:= $(VM_SRCS) kern/zone.c kern/lib/radix.c kern/lib/rbtree.c \
		   tests/lab/litmus.c
LAB_PLAIN_SRCS	:= kern/lib/string.c kern/lib/ksnprintf.c kern/lib/prng.c \
		   kern/kmalloc.c kern/lockdep.c \
		   tests/host/host_base.c tests/host/fake_pmap.c \
		   tests/host/user_access.c \
		   tests/lab/lab_sched.c tests/lab/lab_search.c \
		   tests/lab/lab_kern.c tests/lab/lab_tsan.c \
		   tests/lab/lab_pmap.c tests/lab/lab_model.c \
		   tests/lab/lab_vmops.c tests/lab/lab_named.c \
		   tests/lab/lab_ops.c tests/lab/lab_shapes.c \
		   tests/lab/lab_tso.c tests/lab/lab_reduce.c \
		   tests/lab/lab_compare.c \
		   tests/lab/lab_self.c tests/lab/lab_run.c \
		   tests/lab/lab_story.c tests/lab/lab_draw.c \
		   tests/lab/lab_stage.c tests/lab/lab_alias.c \
		   tests/lab/lab_guide.c \
		   tests/lab/lab_fixed.c \
		   tests/lab/lab_main.c
LAB_OS_SRCS	:= tests/host/host_os.c tests/lab/lab_os.c
LAB_WRAPS	:= hos_alloc hos_free hos_map hos_unmap zone_alloc zone_free \
		   pmap_remove pmap_protect pmap_remove_all pmap_remove_write \
		   pmap_page_is_mapped pmap_clear_modify pmap_destroy pmap_enter \
		   pmap_zero_page pmap_copy_page fake_cpu_access vm_phys_alloc \
		   vm_phys_free
LAB		:= $(B)/labobj
LAB_CFLAGS	= -std=gnu11 -O2 -g -ffreestanding -fno-omit-frame-pointer \
		  -fno-strict-aliasing -fno-pie -DDEBUG=1 \
		  $(filter-out -Wframe-larger-than=1024,$(WARN)) \
		  -include tests/host/include/host_rename.h -nostdinc \
		  -isystem $(shell $(HOSTCC) -print-file-name=include) \
		  -Iinclude -Itests/lab/include -Itests/host/include \
		  -Itests/host -Itests/lab $(LAB_XFLAGS)
LAB_OBJS	:= $(LAB_TSAN_SRCS:%=$(LAB)/t/%.o) \
		   $(LAB_PLAIN_SRCS:%=$(LAB)/p/%.o) \
		   $(LAB_OS_SRCS:%=$(LAB)/os/%.o)
LAB_LINK	= $(HOSTCC) $(LAB_XLINK) -no-pie -Wl,-T,tests/lab/world.ld \
		  $(LAB_WRAPS:%=-Wl,--wrap=%)

$(LAB)/t/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "LABCC(access) $<"
	$(Q)$(HOSTCC) $(LAB_CFLAGS) -fsanitize=thread -MMD -MP -c -o $@ $<
$(LAB)/p/%.c.o: %.c
	@mkdir -p $(@D)
	@echo "LABCC $<"
	$(Q)$(HOSTCC) $(LAB_CFLAGS) -D__SANITIZE_THREAD__=1 -MMD -MP -c -o $@ $<
$(LAB)/os/%.c.o: %.c
	@mkdir -p $(@D)
	$(Q)$(HOSTCC) -std=gnu11 -O2 -g -fno-pie -Wall -Wextra -Werror \
	    -MMD -MP -c -o $@ $<
$(B)/lab: $(LAB_OBJS) tests/lab/world.ld
	@echo "LABLD $@"
	$(Q)$(LAB_LINK) -o $@ $(LAB_OBJS)
-include $(LAB_OBJS:.o=.d)

.PHONY: lab
lab: $(B)/lab
	$< gate secs=$(LABSECS) $(LABARGS)
LABSECS		?= 120

# make lab-deep HOURS=8 SHARD=0/4 on each of four machines; build/lab merge
# adds the outputs up.
HOURS		?= 1
SHARD		?= 0/1
.PHONY: lab-deep
lab-deep: $(B)/lab
	$< deep secs=$(shell $(PYTHON) -c "print(int($(HOURS)*3600))") seed=1 \
	    shard=$(firstword $(subst /, ,$(SHARD))) \
	    shards=$(lastword $(subst /, ,$(SHARD))) $(LABARGS)

# make lab-figure SHARD=0/20: all pairs and triples of eight operations over six
# shapes, to the end.
.PHONY: lab-figure
lab-figure: $(B)/lab
	$< figure seed=1 shard=$(firstword $(subst /, ,$(SHARD))) \
	    shards=$(lastword $(subst /, ,$(SHARD))) $(LABARGS)

# make lab-compare MUTSECS=20 MUTANTS="...": does the search with reduction find
# what it finds without?  In the clean tree: build/lab compare.
.PHONY: lab-compare
lab-compare: $(B)/lab
	$(PYTHON) tests/mutants/run_mutants.py --build $(B) --secs $(MUTSECS) \
	    --compare $(MUTANTS)

# make mutants MUTSECS=30 MUTANTS="merge-no-pin ..."
MUTSECS		?= 30
.PHONY: mutants
mutants: $(B)/lab
	$(PYTHON) tests/mutants/run_mutants.py --build $(B) --secs $(MUTSECS) \
	    $(MUTANTS)
