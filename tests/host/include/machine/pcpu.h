/* SPDX-License-Identifier: BSD-2-Clause */
/* pcpu.h (host): each host thread is a CPU of its own. */
#pragma once

#include <machine/param.h>
