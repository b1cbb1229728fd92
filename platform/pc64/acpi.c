/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi.c: what the kernel wants to know from the ACPI tables: CPUs, interrupt
 * controllers, the HPET, and how to switch the machine off or reset it.
 *
 * No AML is interpreted: \_S5 is found by its bytes, as it is a constant
 * package everywhere.  Every length and checksum is checked before a table is
 * believed; a bad table is named and passed over.  Without any table the
 * kernel runs on one CPU.
 *
 * Locks: none; boot CPU, at start-up.
 * Sources: ACPI specification 6.4: 5.2.5 (RSDP), 5.2.9 (FADT), 5.2.12 (MADT),
 * 7.4.2 (\_Sx), 20.2 (AML encoding); IA-PC HPET specification 1.0a.
 */
#include <lib/string.h>
#include <machine/cpufunc.h>
#include <machine/machdep.h>
#include <machine/pmap_boot.h>
#include <sys/bootinfo.h>
#include <sys/kprintf.h>

#define RSDP_V1_LEN	20
#define RSDP_V2_LEN	36
#define EBDA_POINTER	0x40e		/* real-mode segment of the EBDA */
#define EBDA_SCAN	1024
#define BIOS_START	0xe0000
#define BIOS_LEN	0x20000
#define TABLE_MAX	(1UL << 20)	/* a longer one is not believed */
#define LAPIC_DEFAULT	0xfee00000

struct rsdp {
	char		sig[8];
	uint8_t		checksum;
	char		oem[6];
	uint8_t		revision;
	uint32_t	rsdt;
	uint32_t	length;		/* from here: revision >= 2 */
	uint64_t	xsdt;
	uint8_t		xchecksum;
	uint8_t		reserved[3];
} __packed;
CTASSERT(sizeof(struct rsdp) == RSDP_V2_LEN, "ACPI 5.2.5.3");

struct sdt {
	char		sig[4];
	uint32_t	length;
	uint8_t		revision;
	uint8_t		checksum;
	char		oem[6];
	char		oemtable[8];
	uint32_t	oemrev, creator, creatorrev;
} __packed;
CTASSERT(sizeof(struct sdt) == 36, "ACPI 5.2.6");

struct gas {				/* generic address */
	uint8_t		space, width, offset, access;
	uint64_t	addr;
} __packed;
#define GAS_IO		1

struct fadt {
	struct sdt	h;
	uint32_t	facs, dsdt;
	uint8_t		model, profile;
	uint16_t	sci;
	uint32_t	smi_cmd;
	uint8_t		acpi_enable, acpi_disable, s4bios, pstate;
	uint32_t	pm1a_evt, pm1b_evt, pm1a_cnt, pm1b_cnt;
	uint8_t		skip1[40];	/* to offset 112 */
	uint32_t	flags;
	struct gas	reset;
	uint8_t		reset_value;
	uint8_t		skip2[3];
	uint64_t	x_facs, x_dsdt;
} __packed;
CTASSERT(offsetof(struct fadt, flags) == 112, "ACPI 5.2.9");
CTASSERT(offsetof(struct fadt, x_dsdt) == 140, "ACPI 5.2.9");
#define FADT_V1_LEN	116
#define FADT_RESET_OK	0x400

struct madt {
	struct sdt	h;
	uint32_t	lapic, flags;
} __packed;
enum madt_type {
	MADT_LAPIC = 0,
	MADT_IOAPIC = 1,
	MADT_ISA = 2,
	MADT_LAPIC_ADDR = 5,
	MADT_X2APIC = 9,
};
#define MADT_ENABLED	1

struct hpet_table {
	struct sdt	h;
	uint32_t	block;
	struct gas	addr;
} __packed;

#define AML_NAME	0x08
#define AML_BYTE	0x0a
#define AML_PACKAGE	0x12

struct acpi_info acpi_info;

static uint64_t
rd(const uint8_t *p, unsigned len)
{
	uint64_t v = 0;

	memcpy(&v, p, len);
	return v;
}

static bool
sum_ok(const void *p, size_t len)
{
	const uint8_t *b = p;
	uint8_t sum = 0;

	while (len-- > 0)
		sum = (uint8_t)(sum + *b++);
	return sum == 0;
}

static bool
rsdp_ok(const struct rsdp *r)
{
	return memcmp(r->sig, "RSD PTR ", 8) == 0 && sum_ok(r, RSDP_V1_LEN);
}

static const struct rsdp *
rsdp_scan(vm_paddr_t start, vm_size_t len)
{
	const char *p = pmap_mapdev(start, len, PMAP_MAPDEV_WB);
	vm_size_t off;

	for (off = 0; off + RSDP_V2_LEN <= len; off += 16)
		if (rsdp_ok((const struct rsdp *)(const void *)(p + off)))
			return (const struct rsdp *)(const void *)(p + off);
	return NULL;
}

