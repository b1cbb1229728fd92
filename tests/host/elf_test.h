/* SPDX-License-Identifier: BSD-2-Clause */
/* elf_test.h: what both tests of the ELF loader ask of a plan. */
#pragma once

#include <lib/types.h>

struct exec_plan;

/* plan_bad: what is wrong with a plan that was accepted; NULL: nothing. */
const char	*plan_bad(const struct exec_plan *p, uint64_t filesize);
