/* SPDX-License-Identifier: BSD-2-Clause */
/* panic_priv.h: what panic.c and panic_report.c share. */
#pragma once

#include <sys/diag.h>
#include <sys/panic.h>

#define PANIC_FRAMES	40
#define PANIC_MSG	320

/* The first panic; written by its CPU alone. */
struct panic_report {
	enum exit_code		 code;
	const struct trapframe	*tf;		/* NULL: panic() was called */
	nsec_t			 start;
	uint64_t		 pc, fp;
	uint64_t		 sp;		/* 0: pc is a return address */
	bool			 titled;	/* the first line is out */
	unsigned		 step;		/* next step of the report */
	unsigned		 nested;	/* panics inside the report */
	const char		*class;
	unsigned		 nframes;
	struct diag_frame	 frame[PANIC_FRAMES];
	char			 msg[PANIC_MSG];
	char			 inner[PANIC_MSG];	/* the last nested one */
};
extern struct panic_report panic_report;

/* panic_steps: the report's steps in order, NULL at the end. */
extern void (*const panic_steps[])(void);
/* panic_record: the same as one line of JSON between markers. */
void	panic_record(void);
