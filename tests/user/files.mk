# One program a file; ulib.c is linked into each.
USER_PROGS	+= init
USER_PROGS	+= hello
USER_PROGS	+= forktree
USER_PROGS	+= product
