/* SPDX-License-Identifier: BSD-2-Clause */
/* wrong_layer.c: must be refused.
 * rule: layers: layer vm may not include as vm/wrong_layer.c */
#include <sys/proc.h>
