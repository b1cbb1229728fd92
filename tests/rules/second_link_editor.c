/* SPDX-License-Identifier: BSD-2-Clause */
/* second_link_editor.c: a link edited outside vm_shadow.c is refused.
 * rule: gcc: read-only as vm/second.c */
#include <vm/vm_object.h>

void	second_link_editor(struct vm_object *object, struct vm_object *backing);

void
second_link_editor(struct vm_object *object, struct vm_object *backing)
{
	LIST_REMOVE(object, shadow_list);
	object->backing_object = backing;
}
