# One program a file; ulib.c is linked into each.
USER_PROGS	+= init
USER_PROGS	+= hello
USER_PROGS	+= forktree
USER_PROGS	+= cow
USER_PROGS	+= stack
USER_PROGS	+= badptr
USER_PROGS	+= signals
USER_PROGS	+= threads
USER_PROGS	+= execargs
USER_PROGS	+= badelf
USER_PROGS	+= product
USER_PROGS	+= traps
USER_PROGS	+= fpu
