/* SPDX-License-Identifier: BSD-2-Clause */
/* lib_upward.c: must be refused.
 * rule: layers: layer lib may not include as kern/lib/lib_upward.c */
#include <sys/thread.h>
