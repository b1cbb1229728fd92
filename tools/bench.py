#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""bench.py: the VM benchmark on Gnomon, and on a Linux guest beside it.

One ISO (the kernel without assertions, tests/user/init.c and the static
tests/bench/vmbench.c) is booted twice: with -icount, where the guest's
instruction count repeats exactly from boot to boot, and under plain TCG for
times, where kernels take turns; the Linux guest gets the same initrd.  Times of
TCG differ twofold from minute to minute: compare instructions.

Prints a table and writes build/bench.json.  The peer takes part when
build/linux/vmlinuz is there (make bench PEER=linux fetches it).
"""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# The first bar: fewer instructions than the Linux guest for each of these.
BAR = [("null_syscall", "getppid"), ("anon_fault_write", "64M"),
       ("cow_write_child", "64M"), ("fork_exit_wait", "rss=0"),
       ("fork_exit_wait", "rss=4M"), ("fork_exit_wait", "rss=64M"),
       ("mmap_munmap", "1page"), ("mmap_munmap", "1024pages"),
       ("mprotect_toggle", "1page"), ("mprotect_toggle", "256pages,touched"),
       ("exit_teardown", "rss=64M"), ("munmap_touched", "64M/page")]


def boot(what, icount, smp, timeout):
    """One boot; {(name, param): (min, median, max)} in insns or ns.  what: an
    ISO, or kernel and initrd of the Linux guest."""
    cmd = ["qemu-system-x86_64", "-machine", "q35", "-display", "none",
           "-nodefaults", "-no-reboot", "-serial", "stdio", "-m", "1024M",
           "-cpu", "max", "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]
    if len(what) == 1:
        cmd += ["-cdrom", what[0], "-boot", "d"]
    else:
        cmd += ["-kernel", what[0], "-initrd", what[1], "-append",
                "console=ttyS0 panic=-1 quiet" +
                (" nokaslr norandmaps" if icount else "")]
    if icount:
        cmd += ["-accel", "tcg,thread=single", "-smp", "1", "-icount",
                "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm"]
    else:
        cmd += ["-accel", "tcg,thread=multi", "-smp", str(smp)]
    out = subprocess.run(cmd, stdin=subprocess.DEVNULL, timeout=timeout,
                         capture_output=True, text=True,
                         errors="replace").stdout
    if "#vmb end" not in out:
        print("\n".join(out.splitlines()[-30:]), file=sys.stderr)
        raise SystemExit(f"bench: {what[0]} did not finish")
    rows = {}
    for line in out.splitlines():
        f = line.strip().split("\t")
        if f[0] == "S" and len(f) == 11:
            v = [float(x) for x in (f[8:11] if icount else f[5:8])]
            rows[f[1], f[2]] = tuple(v)
    return rows


def make_initrd(a, where):
    suite = (f"/bin/vmbench q=1 reps={a.reps} maxmb={a.maxmb} "
             f"skip=swap{',par' if not a.par else ''}{a.args}")
    subprocess.run([sys.executable, "tools/mkinitrd.py", where,
                    f"init={a.user}/init", "dev/", "tmp/", "proc/",
                    f"etc/suite=+{suite}", f"bin/vmbench={a.user}/vmbench",
                    "bin/busybox=/bin/busybox"],
                   check=True)


def make_iso(a, d, initrd, iso):
    tree = os.path.join(d, "iso")
    os.makedirs(os.path.join(tree, "boot/grub"))
    shutil.copy(a.kernel, os.path.join(tree, "boot/gnomon.elf"))
    shutil.copy(initrd, os.path.join(tree, "boot/initrd.cpio"))
    shutil.copy("boot/grub.cfg", os.path.join(tree, "boot/grub"))
    subprocess.run(["grub-mkrescue", "-o", iso, tree], check=True,
                   capture_output=True)


def human(x):
    if x < 10000:
        return f"{x:.0f}"
    return f"{x / 1e3:.1f}k" if x < 1e6 else f"{x / 1e6:.2f}M"


def spread(v):
    return f"{human(v[1])} [{human(v[0])}..{human(v[2])}]"


def table(res):
    ours, peer = res["icount"]["gnomon"], res["icount"].get("linux", {})
    t, tp = res["tcg"]["gnomon"], res["tcg"].get("linux", {})
    print(f"{'operation':34} {'insns/op median [min..max]':>30} {'linux':>9} "
          f"{'ratio':>6}   {'ns median [min..max]':>26} {'linux':>10}")
    for key in ours:
        mine, theirs = ours[key], peer.get(key)
        ns, nsp = t.get(key), tp.get(key)
        print(f"{' '.join(key):34} {spread(mine):>30} "
              f"{human(theirs[1]) if theirs else '-':>9} "
              f"{f'{mine[1] / theirs[1]:.2f}' if theirs else '-':>6}   "
              f"{spread(ns) if ns else '-':>26} "
              f"{human(nsp[1]) if nsp else '-':>10}")
    if not peer:
        print("no peer: make bench PEER=linux measures a Linux guest beside it")
        return
    met = [k for k in BAR if k in ours and k in peer and
           ours[k][1] < peer[k][1]]
    missed = [k for k in BAR if k not in met]
    print(f"bar (fewer instructions than the Linux guest): {len(met)} of "
          f"{len(BAR)} met" + "".join(f"; not met: {' '.join(k)}"
                                      for k in missed))


def main():
    ap = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    ap.add_argument("--kernel", required=True)
    ap.add_argument("--user", required=True, help="folder of init and vmbench")
    ap.add_argument("--linux", default="build/linux/vmlinuz")
    ap.add_argument("--out", default="build/bench.json")
    ap.add_argument("--reps", type=int, default=7)
    ap.add_argument("--maxmb", type=int, default=64)
    ap.add_argument("--smp", type=int, default=2)
    ap.add_argument("--par", action="store_true")
    ap.add_argument("--args", default="")
    ap.add_argument("--timeout", type=float, default=900)
    a = ap.parse_args()
    res = {"date": time.strftime("%Y-%m-%d %H:%M"), "icount": {}, "tcg": {}}
    with tempfile.TemporaryDirectory() as d:
        initrd, iso = os.path.join(d, "initrd.cpio"), os.path.join(d, "b.iso")
        make_initrd(a, initrd)
        make_iso(a, d, initrd, iso)
        kernels = {"gnomon": (iso,)}
        if os.path.exists(a.linux):
            kernels["linux"] = (a.linux, initrd)
        for mode in ("icount", "tcg"):
            for name, what in kernels.items():
                start = time.monotonic()
                res[mode][name] = boot(what, mode == "icount", a.smp,
                                       a.timeout)
                print(f"bench: {name} {mode}: {len(res[mode][name])} figures "
                      f"in {time.monotonic() - start:.0f} s", file=sys.stderr)
    table(res)
    for mode in ("icount", "tcg"):
        res[mode] = {n: {" ".join(k): v for k, v in r.items()}
                     for n, r in res[mode].items()}
    with open(a.out, "w") as f:
        json.dump(res, f, indent=1)


if __name__ == "__main__":
    main()
