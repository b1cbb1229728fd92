/* SPDX-License-Identifier: BSD-2-Clause */
/* private_machine.c: must be refused.
 * rule: layers: vm may not see the platform's as vm/private_machine.c */
#include <machine/specialreg.h>