/* The loader's copy, else where the loader said, else where BIOSes put it. */
static const struct rsdp *
rsdp_find(void)
{
	static struct rsdp copy;
	const struct rsdp *r;
	vm_paddr_t ebda;

	if (bootinfo.rsdp_len != 0) {
		memcpy(&copy, bootinfo.rsdp_copy, bootinfo.rsdp_len);
		if (rsdp_ok(&copy))
			return &copy;
		kprintf("acpi: the loader's RSDP is bad\n");
	}
	if (bootinfo.rsdp != 0 &&
	    bootinfo.rsdp >> cpu_features.maxphys == 0) {
		r = pmap_mapdev(bootinfo.rsdp, sizeof(*r), PMAP_MAPDEV_WB);
		if (rsdp_ok(r))
			return r;
		kprintf("acpi: no RSDP at %#lx\n", bootinfo.rsdp);
	}
	ebda = rd(pmap_mapdev(EBDA_POINTER, 2, PMAP_MAPDEV_WB), 2) << 4;
	if (ebda >= PAGE_SIZE && (r = rsdp_scan(ebda, EBDA_SCAN)) != NULL)
		return r;
	return rsdp_scan(BIOS_START, BIOS_LEN);
}

/* Map a table and check it; NULL: not usable, said so. */
static const struct sdt *
table_map(vm_paddr_t pa)
{
	const struct sdt *t;
	vm_size_t room;

	if (pa == 0 || pa >> cpu_features.maxphys != 0) {
		kprintf("acpi: no table can be at %#lx\n", pa);
		return NULL;
	}
	room = MAX(PAGE_SIZE - (pa & PAGE_MASK), sizeof(*t));
	t = pmap_mapdev(pa, room, PMAP_MAPDEV_WB);
	if (t->length < sizeof(*t) || t->length > TABLE_MAX) {
		kprintf("acpi: table at %#lx claims %u bytes\n", pa,
		    t->length);
		return NULL;
	}
	if (t->length > room)
		t = pmap_mapdev(pa, t->length, PMAP_MAPDEV_WB);
	if (!sum_ok(t, t->length)) {
		kprintf("acpi: %.4s at %#lx: bad checksum\n", t->sig, pa);
		return NULL;
	}
	return t;
}

static void
madt_lapic(uint32_t apicid, uint32_t flags)
{
	struct acpi_info *ai = &acpi_info;

	if ((flags & MADT_ENABLED) == 0)
		return;
	if (ai->ncpus == MAXCPU || apicid >= 0xff)
		ai->ncpus_over++;
	else
		ai->apicid[ai->ncpus++] = apicid;
}

static void
madt_isa(const uint8_t *p)
{
	struct acpi_info *ai = &acpi_info;
	unsigned irq = p[3], flags = (unsigned)rd(p + 8, 2);

	if (p[2] != 0 || irq >= nitems(ai->isa))
		return;			/* bus 0 is ISA */
	ai->isa[irq].gsi = (uint32_t)rd(p + 4, 4);
	ai->isa[irq].low = (flags & 0x3) == 3;
	ai->isa[irq].level = (flags >> 2 & 0x3) == 3;
}

static void
madt_ioapic(const uint8_t *p)
{
	struct acpi_info *ai = &acpi_info;
	uint32_t gsi = (uint32_t)rd(p + 8, 4);

	/* The one that has the ISA interrupts is all we need. */
	if (ai->ioapic == 0 || gsi < ai->ioapic_gsi) {
		ai->ioapic = rd(p + 4, 4);
		ai->ioapic_gsi = gsi;
	}
}

/* The least length an entry of a type must have to be read. */
static unsigned
madt_need(unsigned type)
{
	switch (type) {
	case MADT_LAPIC:
		return 8;
	case MADT_ISA:
		return 10;
	case MADT_IOAPIC:
	case MADT_LAPIC_ADDR:
		return 12;
	case MADT_X2APIC:
		return 16;
	default:
		return 2;
	}
}

static void
madt_parse(const struct sdt *t)
{
	struct acpi_info *ai = &acpi_info;
	const uint8_t *p = (const uint8_t *)t;
	size_t off = sizeof(struct madt), len;

	if (t->length < off)
		return;
	ai->lapic = rd(p + offsetof(struct madt, lapic), 4);
	for (; t->length - off >= 2; off += len) {
		len = p[off + 1];
		if (len < madt_need(p[off]) || len > t->length - off) {
			kprintf("acpi: MADT entry %u at %lu: %lu bytes\n",
			    p[off], off, len);
			return;
		}
		switch (p[off]) {
		case MADT_LAPIC:
			madt_lapic(p[off + 3], (uint32_t)rd(p + off + 4, 4));
			break;
		case MADT_IOAPIC:
			madt_ioapic(p + off);
			break;
		case MADT_ISA:
			madt_isa(p + off);
			break;
		case MADT_LAPIC_ADDR:
			ai->lapic = rd(p + off + 4, 8);
			break;
		case MADT_X2APIC:
			madt_lapic((uint32_t)rd(p + off + 4, 4),
			    (uint32_t)rd(p + off + 8, 4));
			break;
		default:
			break;
		}
	}
}

