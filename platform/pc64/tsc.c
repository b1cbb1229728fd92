/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tsc.c: time.  The time-stamp counter, measured at boot against a clock of
 * known frequency (HPET, else PIT), gives the uptime without a lock and
 * without a device access; the CMOS clock gives the date once, at boot.
 *
 *	I1 uptime = (tsc - tsc_base) * tsc_mult >> 32; tsc_base and tsc_mult do
 *	   not change after tsc_init; before it the uptime is 0.
 *
 * The counters of all CPUs are taken to run together; the check at each CPU's
 * start says when they do not, and the uptime is then off by that much there.
 *
 * Locks: none.  Sources: Intel SDM vol. 3B 18.17; IA-PC HPET specification
 * 1.0a; Intel 8254 data sheet; Motorola MC146818A data sheet.
 */
#include <lib/assert.h>
#include <lib/atomic.h>
#include <machine/cpu.h>
#include <machine/cpufunc.h>
#include <machine/machdep.h>
#include <machine/pmap_boot.h>
#include <sys/kprintf.h>
#include <sys/md.h>
#include <sys/param.h>

#define FS_PER_NSEC	1000000UL
#define CALIBRATE	(20 * NSEC_PER_MSEC)
#define TSC_GUESS_GHZ	4		/* md_delay before calibration */

#define HPET_CAP	0x000
#define HPET_CONFIG	0x010
#define	 HPET_ENABLE	0x1
#define HPET_COUNTER	0x0f0
#define HPET_LEN	0x400
#define HPET_MAXPERIOD	100000000UL	/* fs, by the specification */

#define PIT_CH2		0x42
#define PIT_COMMAND	0x43
#define	 PIT_CH2_MODE0	0xb0		/* channel 2, both bytes, mode 0 */
#define	 PIT_CH2_LATCH	0x80
#define PIT_GATE	0x61
#define	 GATE_CH2	0x01
#define	 GATE_SPEAKER	0x02
#define PIT_PERIOD	838095345UL	/* fs: 1 / 1193182 Hz */

#define CMOS_INDEX	0x70
#define CMOS_DATA	0x71
#define CMOS_NMI_OFF	0x80
#define RTC_SEC		0x00
#define RTC_MIN		0x02
#define RTC_HOUR	0x04
#define	 RTC_PM		0x80
#define RTC_DAY		0x07
#define RTC_MONTH	0x08
#define RTC_YEAR	0x09
#define RTC_STATUS_A	0x0a
#define	 RTC_UPDATING	0x80
#define RTC_STATUS_B	0x0b
#define	 RTC_24H	0x02
#define	 RTC_BINARY	0x04

/* A clock to measure against: 32 bits that count up, period in fs. */
struct refclock {
	const char	*name;
	uint64_t	 period;
	uint32_t	 mask;
	uint32_t	(*read)(void);
};

/* The reference and the TSC at the same moment. */
struct sample {
	uint32_t	ref;
	uint64_t	tsc;
};

uint64_t	tsc_freq;
static uint64_t	tsc_base;		/* [c] I1 */
static uint64_t	tsc_mult;		/* [c] I1; 0: not yet */
static nsec_t	wall_base;		/* [c] date at uptime 0 */

static volatile uint32_t *hpet;		/* [c] */

static uint32_t
hpet_read(void)
{
	return hpet[HPET_COUNTER / 4];
}

static uint32_t
pit_read(void)
{
	uint32_t lo;

	outb(PIT_COMMAND, PIT_CH2_LATCH);
	lo = inb(PIT_CH2);
	return 0xffff - (lo | (uint32_t)inb(PIT_CH2) << 8);
}

static void
refclock_init(struct refclock *rc)
{
	if (acpi_info.hpet != 0 &&
	    acpi_info.hpet >> cpu_features.maxphys == 0) {
		hpet = pmap_mapdev(acpi_info.hpet, HPET_LEN, PMAP_MAPDEV_UC);
		rc->period = hpet[HPET_CAP / 4 + 1];
		if (rc->period != 0 && rc->period <= HPET_MAXPERIOD) {
			rc->name = "HPET";
			rc->mask = UINT32_MAX;
			rc->read = hpet_read;
			hpet[HPET_CONFIG / 4] |= HPET_ENABLE;
			return;
		}
	}
	rc->name = "PIT";
	rc->period = PIT_PERIOD;
	rc->mask = 0xffff;
	rc->read = pit_read;
	outb(PIT_GATE, (uint8_t)((inb(PIT_GATE) & ~GATE_SPEAKER) | GATE_CH2));
	outb(PIT_COMMAND, PIT_CH2_MODE0);
	outb(PIT_CH2, 0xff);
	outb(PIT_CH2, 0xff);
}

/* Of a few readings the one that was interrupted least. */
static struct sample
sample_take(const struct refclock *rc)
{
	struct sample s = { 0, 0 };
	uint64_t before, after, best = UINT64_MAX;
	uint32_t ref;
	unsigned i;

	for (i = 0; i < 8; i++) {
		before = rdtsc();
		ref = rc->read();
		after = rdtsc();
		if (after - before < best) {
			best = after - before;
			s.ref = ref;
			s.tsc = before + best / 2;
		}
	}
	return s;
}

static nsec_t
ref_nsec(const struct refclock *rc, uint32_t from, uint32_t to)
{
	return (uint64_t)((to - from) & rc->mask) * rc->period / FS_PER_NSEC;
}

/* TSC ticks a second; 0: the reference does not run. */
static uint64_t
calibrate(const struct refclock *rc)
{
	struct sample a = sample_take(rc), b;
	nsec_t ns;
	unsigned i;

	for (i = 0; ref_nsec(rc, a.ref, rc->read()) < CALIBRATE; i++) {
		if (i == 100000000)
			return 0;
		cpu_spinwait();
	}
	b = sample_take(rc);
	ns = ref_nsec(rc, a.ref, b.ref);
	return (b.tsc - a.tsc) * NSEC_PER_SEC / ns;
}

