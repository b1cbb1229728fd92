# SPDX-License-Identifier: BSD-2-Clause
"""kgdb.py: gdb commands for a running Gnomon or a dump of its memory.

    gdb -x tools/kgdb.py build/gnomon.elf      (make debug, make postmortem)

gnomon threads          all threads: state, wait channel, whom they wait for
gnomon locks            locks held, with their sites
gnomon bt TID           backtrace of a thread that is switched out
gnomon cpus             what each CPU runs
gnomon map [TID|ADDR]   a map's entries (kernel_map without an argument)
gnomon object ADDR      one object with its resident pages
gnomon chain ADDR       an object and all that back it
gnomon page ADDR|PA     a page and its mappings
gnomon panic            the panic report's title, message and frames

Everything is read through the types in the image, so that a dump and a running
machine work alike and a changed struct shows as an error, not as nonsense.
"""
import gdb

PLOCK = 0x4
PROT = "rwx"
DMAP = 0xffff800000000000


def sym(name):
    return gdb.parse_and_eval(name)


def typ(name):
    return gdb.lookup_type("struct " + name)


def at(address, name):
    """The struct of that type at address."""
    return gdb.Value(address).cast(typ(name).pointer()).dereference()


def num(value):
    return int(value)


def text(pointer):
    """A C string; - for NULL."""
    return pointer.string(errors="replace")[:80] if num(pointer) else "-"


def name_of(array):
    return array.string(errors="replace").split("\0")[0]


def place(pc):
    """function+offset file:line of a return address."""
    pc = num(pc)
    block = gdb.block_for_pc(pc - 1) if pc else None
    while block is not None and block.function is None:
        block = block.superblock
    found = gdb.find_pc_line(pc - 1)
    if block is None:
        return hex(pc)
    where = f"{found.symtab.filename}:{found.line}" if found.symtab else "?"
    return f"{block.function.name} {where}"


def links(first, link):
    """A LIST of structs, with an end even if it is a ring."""
    seen = set()
    while num(first) and num(first) not in seen:
        seen.add(num(first))
        item = first.dereference()
        yield item
        first = item[link]["le_next"]


def threads():
    return links(sym("all_threads")["lh_first"], "td_all")


def thread(tid):
    for td in threads():
        if num(td["td_tid"]) == tid:
            return td
    raise gdb.GdbError(f"no thread has the id {tid}")


