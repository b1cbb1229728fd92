#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""panic_test.py: each kind of panic in a boot of its own: is the report whole?

panic_test.py            all kinds; "ok N panic: kind" each
panic_test.py KIND...    only these
panic_test.py --show KIND   one boot, its console output on stdout

A kind passes when QEMU ends by itself with the kind's exit code, the JSON
record parses, class and the innermost frames are the expected ones, every CPU
is shown with a stack, and from the title to the end the guest took 2 s at most.
"""
import argparse
import concurrent.futures
import difflib
import json
import os
import re
import subprocess
import sys
import tempfile
import time

import run_qemu

PANIC, TRAP, NOINIT = 3, 4, 5       # exit statuses of run_qemu.py


def S(kind):
    """Its status for a panic of this kind."""
    return 20 + run_qemu.KINDS.index(kind)


BEGIN, END = "=== PANIC RECORD", "=== END OF PANIC RECORD"


class Kind:
    """cmdline, class, exit status, innermost frames (less panic itself), and
    what else the output must match."""

    def __init__(self, cmdline, cls, status, frames, *texts, **more):
        self.cmdline, self.cls, self.status = cmdline, cls, status
        self.frames, self.texts = frames, texts
        self.smp = more.get("smp", 2)
        self.record = more.get("record", {})
        self.other = more.get("other")      # function on another CPU's stack
        self.golden = more.get("golden")    # False: varies too much; a file:
                                            # the report whole
        self.gdb = more.get("gdb")          # what it does before the start


def ktest(name, cls, status, frames, *texts, **more):
    test = "ktest_" + name.replace(".", "_")
    return Kind(f"ktest={name} {more.pop('options', '')}".strip(), cls, status,
                [test if f is None else f for f in frames], *texts, **more)


RUN = [None, "ktest_one", "ktest_run"]
JUMP = [""] + RUN[:2]               # the first is in no function
FAST = "watchdog=300"
HUNG = r"hang_hard\+.*\n.* ktest_panic_hang_all\+.*\n.* ktest_one\+"
TICK = ["watchdog_tick", "timer_intr"]
TELL = ["lockdep_tell", "lockdep_report"]
# gdb's: call panic where the console is about to be started.
EARLY = """hbreak uart_init
continue
python at = int(gdb.parse_and_eval("(unsigned long)&bootinfo.fw_cmdline"))
python gdb.selected_inferior().write_memory(at, b"before the console\\0")
set $rdi = (long)&bootinfo.fw_cmdline
set $rax = 0
set $rip = panic
detach
"""
KINDS = {
    "exit": Kind("panic=exit", "bad-link", S("damaged links"),
                 ["vm_object_unlink_shadow", "vm_object_set_backing",
                  "vm_object_terminate"],
                 r"(?s)^bt:\n  #0 .* panic\+.* exit1\+.* sys_exit.*"
                 r" syscall2\+.* Xfast_syscall\+[^\n]*\n(?!  #)",
                 r"^cpu\d: thread .*, pid \d+, system call (60|231)$",
                 r"subject:\n0x[0-9a-f]+ is at 0x0 of the live vm_object"),
    "kassert": ktest("panic.kassert", "assert", S("assertion"), RUN,
                     r"spinlock kt_low .* from ktest_panic_kassert"),
    "wild-read": ktest("panic.wild_read", "page-fault", S("wild read"), RUN,
                       r"cause: kernel read of 0xffff.*: nothing is mapped"),
    "wild-write": ktest("panic.wild_write", "page-fault", S("wild write"), RUN,
                        r"cause: kernel write of 0xffff.*: nothing is mapped"),
    "null-call": ktest("panic.null_call", "page-fault", S("wild jump"), JUMP,
                       r"cause: kernel instruction fetch of 0x0:"),
    "wild-jump": ktest("panic.wild_jump", "page-fault", S("wild jump"), JUMP,
                       r"cause: kernel instruction fetch of 0xffff"),
    "nx": ktest("trap.panic_nx", "nx", S("NX"), JUMP),
    "user-exec": ktest("trap.panic_smep", "smep", S("SMEP"), JUMP),
    "user-read": ktest("trap.panic_smap", "smap", S("SMAP"), RUN,
                       r"the mapping forbids it"),
    "rodata": ktest("trap.panic_rodata", "page-fault", S("wild write"), RUN),
    "ud": ktest("trap.panic_ud", "trap", TRAP, RUN,
                r"trap 6: invalid opcode"),
    "divide": ktest("panic.divide", "trap", TRAP, RUN,
                    r"trap 0: divide error"),
    "not-canonical": ktest("panic.not_canonical", "trap", TRAP, RUN,
                           r"not canonical"),
    "stack-overflow": ktest("trap.panic_stack", "stack-overflow",
                            S("stack overflow"),
                            ["recurse", "recurse", "recurse"]),
    "double-fault": ktest("panic.double_fault", "double-fault",
                          S("double fault"), RUN),
    # Nobody can tell what is behind a lost frame pointer: the walk ends there.
    "wild-fp": ktest("panic.wild_fp", "panic", PANIC,
                     ["panic_with_fp", None]),
    "fp-ring": ktest("panic.fp_ring", "panic", PANIC,
                     ["panic_with_fp", None]),
    "lock-order": ktest("panic.lockdep", "lockdep", S("lock order"),
                        TELL + ["lockdep_check"], r"L1 lock order reversal"),
    "spin-sleep": ktest("panic.spin_sleep", "lockdep",
                        S("sleep with a spinlock"),
                        TELL + ["lockdep_sleep"], r"L5 sleep with a spinlock held",
                        r"spinlock kt_low"),
    "lock-twice": ktest("panic.deadlock", "lock", S("lock"),
                        ["spin_lock_slow", "spin_lock",
                         "ktest_panic_deadlock"]),
    "page-mapped": ktest("panic.page_mapped", "assert", S("page state"),
                         ["vm_page_free", None, "ktest_one"],
                         r"subject:\n0x[0-9a-f]+ is page \d+:\npage .*"
                         r"index 2 .*\nobject .*size 4"),
    "map-entry": ktest("panic.map_entry", "panic", PANIC, RUN,
                       r"subject:\n0x[0-9a-f]+ is at 0x0 of the live "
                       r"vm_map_entry .*\n.*0x[0-9a-f]+"),
    "use-after-free": ktest("panic.use_after_free", "zone", S("zone"),
                            ["zone_poison_check", "zone_check_cpu",
                             "zone_check"], r"of the FREE ktpanic"),
    "nested": ktest("panic.nested", "panic", S("panic in a panic"), RUN,
                    r"PANIC in the panic report, step \d+: kernel reads",
                    record={"nested": 1}),
    "everywhere": ktest("panic.everywhere", "panic", PANIC,
                        ["panic_worker", "kt_thread_main", "thread_main"],
                        smp=4),
    "refused": ktest("panic.exit_code", "refused", NOINIT, RUN),
    "hang": ktest("panic.hang", "watchdog", S("no timer tick"),
                  ["watch_other"] + TICK,
                  r"it runs hung",
                  r"watchdog: cpu\d has taken no timer tick for 300 ms",
                  options=FAST, other="hang_hard"),
    "hang-10s": ktest("panic.hang", "watchdog", S("no timer tick"),
                      ["watch_other"] + TICK,
                      r"^watchdog: cpu\d has taken no timer tick for 5000 ms",
                      r'"watchdog: cpu\d has taken no .* for 10000 ms',
                      other="hang_hard"),
    "hang-all": ktest("panic.hang_all", "watchdog", S("no timer tick"), [],
                      HUNG,
                      r"watchdog: no CPU has taken a timer tick for \d+ ms",
                      options=FAST, smp=4, other="hang_hard", golden=False),
    "hang-alone": ktest("panic.hang_all", "watchdog", S("no timer tick"), [],
                        HUNG,
                        r"watchdog: no CPU has taken a timer tick for \d+ ms",
                        options=FAST, smp=1, golden=False),
    "spin": ktest("panic.spin", "watchdog", S("no switch"),
                  ["watch_self"] + TICK,
                  r"has kept cpu\d for", options=FAST),
    "deadlock": ktest("panic.deadlock_ring", "watchdog", S("deadlock"),
                      ["watch_thread", "thread_foreach", "watch_main"],
                      r"deadlock: ring\d waits for ring\d", r"kt_ring[01]",
                      r"ring_worker\+", options=FAST),
    # Whole, less what varies: of the others it is only the head.
    "golden": ktest("panic.kassert", "assert", S("assertion"), RUN, smp=1,
                    golden="tests/expect/panic/golden.txt"),
    "early": Kind("", "panic", PANIC, ["hammer_time", "high"], gdb=EARLY, smp=1),
    "no-serial": ktest("panic.kassert", None, S("assertion"), []),
}


def command(kind, args, name, where):
    cmd = [sys.executable, "tools/run_qemu.py", "--kernel", args.kernel,
           "--initrd", args.initrd, "--smp", str(kind.smp), "--mem", "256M",
           "--timeout", str(args.timeout), "--cmdline", kind.cmdline]
    if kind.gdb:                    # the machine waits for it
        cmd += ["--qemu-arg=-S", "--qemu-arg=-chardev", "--qemu-arg="
                f"socket,path={where},server=on,wait=off,id=gdb0",
                "--qemu-arg=-gdb", "--qemu-arg=chardev:gdb0"]
    if name == "no-serial":         # COM1 is not there at all
        cmd += ["--serial", "none"]
    return cmd


def problems(kind, status, out):
    """What is wrong with a report; [] when nothing is."""
    bad = []
    if status != kind.status:
        bad.append(f"exit status {status}, not {kind.status}")
    if kind.cls is None:
        return bad
    titles = re.findall(r'^PANIC (\S+) cpu=(\d+) (\S+:\d+) "(.*)"$', out, re.M)
    if len(titles) != 1:
        return bad + [f"{len(titles)} title lines"]
    if titles[0][0] != kind.cls:
        bad.append(f"class {titles[0][0]}, not {kind.cls}")
    m = re.search(f"^{BEGIN}\n(.*)\n{END}$", out, re.M)
    if not m:
        return bad + ["no record"]
    try:
        rec = json.loads(m.group(1))
    except ValueError as e:
        return bad + [f"the record does not parse: {e}"]
    frames = [f["f"] for f in rec["bt"]]
    if "cr2" not in rec:            # by a call, not by a trap
        if frames[:1] not in (["panic"], ["panic_exit"]):
            bad.append(f"the innermost frame is {frames[:1]}")
        frames = frames[1:]
    if frames[:len(kind.frames)] != kind.frames:
        bad.append(f"frames {frames[:4]}, not {kind.frames}")
    if rec["class"] != kind.cls or rec["msg"] != titles[0][3]:
        bad.append("record and title differ")
    bad += [f"{k} is {rec.get(k)!r}, not {v!r}"
            for k, v in kind.record.items() if rec.get(k) != v]
    shown = {rec["cpu"]} | {c["cpu"] for c in rec["cpus"]
                            if c["stopped"] and c["bt"]}
    if shown != set(range(kind.smp)):
        bad.append(f"CPUs shown: {sorted(shown)}")
    if kind.other and kind.other not in [
            f["f"] for c in rec["cpus"] for f in c["bt"]]:
        bad.append(f"{kind.other} is on no CPU's stack")
    bad += [f"no {t!r}" for t in kind.texts if not re.search(t, out, re.M)]
    m = re.search(r"^end of panic, report took (\d+) ms$", out, re.M)
    if not m or int(m.group(1)) > 2000:
        bad.append("the report took " + (m.group(1) if m else "?") + " ms")
    return bad


# What differs from run to run or with any change of the code.
VARYING = [
    (r"0x[0-9a-f]{5,}|\b[0-9a-f]{16}\b", "ADDR"), (r"\+0x[0-9a-f]+", "+OFF"),
    (r"(\.[chS]):\d+", r"\1:LINE"), (r"\d+\.\d{3} s", "TIME"),
    (r"\b\d+ ms", "MS"), (r"^  \d+ cpu", "  TSC cpu"),
    (r"^counters: .*", "counters: ..."), (r"commit [\w-]+", "commit ID"),
    (r'"counters":\{[^}]*\}', '"counters":{...}'),
    (r"^( +\d+) \w+ +cpu\d+ +(pri \d+ +\w+).*", r"\1 STATE cpuN \2"),
    (r'("(?:up_ms|off)":)\d+', r"\1N"),
]


# What varies in the head of the kinds that several CPUs make.
RACING = [(r"\b(cpu=?|ring|ring_|kt_ring|thread |tid )\d+", r"\1N"),
          (r"tests/user/\w+\.c", "PROGRAM")]
FRAMES = 4                              # of a head


def head(out):
    """Title, innermost frames and locks."""
    title = re.search(r"^PANIC .*$", out, re.M)
    bt = re.search(r"^bt:\n((?:  +#.*\n)+)", out, re.M)
    locks = re.search(r"^locks of .*\n(?:  .*\n)+", out[bt.end():] if bt else "")
    return ([title.group(0)] if title else []) + (
        bt.group(1).splitlines()[:FRAMES] if bt else []) + (
        locks.group(0).splitlines() if locks else [])


def normalised(out, whole):
    """The report with what varies replaced by words."""
    start = out.find("\nPANIC ") + 1
    end = out.find("\n", out.find("end of panic"))
    lines = out[start:end].split("\n") if whole else head(out)
    for regex, word in VARYING + ([] if whole else RACING):
        lines = [re.sub(regex, word, x) for x in lines]
    return "\n".join(lines) + "\n"


def golden(name, kind, out, update):
    """[] when the report is the golden file."""
    path = kind.golden or f"tests/expect/panic/{name}.txt"
    got = normalised(out, bool(kind.golden))
    if update:
        with open(path, "w") as f:
            f.write(got)
    with open(path) as f:
        want = f.read()
    diff = list(difflib.unified_diff(want.splitlines(), got.splitlines(),
                                     path, "this boot", lineterm=""))
    return ["not as " + path + ":\n" + "\n".join(diff)] if diff else []


def attach(kind, kernel, where):
    """Let gdb do its part as soon as the machine is there."""
    script = where + ".gdb"
    with open(script, "w") as f:
        f.write(f"target remote {where}\n" + kind.gdb)
    for _ in range(100):
        if os.path.exists(where):
            break
        time.sleep(0.1)
    subprocess.run(["gdb", "-q", "-nx", "-batch", "-x", script, kernel],
                   stdin=subprocess.DEVNULL, capture_output=True, timeout=30,
                   check=False)


def boot(kind, args, name):
    with tempfile.TemporaryDirectory() as d:
        where = os.path.join(d, "gdb")
        with open(os.path.join(d, "out"), "w+b") as f:
            p = subprocess.Popen(command(kind, args, name, where), stdout=f,
                                 stderr=subprocess.STDOUT,
                                 stdin=subprocess.DEVNULL)
            try:
                if kind.gdb:
                    attach(kind, args.kernel, where)
            finally:
                status = p.wait()       # run_qemu.py has a bound of its own
            f.seek(0)
            return status, f.read().decode(errors="replace").replace("\r", "")


def run(name, args):
    kind = KINDS[name]
    status, out = boot(kind, args, name)
    bad = problems(kind, status, out)
    if kind.golden is not False and kind.cls is not None:
        bad += golden(name, kind, out, args.update)
    return name, bad, out


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/gnomon.elf")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--timeout", type=int, default=60)
    ap.add_argument("--update", action="store_true",
                    help="write the golden files anew")
    ap.add_argument("--show", action="store_true")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("kinds", nargs="*")
    a = ap.parse_args()
    unknown = [k for k in a.kinds if k not in KINDS]
    if unknown or a.list:
        print("kinds:", " ".join(KINDS))
        return 2 if unknown else 0
    if a.show:
        kind = KINDS[a.kinds[0]]
        if kind.gdb:
            status, out = boot(kind, a, a.kinds[0])
            print(out)
        else:
            status = subprocess.run(command(kind, a, a.kinds[0], None),
                                    check=False).returncode
        return 0 if status == kind.status else 1
    names, failed = a.kinds or list(KINDS), 0
    print(f"1..{len(names)}", flush=True)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(run, n, a) for n in names]
        for i, job in enumerate(jobs, 1):
            name, bad, out = job.result()
            failed += bool(bad)
            print(f"{'not ok' if bad else 'ok'} {i} panic: {name}"
                  + (" # " + "; ".join(bad) if bad else ""), flush=True)
            if bad:
                tail = out.splitlines()[-60:]
                print("\n".join("    | " + x[:300] for x in tail))
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())
