VM_SRCS += vm/vm_object.c
VM_SRCS += vm/vm_shadow.c
VM_SRCS += vm/vm_collapse.c
VM_SRCS += vm/vm_sched.c
ifeq ($(VMBUG),1)
VM_SRCS += vm/vm_bug.c
endif
VM_SRCS += vm/vm_pager.c
VM_SRCS += vm/vm_fault.c
VM_SRCS += vm/vm_prefault.c
VM_SRCS += vm/vm_objcache.c
VM_SRCS += vm/vm_show.c
VM_SRCS += vm/vm_check.c
VM_SRCS += vm/vm_phys.c
VM_SRCS += vm/vm_phys_seg.c
VM_SRCS += vm/vm_page.c
VM_SRCS += vm/vm_pageq.c
VM_SRCS += vm/vm_kern.c
VM_SRCS += vm/vm_meter.c
VM_SRCS += vm/vm_init.c
VM_SRCS += vm/vm_map.c
VM_SRCS += vm/vm_map_ops.c
VM_SRCS += vm/vm_map_fork.c
VM_SRCS += vm/vm_space.c
VM_SRCS += vm/vm_mmap.c
VM_SRCS += vm/vm_mremap.c
VM_SRCS += vm/vm_incore.c
VM_SRCS += vm/vm_map_insert.c
