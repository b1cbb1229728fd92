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

PANIC, TRAP, NOINIT = 3, 4, 5       # exit statuses of run_qemu.py
BEGIN, END = "=== PANIC RECORD", "=== END OF PANIC RECORD"


class Kind:
    """cmdline, class, exit status, innermost frames (a tuple: one of them),
    and what else the output must match."""

    def __init__(self, cmdline, cls, status, frames, *texts, **more):
        self.cmdline, self.cls, self.status = cmdline, cls, status
        self.frames, self.texts = frames, texts
        self.smp = more.get("smp", 2)
        self.record = more.get("record", {})
        self.other = more.get("other")      # function on another CPU's stack
        self.golden = more.get("golden")    # the report, less what varies


def ktest(name, cls, status, frames, *texts, **more):
    test = "ktest_" + name.replace(".", "_")
    return Kind(f"ktest={name} {more.pop('options', '')}".strip(), cls, status,
                [test if f is None else f for f in frames], *texts, **more)


RUN = [None, "ktest_one", "ktest_run"]
JUMP = [""] + RUN                   # the first is in no function
FAST = "watchdog=300"
KINDS = {
    "exit": Kind("panic=exit", "bad-link", PANIC,
                 ["vm_object_unlink_shadow", "vm_object_set_backing"],
                 r"sys_exit", r"syscall2\+", r"Xfast_syscall\+",
                 r"subject:\n0x[0-9a-f]+ is at 0x0 of the live vm_object"),
    "kassert": ktest("panic.kassert", "assert", PANIC, RUN,
                     r"spinlock kt_low .* from ktest_panic_kassert"),
    "wild-read": ktest("panic.wild_read", "page-fault", TRAP, RUN,
                       r"cause: kernel read of 0xffff.*: nothing is mapped"),
    "wild-write": ktest("panic.wild_write", "page-fault", TRAP, RUN,
                        r"cause: kernel write of 0xffff.*: nothing is mapped"),
    "null-call": ktest("panic.null_call", "page-fault", TRAP, JUMP,
                       r"cause: kernel instruction fetch of 0x0:"),
    "wild-jump": ktest("panic.wild_jump", "page-fault", TRAP, JUMP,
                       r"cause: kernel instruction fetch of 0xffff"),
    "nx": ktest("trap.panic_nx", "nx", TRAP, JUMP),
    "user-exec": ktest("trap.panic_smep", "smep", TRAP, JUMP),
    "user-read": ktest("trap.panic_smap", "smap", TRAP, RUN,
                       r"the mapping forbids it"),
    "rodata": ktest("trap.panic_rodata", "page-fault", TRAP, RUN),
    "ud": ktest("trap.panic_ud", "trap", TRAP, RUN,
                r"trap 6: invalid opcode"),
    "divide": ktest("panic.divide", "trap", TRAP, RUN,
                    r"trap 0: divide error"),
    "not-canonical": ktest("panic.not_canonical", "trap", TRAP, RUN,
                           r"not canonical"),
    "stack-overflow": ktest("trap.panic_stack", "stack-overflow", TRAP,
                            ["recurse", "recurse", "recurse"]),
    "double-fault": ktest("panic.double_fault", "double-fault", TRAP, RUN),
    "lock-order": ktest("panic.lockdep", "lockdep", PANIC,
                        ["lockdep_tell"], r"L1 lock order reversal",
                        r"ktest_panic_lockdep\+"),
    "spin-sleep": ktest("panic.spin_sleep", "lockdep", PANIC,
                        ["lockdep_tell"], r"L5 sleep with a spinlock held",
                        r"spinlock kt_low"),
    "lock-twice": ktest("panic.deadlock", "lock", PANIC,
                        ["spin_lock_slow"], r"ktest_panic_deadlock\+"),
    "page-mapped": ktest("panic.page_mapped", "assert", PANIC,
                         ["vm_page_free", None, "ktest_one"],
                         r"subject:\n0x[0-9a-f]+ is page \d+:\npage .*"
                         r"index 2 .*\nobject .*size 4"),
    "use-after-free": ktest("panic.use_after_free", "zone", PANIC,
                            [], r"ktest_panic_use_after_free\+",
                            r"of the FREE ktpanic"),
    "nested": ktest("panic.nested", "panic", PANIC, RUN,
                    r"PANIC in the panic report, step \d+: kernel reads",
                    record={"nested": 1}),
    "everywhere": ktest("panic.everywhere", "panic", PANIC,
                        ["panic_worker"], smp=4),
    "refused": ktest("panic.exit_code", "refused", NOINIT, RUN),
    "hang": ktest("panic.hang", "watchdog", PANIC, [], r"it runs hung",
                  r"watchdog: cpu\d has taken no timer tick",
                  options=FAST, other="hang_hard"),
    "spin": ktest("panic.spin", "watchdog", PANIC, [],
                  r"ktest_panic_spin\+", r"has kept cpu\d for", options=FAST),
    "deadlock": ktest("panic.deadlock_ring", "watchdog", PANIC, [],
                      r"deadlock: ring\d waits for ring\d", r"kt_ring[01]",
                      r"ring_worker\+", options=FAST),
    "golden": ktest("panic.kassert", "assert", PANIC, RUN, smp=1,
                    golden="tests/expect/panic_kassert.txt"),
    "no-serial": ktest("panic.kassert", None, PANIC, []),
}


def command(kind, args, name):
    cmd = [sys.executable, "tools/run_qemu.py", "--kernel", args.kernel,
           "--initrd", args.initrd, "--smp", str(kind.smp), "--mem", "256M",
           "--timeout", str(args.timeout), "--cmdline", kind.cmdline]
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
    (r"^counters: .*", "counters: ..."),
    (r'"counters":\{[^}]*\}', '"counters":{...}'),
    (r"^( +\d+) \w+ +cpu\d+ +(pri \d+ +\w+).*", r"\1 STATE cpuN \2"),
    (r'("(?:up_ms|off)":)\d+', r"\1N"),
]


def normalised(out):
    """The report alone, with what varies replaced by words."""
    start = out.find("\nPANIC ") + 1
    end = out.find("\n", out.find("end of panic"))
    lines = out[start:end].split("\n")
    for regex, word in VARYING:
        lines = [re.sub(regex, word, x) for x in lines]
    return "\n".join(lines) + "\n"


def golden(kind, out, update):
    """[] when the report is the golden file."""
    got = normalised(out)
    if update:
        with open(kind.golden, "w") as f:
            f.write(got)
    with open(kind.golden) as f:
        want = f.read()
    diff = list(difflib.unified_diff(want.splitlines(), got.splitlines(),
                                     kind.golden, "this boot", lineterm=""))
    return ["not as " + kind.golden + ":\n" + "\n".join(diff)] if diff else []


def run(name, args):
    kind = KINDS[name]
    with tempfile.TemporaryFile() as f:
        status = subprocess.run(command(kind, args, name), stdout=f,
                                stderr=subprocess.STDOUT,
                                stdin=subprocess.DEVNULL,
                                check=False).returncode
        f.seek(0)
        out = f.read().decode(errors="replace").replace("\r", "")
    bad = problems(kind, status, out)
    if kind.golden:
        bad += golden(kind, out, args.update)
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
        status = subprocess.run(command(kind, a, a.kinds[0]),
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