/* One constant of \_S5's package; false: not a constant we know. */
static bool
aml_byte(const uint8_t **p, const uint8_t *end, uint8_t *val)
{
	if (*p < end && **p <= 1) {
		*val = *(*p)++;		/* ZeroOp, OneOp */
		return true;
	}
	if (end - *p >= 2 && **p == AML_BYTE) {
		*val = (*p)[1];
		*p += 2;
		return true;
	}
	return false;
}

/* Name (_S5, Package (n) { typa, typb, ... }) somewhere in the DSDT. */
static void
dsdt_parse(const struct sdt *t)
{
	struct acpi_info *ai = &acpi_info;
	const uint8_t *p = (const uint8_t *)(t + 1);
	const uint8_t *end = (const uint8_t *)t + t->length;

	for (; end - p >= 12; p++) {
		if (memcmp(p, "_S5_", 4) != 0 || p[4] != AML_PACKAGE)
			continue;
		if (p[-1] != AML_NAME && !(p[-1] == '\\' && p[-2] == AML_NAME))
			continue;
		p += 5;
		p += 1 + (*p >> 6);	/* package length */
		p++;			/* number of elements */
		ai->s5 = p < end && aml_byte(&p, end, &ai->s5_typa) &&
		    aml_byte(&p, end, &ai->s5_typb);
		return;
	}
}

static void
fadt_parse(const struct sdt *t)
{
	struct acpi_info *ai = &acpi_info;
	struct fadt f;
	vm_paddr_t dsdt;
	const struct sdt *d;

	if (t->length < FADT_V1_LEN) {
		kprintf("acpi: FADT of %u bytes\n", t->length);
		return;
	}
	memset(&f, 0, sizeof(f));
	memcpy(&f, t, MIN(t->length, sizeof(f)));
	ai->smi_cmd = (uint16_t)f.smi_cmd;
	ai->acpi_enable = f.acpi_enable;
	ai->pm1a_cnt = (uint16_t)f.pm1a_cnt;
	ai->pm1b_cnt = (uint16_t)f.pm1b_cnt;
	if ((f.flags & FADT_RESET_OK) != 0 && f.reset.space == GAS_IO) {
		ai->reset_port = (uint16_t)f.reset.addr;
		ai->reset_value = f.reset_value;
	}
	dsdt = f.x_dsdt != 0 ? f.x_dsdt : f.dsdt;
	d = table_map(dsdt);
	if (d != NULL && memcmp(d->sig, "DSDT", 4) == 0)
		dsdt_parse(d);
	if (!ai->s5)
		kprintf("acpi: no \\_S5: power-off will not work\n");
}

static void
table_parse(vm_paddr_t pa)
{
	const struct sdt *t = table_map(pa);

	if (t == NULL)
		return;
	if (memcmp(t->sig, "APIC", 4) == 0)
		madt_parse(t);
	else if (memcmp(t->sig, "FACP", 4) == 0)
		fadt_parse(t);
	else if (memcmp(t->sig, "HPET", 4) == 0 &&
	    t->length >= sizeof(struct hpet_table))
		acpi_info.hpet = rd((const uint8_t *)t +
		    offsetof(struct hpet_table, addr.addr), 8);
}

void
acpi_init(void)
{
	struct acpi_info *ai = &acpi_info;
	const struct rsdp *r = rsdp_find();
	const struct sdt *root = NULL;
	unsigned i, esize = 4, n;

	for (i = 0; i < nitems(ai->isa); i++)
		ai->isa[i].gsi = i;
	ai->lapic = LAPIC_DEFAULT;
	if (r != NULL && r->revision >= 2 && r->xsdt != 0 &&
	    sum_ok(r, RSDP_V2_LEN)) {
		root = table_map(r->xsdt);
		esize = 8;
	}
	if (r != NULL && root == NULL) {
		root = table_map(r->rsdt);
		esize = 4;
	}
	if (root == NULL) {
		kprintf("acpi: no tables: one CPU, no power-off\n");
		return;
	}
	ai->found = true;
	n = (unsigned)((root->length - sizeof(*root)) / esize);
	for (i = 0; i < n; i++)
		table_parse(rd((const uint8_t *)(root + 1) + i * esize,
		    esize));
	kprintf("acpi: %s revision %u, %u CPUs%s%s\n", esize == 8 ? "XSDT" :
	    "RSDT", r->revision, ai->ncpus, ai->hpet != 0 ? ", HPET" : "",
	    ai->ioapic != 0 ? ", I/O APIC" : "");
	if (ai->ncpus_over > 0)
		kprintf("acpi: %u more CPUs are beyond what this kernel can "
		    "use (%d, local APIC ids below 255)\n", ai->ncpus_over,
		    MAXCPU);
}