static unsigned
cmos_read(unsigned reg)
{
	outb(CMOS_INDEX, (uint8_t)(reg | CMOS_NMI_OFF));
	return inb(CMOS_DATA);
}

static unsigned
from_bcd(unsigned v, bool binary)
{
	return binary ? v : (v >> 4) * 10 + (v & 0xf);
}

/* Days from 1970-01-01 to a date of the Gregorian calendar. */
static uint64_t
days_from_date(unsigned year, unsigned month, unsigned day)
{
	/* March is month 0, so that the leap day is the last of a year; a
	 * month is then (153 * m + 2) / 5 days into its year. */
	uint64_t y = month <= 2 ? year - 1 : year;
	uint64_t m = month <= 2 ? month + 9 : month - 3;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 +
	    day - 1 - 719468;
}

/* The CMOS clock, in seconds since 1970; it is taken to run in UTC. */
static uint64_t
rtc_read(void)
{
	static const uint8_t regs[6] = { RTC_SEC, RTC_MIN, RTC_HOUR, RTC_DAY,
	    RTC_MONTH, RTC_YEAR };
	unsigned now[6], prev[6], tries, i, hour, b;
	bool same = false, binary;

	/* Twice the same, with no update under way: not torn. */
	for (tries = 0; tries < 1000 && !same; tries++) {
		for (i = 0; i < 10000; i++)
			if ((cmos_read(RTC_STATUS_A) & RTC_UPDATING) == 0)
				break;
		same = tries > 0;
		for (i = 0; i < nitems(regs); i++) {
			now[i] = cmos_read(regs[i]);
			same = same && now[i] == prev[i];
			prev[i] = now[i];
		}
	}
	b = cmos_read(RTC_STATUS_B);
	outb(CMOS_INDEX, 0);			/* NMI on again */
	(void)inb(CMOS_DATA);
	binary = (b & RTC_BINARY) != 0;
	hour = from_bcd(now[2] & ~(unsigned)RTC_PM, binary);
	if ((b & RTC_24H) == 0)
		hour = hour % 12 + ((now[2] & RTC_PM) != 0 ? 12 : 0);
	return days_from_date(2000 + from_bcd(now[5], binary),
	    from_bcd(now[4], binary), from_bcd(now[3], binary)) * 86400 +
	    hour * 3600 + from_bcd(now[1], binary) * 60 +
	    from_bcd(now[0], binary);
}

void
tsc_init(void)
{
	struct refclock rc;

	refclock_init(&rc);
	tsc_freq = calibrate(&rc);
	if (tsc_freq == 0)
		panic("the %s does not count: no time base", rc.name);
	tsc_base = rdtsc();
	tsc_mult = (NSEC_PER_SEC << 32) / tsc_freq;
	wall_base = rtc_read() * NSEC_PER_SEC - md_uptime();
	kprintf("tsc: %lu.%03lu MHz by %s%s\n", tsc_freq / 1000000,
	    tsc_freq / 1000 % 1000, rc.name,
	    cpu_features.invtsc ? "" : ", not marked invariant");
}

uint64_t
md_cycles(void)
{
	return rdtsc();
}

nsec_t
md_uptime(void)
{
	return (nsec_t)(((unsigned __int128)(rdtsc() - tsc_base) *
	    tsc_mult) >> 32);
}

nsec_t
md_walltime(void)
{
	return wall_base + md_uptime();
}

void
md_delay(nsec_t ns)
{
	uint64_t start = rdtsc(), ticks;

	if (tsc_freq == 0)
		ticks = ns * TSC_GUESS_GHZ;
	else
		ticks = ns / NSEC_PER_USEC * (tsc_freq / 1000) / 1000 +
		    ns % NSEC_PER_USEC * (tsc_freq / 1000) / 1000000;
	while (rdtsc() - start < ticks)
		cpu_spinwait();
}

/*
 * Skew: the two CPUs pass a reading to and fro.  Each reading was taken after
 * the one before it, so that a smaller one shows how far a counter is behind.
 */
#define SKEW_ROUNDS	8
static uint64_t		skew_tsc;	/* [a] the last reading */
static unsigned		skew_turn;	/* [a] even: boot CPU's turn */
static uint64_t		skew_max;	/* [a] furthest back seen */

static void
skew_half(unsigned first)
{
	uint64_t mine, last;
	unsigned turn;

	for (turn = first; turn < 2 * SKEW_ROUNDS; turn += 2) {
		while (atomic_load(&skew_turn) != turn)
			cpu_spinwait();
		mine = rdtsc();
		last = atomic_load(&skew_tsc);
		if (mine < last)	/* skew_tsc is 0 in the first round */
			atomic_store(&skew_max, MAX(last - mine,
			    atomic_load(&skew_max)));
		atomic_store(&skew_tsc, mine);
		atomic_store(&skew_turn, turn + 1);
	}
}

void
tsc_skew_boot(int cpu)
{
	uint64_t back;

	skew_half(0);
	while (atomic_load(&skew_turn) != 2 * SKEW_ROUNDS)
		cpu_spinwait();
	back = atomic_swap(&skew_max, 0);
	atomic_store(&skew_tsc, 0);
	atomic_store(&skew_turn, 0);
	if (back != 0)
		kprintf("cpu%d: time-stamp counters are apart by %lu ns\n",
		    cpu, (uint64_t)((unsigned __int128)back * tsc_mult >> 32));
}

void
tsc_skew_ap(void)
{
	skew_half(1);
}
