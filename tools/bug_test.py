#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bug_test.py: the historical bugs of a VMBUG=1 kernel: does each show itself?

bug_test.py              all of them; "ok N bug: NAME" each
bug_test.py NAME...      only these
bug_test.py --show NAME  one boot, what matters of its output on stdout
bug_test.py --natural N  2137-link without a script on 4 CPUs, N boots with the bug
                         and N that pass the same points with the lock held
                         (2137-fixed): "panics: M of N", "clean: M of N"

A boot passes when it ends in the way that the bug's history says.  Where that
takes luck a bug has more than one try: seeds count up from --seed, and each try
that shows nothing is printed.
"""
import argparse
import os
import re
import subprocess
import sys

# Exit statuses of run_qemu.py; PANIC: of any kind.
PASSED, FAILED, PANIC, TIMEOUT = 0, 1, 3, 8
BULK = "init=/init initargs=/etc/bulk"
# The backtrace of the founding report, outermost last.
FOUNDING = ["panic", "vm_object_deallocate_locked", "vm_object_deallocate",
            "vm_map_entry_delete", "vm_map_delete", "vm_map_remove",
            "vmspace_terminate", "_sysref_put", "sysref_put", "exit1",
            "sys_exit", "syscall2", "Xfast_syscall"]
BADLINK = r"Bad link elm 0x[0-9a-f]+ prev->next != elm"
FRAME = re.compile(r"^ +#\d+ +(?:[0-9a-f]x?[0-9a-f]* )? *(\w+)"
                   r"(?:\+0x[0-9a-f]+| \(inlined\)) (\S+:\d+)$")


class Bug:
    """cmdline; exit statuses; what the output must match; the whole trace?"""

    def __init__(self, cmdline, statuses, *texts, **more):
        self.cmdline, self.statuses, self.texts = cmdline, statuses, texts
        self.frames = more.get("frames", False)
        self.check = more.get("check", lambda out: [])
        self.kernel = more.get("kernel", "debug")
        self.timeout = more.get("timeout", 240)
        self.tries = more.get("tries", 1)


def innocent(out):
    """The delayed form: he who panics is neither inserter nor remover."""
    tids = set(re.findall(r"^vmbug: tid (\d+) links", out, re.M))
    m = re.search(r"^cpu\d+: thread \S+, tid (\d+)", out, re.M)
    return [] if tids and m and m.group(1) not in tids else [
        f"tids {tids} made it, {m and m.group(1)} panics"]


BUGS = {
    # A process that a signal ends leaves by another way than the founding one.
    "2137-link": Bug(f"{BULK}:%d vmbug=2137-link vmbugscript=now", (PANIC,),
                     r'^PANIC bad-link .*"' + BADLINK + '"$', frames=True,
                     tries=8),
    # Assertions off: with them the freed object's poison is found first.
    "2137-late": Bug(f"{BULK}:%d vmbug=2137-link vmbugscript=late", (PANIC,),
                     r"^vmbug: tid \d+ links a shadow of 0x[0-9a-f]+ before "
                     r"0x[0-9a-f]+, which is freed$",
                     BADLINK, kernel="plain", check=innocent, tries=4),
    "2137-walk": Bug(f"{BULK}:%d vmbug=2137-walk vmbugscript=walk", (FAILED,),
                     r"^vm_prefault: Warning, backing object race averted "
                     r"lobject 0x[0-9a-f]+$",
                     r"^tests/user/\w+\.c:\d+: .*page \d+ word \d+: 0, not"),
    "2137-early": Bug(f"{BULK}:%d vmbug=2137-early chaos=%d", (PANIC,),
                      r"^PANIC "),
    "2118-late": Bug(f"{BULK}:%d vmbug=2118-late chaos=%d", (FAILED, PANIC),
                     r"^baseline: objects: \d+ before, \d+ now$|I11|I3"),
    "nb-cache": Bug("ktest=chains.object_cache vmbug=nb-cache seed=%d",
                    (PANIC,), r"^PANIC (lockdep|lock) .*"),
    "nb-up": Bug(f"{BULK}:%d vmbug=nb-up chaos=%d", (PANIC,),
                 r"^PANIC (watchdog|lockdep) .*(deadlock|order)"),
    "nb-pip": Bug(f"{BULK}:%d vmbug=nb-pip chaos=%d", (TIMEOUT,),
                  r"sleeping .*\b(vospgw|vospgc|vosca1|vosca2) for [0-9.]+ s",
                  timeout=25),
    "nb-swapleak": Bug("ktest=chains.lost_memory vmbug=nb-swapleak seed=%d",
                       (FAILED,), r"^not ok .* \d\d of 8 pages are stored"),
    # 11: SIGSEGV.
    "ubc-eager-dead": Bug("init=/bin/mergefault initargs=4000:4 "
                          "vmbug=ubc-eager-dead chaos=%d", (FAILED,),
                          r"^gnomon: init ended with status 0xb,", tries=2),
}


def boot(cmdline, kernel, args, smp, timeout):
    cmd = [sys.executable, "tools/run_qemu.py", "--kernel", kernel, "--initrd",
           args.initrd, "--smp", str(smp), "--mem", "256M", "--timeout",
           str(timeout), "--cmdline", cmdline]
    r = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                       stdin=subprocess.DEVNULL, check=False)
    status = PANIC if r.returncode == 4 or r.returncode >= 20 else r.returncode
    return status, r.stdout.decode(errors="replace").replace("\r", "")


def backtrace(out):
    """(function, file:line) of the panicking CPU's frames, innermost first."""
    m = re.search(r"^bt:\n((?:  +#.*\n)+)", out, re.M)
    return [f.groups() for f in map(FRAME.match, m.group(1).splitlines())
            if f] if m else []


