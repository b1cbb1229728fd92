/* SPDX-License-Identifier: BSD-2-Clause */
/* link_editor_key.c: only vm_shadow.c may ask for the right to edit links.
 * rule: link: VM_OBJECT_LINK_EDITOR as vm/second.c */
#define VM_OBJECT_LINK_EDITOR
#include <vm/vm_object.h>
