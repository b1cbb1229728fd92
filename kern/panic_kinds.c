/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic_kinds.c: the panic that the project was founded on, on request: with
 * panic=exit the first process that exits with a shadow chain finds it damaged,
 * and the report shows the way from Xfast_syscall to the list check.  All other
 * kinds are tests (tests/kern/panic_test.c); see tools/panic_test.py.
 */
#include <sys/diag.h>
#include <lib/atomic.h>
#include <lib/string.h>
#include <sys/kprintf.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>

BOOT_OPTION(panic, "panic",
    "exit: damage an object chain when a process exits, for the report");

/* What a wild store would do: the links have one editor, and this is not it. */
static void
damage(struct vm_object *object)
{
	static struct vm_object *nowhere;
	void *link = &nowhere;

	memcpy((char *)object + offsetof(struct vm_object, shadow_list) +
	    sizeof(void *), &link, sizeof(link));
}

void
panic_at_exit(struct vm_map *map)
{
	static int armed;		/* [a] 0: not read yet; 1: no; 2: yes */
	const struct vm_map_entry *entry;
	struct rb_node *n;
	const char *kind;

	if (__predict_true(atomic_load_relaxed(&armed) == 1))	/* a hint */
		return;
	kind = bootopt_str("panic");
	if (kind == NULL || strcmp(kind, "exit") != 0) {
		atomic_store(&armed, 1);
		return;
	}
	for (n = rb_first(&map->tree); n != NULL; n = rb_next(n)) {
		entry = container_of(n, struct vm_map_entry, link);
		if ((entry->eflags & MAP_ENTRY_SUBMAP) == 0 &&
		    entry->object != NULL &&
		    (entry->object->flags & OBJ_ONSHADOW) != 0) {
			kprintf("panic=exit: damaging object %p\n",
			    (void *)entry->object);
			damage(entry->object);
			atomic_store(&armed, 1);
			return;
		}
	}
}