def page_at(address):
    first, count = num(sym("vm_page_array")), num(sym("vm_page_count"))
    size = typ("vm_page").sizeof
    if first <= address < first + count * size:
        return at(first + (address - first) // size * size, "vm_page")
    for i in range(num(sym("vm_phys_nsegs"))):
        seg = sym("vm_phys_segs")[i]
        if num(seg["start"]) <= address < num(seg["end"]):
            n = (address - num(seg["start"])) >> 12
            return (seg["first"] + n).dereference()
    return None


def waits_for(td):
    """(what, its owner's name) of a sleeping thread."""
    chan = num(td["td_wchan"])
    if num(td["td_wflags"]) & PLOCK:
        rw = at(chan & ~3, "rwlock")
        return "rwlock " + text(rw["rw_name"]), rw["rw_owner"]
    m = page_at(chan) if chan >= DMAP else None
    if m is not None:
        return f"page {chan:#x}", m["busy_owner"]
    return f"{chan:#x}", None


def thread_line(td):
    state = str(td["td_state"]).replace("TDS_", "").lower()
    line = (f"{num(td['td_tid']):6} {state:9} cpu{num(td['td_cpu'])} "
            f"pri {num(td['td_pri']):<2} {name_of(td['td_name']):16}")
    if num(td["td_proc"]):
        line += f" pid {num(td['td_proc'].dereference()['p_pid'])}"
    if num(td["td_wchan"]):
        what, owner = waits_for(td)
        line += f" {text(td['td_wmesg'])} {what}"
        if owner is not None and num(owner):
            line += " of " + name_of(owner.dereference()["td_name"])
    return line


def print_locks(td):
    for i in range(num(td["td_nheld"])):
        h = td["td_held"][i]
        print(f"    {text(h['lh_name'])} {num(h['lh_lock']):#x} rank "
              f"{num(h['lh_rank'])}, from {place(h['lh_site'])}")


def word(address):
    return num(gdb.Value(address).cast(
        gdb.lookup_type("unsigned long").pointer()).dereference())


def print_bt(pc, fp):
    for n in range(40):
        print(f"  #{n:<2} {pc:#018x} {place(pc)}")
        try:
            up, pc = word(fp), word(fp + 8)
        except gdb.MemoryError:
            return
        if up <= fp or up - fp > 16384:
            if pc > DMAP:
                print(f"  #{n + 1:<2} {pc:#018x} {place(pc)}")
            return
        fp = up


def flags(value, prefix):
    """Names of bits come with the macros, which -g does not keep: the number."""
    return f" {prefix} {num(value):#x}" if num(value) else ""


def object_line(o):
    line = (f"object {num(o.address):#x}: "
            f"{str(o['type']).replace('OBJT_', '').lower()} size "
            f"{num(o['size'])} refs {num(o['ref_count'])} shadows "
            f"{num(o['shadow_count'])} pages {num(o['resident_page_count'])}"
            f"{flags(o['flags'], 'flags')}")
    if num(o["backing_object"]):
        line += (f"\n  backed by {num(o['backing_object']):#x} at "
                 f"{num(o['backing_object_offset']):#x}")
    return line


def radix(node, height, base=0):
    """(index, pointer) of a radix tree."""
    if not num(node):
        return
    slots = node.dereference()["rn_slot"]
    ways = slots.type.range()[1] + 1
    for i in range(ways):
        p = slots[i]
        if not num(p):
            continue
        if height > 1:
            yield from radix(p.cast(node.type), height - 1,
                             (base + i) * ways)
        else:
            yield base + i, num(p)


def pages_of(o):
    rx = o["memq"]
    return radix(rx["rx_root"], num(rx["rx_height"]))


def in_order(node):
    if num(node):
        n = node.dereference()
        yield from in_order(n["rb_left"])
        yield node
        yield from in_order(n["rb_right"])


def entries(m):
    offset = next(f.bitpos // 8 for f in typ("vm_map_entry").fields()
                  if f.name == "link")
    for node in in_order(m["tree"]["rb_root"]):
        yield at(num(node) - offset, "vm_map_entry")


def entry_line(e):
    rights = "".join(c if num(e["protection"]) >> i & 1 else "-"
                     for i, c in enumerate(PROT))
    line = f"  [{num(e['start']):#x}, {num(e['end']):#x}) {rights}"
    if num(e["object"]):
        line += f" object {num(e['object']):#x}+{num(e['offset']):#x}"
    return line + flags(e["eflags"], "flags")


def print_page(m):
    line = f"page {num(m.address):#x}: pa {num(m['phys_addr']):#x}"
    if num(m["object"]):
        line += f" object {num(m['object']):#x} index {num(m['pindex'])}"
    line += (f" queue {num(m['queue'])} wired {num(m['wire_count'])} valid "
             f"{num(m['valid']):#x} dirty {num(m['dirty']):#x}")
    if num(m["busy_lock"]):
        line += f" busy {num(m['busy_lock']):#x}"
        if num(m["busy_owner"]):
            line += " by " + name_of(m["busy_owner"].dereference()["td_name"])
    print(line)
    words, pv = [num(m["md"]["pv_word"])], m["md"]["pv_list"]
    while num(pv) and len(words) < 1000:
        words.append(num(pv.dereference()["pv_word"]))
        pv = pv.dereference()["pv_next"]
    for w in filter(None, words):
        print("  mapped at %#x by pmap %#x" % pv_decode(w))


# pmap_priv.h: a record is 35 bits of page number and 29 bits of the pmap, which
# lies in the zones at a multiple of PV_PMAP_ALIGN.
ZONE_BASE, PV_ALIGN = 0xffffffe000000000, 128


def pv_decode(w):
    return ((w & (1 << 35) - 1) << 12, ZONE_BASE + (w >> 35) * PV_ALIGN)


def argument(arg):
    if not arg:
        raise gdb.GdbError("an address is wanted")
    return num(gdb.parse_and_eval(arg)) & (1 << 64) - 1


def cmd_threads(_):
    for td in threads():
        print(thread_line(td))


def cmd_locks(_):
    held = 0
    for td in threads():
        if num(td["td_nheld"]):
            print(thread_line(td))
            print_locks(td)
            held += num(td["td_nheld"])
    print(f"{held} locks held")


def cmd_bt(arg):
    td = thread(argument(arg))
    print(thread_line(td))
    if str(td["td_state"]) == "TDS_RUNNING":
        print("  it runs: use gdb's own bt in its CPU's thread")
        return
    rsp = num(td["td_md"]["md_rsp"])        # swtch.S: six registers, return
    print_bt(word(rsp + 48), word(rsp + 40))


def cmd_cpus(_):
    online = num(sym("all_cpus"))
    for cpu in range(64):
        if online >> cpu & 1:
            td = sym("pcpu_data")[cpu]["pc_curthread"].dereference()
            print(f"cpu{cpu}: {name_of(td['td_name'])}, tid "
                  f"{num(td['td_tid'])}, critnest {num(td['td_critnest'])}")
            print_locks(td)


def cmd_map(arg):
    if not arg:
        m = sym("kernel_map").dereference()
    else:
        value = argument(arg)
        if value < 100000:
            td = thread(value)
            if not num(td["td_vmspace"]):
                raise gdb.GdbError("a kernel thread")
            m = td["td_vmspace"].dereference()["vm_map"]
        else:
            m = at(value, "vm_map")
    print(f"map {num(m.address):#x}: [{num(m['min_offset']):#x}, "
          f"{num(m['max_offset']):#x}) entries {num(m['nentries'])} size "
          f"{num(m['size']):#x}")
    for e in entries(m):
        print(entry_line(e))


def cmd_object(arg):
    o = at(argument(arg), "vm_object")
    print(object_line(o))
    for index, m in pages_of(o):
        print(f"  page {index} at {m:#x}, pa "
              f"{num(at(m, 'vm_page')['phys_addr']):#x}")


def cmd_chain(arg):
    o, n = at(argument(arg), "vm_object"), 0
    while n < 1000:
        print(object_line(o))
        if not num(o["backing_object"]):
            return
        o, n = o["backing_object"].dereference(), n + 1
    print("  and more: is it a ring?")


def cmd_page(arg):
    m = page_at(argument(arg))
    if m is None:
        raise gdb.GdbError("no page")
    print_page(m)


def cmd_panic(_):
    r = sym("panic_report")
    if not num(sym("panicking")):
        print("no panic")
        return
    print(f"PANIC {text(r['class'])} cpu={num(sym('panicking')) - 1} "
          f"\"{name_of(r['msg'])}\"")
    for i in range(num(r["nframes"])):
        f = r["frame"][i]
        print(f"  #{i:<2} {num(f['df_pc']):#018x} {text(f['df_func'])}"
              f"{' (inlined)' if num(f['df_inlined']) else ''} "
              f"{text(f['df_file'])}:{num(f['df_line'])}")


COMMANDS = {"threads": cmd_threads, "locks": cmd_locks, "bt": cmd_bt,
            "cpus": cmd_cpus, "map": cmd_map, "object": cmd_object,
            "chain": cmd_chain, "page": cmd_page, "panic": cmd_panic}


class Gnomon(gdb.Command):
    """gnomon threads|locks|bt TID|cpus|map|object|chain|page|panic"""

    def __init__(self):
        super().__init__("gnomon", gdb.COMMAND_DATA)

    def invoke(self, arg, from_tty):
        name, _, rest = arg.partition(" ")
        if name not in COMMANDS:
            raise gdb.GdbError(self.__doc__)
        COMMANDS[name](rest.strip())

    def complete(self, line, word_):
        return [c for c in COMMANDS if c.startswith(word_)]


Gnomon()
gdb.execute("set pagination off")
