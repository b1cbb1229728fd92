BOOT_SRCS += boot/entry.S
BOOT_SRCS += boot/bootinfo.c
BOOT_SRCS += boot/ap_entry.S
