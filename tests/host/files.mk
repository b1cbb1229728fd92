# Kernel sources that the host build compiles as they are, and its own files.
HOST_KSRCS	+= kern/lib/string.c
HOST_KSRCS	+= kern/lib/ksnprintf.c
HOST_KSRCS	+= kern/lib/prng.c
HOST_KSRCS	+= kern/lib/radix.c
HOST_KSRCS	+= kern/lib/rbtree.c
HOST_KSRCS	+= kern/zone.c
HOST_KSRCS	+= kern/kmalloc.c
HOST_KSRCS	+= kern/lockdep.c
HOST_SRCS	+= tests/host/host_kern.c
HOST_SRCS	+= tests/host/harness.c
HOST_SRCS	+= tests/host/lib_test.c
HOST_SRCS	+= tests/host/fake_pmap.c
HOST_TESTS	+= tests/host/radix_test.c
HOST_TESTS	+= tests/host/vm_phys_test.c
HOST_TESTS	+= tests/host/rbtree_test.c
HOST_TESTS	+= tests/host/vm_object_test.c
HOST_TESTS	+= tests/host/vm_fault_test.c