def missing(frames):
    """Which of the founding frames is not there, in its place?"""
    rest = iter(frames)
    return [want for want in FOUNDING
            if not any(name == want for name, _ in rest)]


def problems(bug, status, out):
    bad = []
    if status not in bug.statuses:
        bad.append(f"exit status {status}, not {bug.statuses}")
    bad += [f"no {t!r}" for t in bug.texts if not re.search(t, out, re.M)]
    if bug.frames and missing(backtrace(out)):
        bad.append(f"frames not in the report: {missing(backtrace(out))}")
    return bad + bug.check(out)


def run(name, args):
    bug = BUGS[name]
    kernel = args.plain if bug.kernel == "plain" else args.kernel
    for seed in range(args.seed, args.seed + bug.tries):
        status, out = boot(bug.cmdline.replace("%d", str(seed)), kernel, args,
                           2, bug.timeout)
        bad = problems(bug, status, out)
        if not bad:
            break
        print(f"# {name}, seed {seed}: {'; '.join(bad)}", flush=True)
    return bad, out


def excerpt(out):
    """From the first sign of the bug to the end of the backtrace."""
    lines = [x for x in out.splitlines() if re.match(
        r"vmbug: |vm_prefault: W|tests/user/|not ok|baseline: |\s+\d+ sleeping"
        r".*\bvo\w+ for", x)][:12]
    m = re.search(r"^PANIC .*\n(?:.*\n)*?bt:\n(?:  +#.*\n)+", out, re.M)
    return "\n".join(lines) + "\n" + (m.group(0) if m else "")


def natural(args):
    """The founding load, unscripted, on 4 CPUs, with the bug and without."""
    panics = clean = 0
    for i in range(args.natural):
        load = f"{BULK}:{args.seed + i}"
        _, out = boot(f"{load} vmbug=2137-link", args.kernel, args, 4, 120)
        m = re.search(r"^PANIC (\S+) .*\nbuild \S+, commit \S+, up ([0-9.]+) s", out, re.M)
        panics += m is not None and float(m.group(2)) < 60
        status, _ = boot(f"{load} vmbug=2137-fixed", args.kernel, args, 4, 120)
        clean += status == PASSED
        print(f"seed {args.seed + i}: with "
              + (f"{m.group(1)} after {m.group(2)} s" if m else "no panic")
              + f", without {'clean' if status == PASSED else status}",
              flush=True)
    print(f"panics: {panics} of {args.natural}, clean: {clean} of "
          f"{args.natural}")
    return 0 if panics == clean == args.natural else 1


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", default="build/vmbug/gnomon.elf")
    ap.add_argument("--plain", default="build/vmbug0/gnomon.elf",
                    help="the same without assertions")
    ap.add_argument("--initrd", default="build/initrd.cpio")
    ap.add_argument("--seed", type=int, default=7)
    ap.add_argument("--natural", type=int)
    ap.add_argument("--show", action="store_true")
    ap.add_argument("bugs", nargs="*")
    a = ap.parse_args()
    if [b for b in a.bugs if b not in BUGS]:
        print("bugs:", " ".join(BUGS))
        return 2
    if a.natural:
        return natural(a)
    names, failed = a.bugs or list(BUGS), 0
    for i, name in enumerate(names, 1):
        bad, out = run(name, a)
        failed += bool(bad)
        if a.show:
            print(excerpt(out))
        print(f"{'not ok' if bad else 'ok'} {i} bug: {name}"
              + (" # " + "; ".join(bad) if bad else ""), flush=True)
        if bad and not a.show:
            print("\n".join("    | " + x[:200] for x in out.splitlines()[-40:]))
    return 1 if failed else 0


if __name__ == "__main__":
    os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    sys.exit(main())
