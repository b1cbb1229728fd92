KERN_SRCS += kern/lib/string.c
KERN_SRCS += kern/lib/ksnprintf.c
KERN_SRCS += kern/lib/prng.c
KERN_SRCS += kern/lib/radix.c
KERN_SRCS += kern/zone.c
KERN_SRCS += kern/kmalloc.c
KERN_SRCS += kern/lib/rbtree.c
KERN_SRCS += kern/lib/popcount.c
