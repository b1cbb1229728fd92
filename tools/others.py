#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""others.py: an initrd of programs by others that check what a kernel does.

libsigsegv's and libgc's tests, memtester, lmdb's tests and tools, sqlite3's
shell, speedtest1, mptest and threadtest3, built as static musl programs from
Debian's source packages, with busybox as packaged.  Everything lies under
build/others (debsrc.py).  "linux": selftests of Linux too, from Debian's
linux-source (130 MB); those are glibc's, since they include the headers of the
kernel, which musl-gcc does not have.
"""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debsrc import Sources, installed, sh  # noqa: E402

W = os.path.abspath("build/others")
CONFIGURE = ("./configure CC=musl-gcc --disable-shared --enable-static "
             "--disable-dependency-tracking")

# A program's name is cut to 15 bytes by the kernel, so ours are short.
SIGSEGV = {"catch-segv1": "test-catch-segv1",
           "catch-segv2": "test-catch-segv2",
           "dispatcher1": "test-segv-dispatcher1",
           "overflow1": "test-catch-stackoverflow1",
           "overflow2": "test-catch-stackoverflow2"}
GC = {n: n for n in ("gctest", "leaktest", "middletest", "smashtest",
                     "hugetest", "realloc_test", "staticrootstest",
                     "test_atomic_ops", "threadleaktest", "threadkey_test",
                     "cordtest", "disclaim_test", "disclaim_bench")}
GC.update({"subthread_test": "subthreadcreate_test",
           "initthread_test": "initsecondarythread_test",
           "weakmap_test": "disclaim_weakmap_test"})
# Without mtest6, which the package does not build: it wants a debug library.
LMDB = ["mtest", "mtest2", "mtest3", "mtest4", "mtest5", "mdb_stat",
        "mdb_copy", "mdb_dump", "mdb_load"]
SQLITE = {"sqlite3": "shell.c", "mptest": "mptest/mptest.c",
          "speedtest1": "test/speedtest1.c",
          "threadtest3": "test/threadtest3.c src/test_multiplex.c"}
SQLITE_FLAGS = ("-O2 -I. -Isrc -Itest -DSQLITE_THREADSAFE=1 "
                "-DSQLITE_ENABLE_UNLOCK_NOTIFY -DSQLITE_ENABLE_RTREE "
                "-DSQLITE_USE_URI=1 -DHAVE_USLEEP")


def build_libsigsegv():
    # libtool's word for static programs, which configure's compiler lacks.
    return (f"{CONFIGURE} && make -j2 LDFLAGS=-all-static",
            {n: f"tests/{p}" for n, p in SIGSEGV.items()})


def build_libgc():
    # musl has no getcontext; the atomics are the compiler's.
    return (f"{CONFIGURE} CFLAGS='-O2 -DNO_GETCONTEXT' "
            "--with-libatomic-ops=none --enable-threads=posix && "
            "make -j2 LDFLAGS=-all-static check TESTS=", GC)


def build_memtester():
    return ("echo 'musl-gcc -O2 -DPOSIX -D_POSIX_C_SOURCE=200809L "
            "-D_FILE_OFFSET_BITS=64 -DTEST_NARROW_WRITES -c' >conf-cc && "
            "echo 'musl-gcc -static' >conf-ld && make",
            {"memtester": "memtester"})


def build_lmdb():
    return ("make -C libraries/liblmdb CC=musl-gcc LDFLAGS=-static W=-w "
            "ILIBS=liblmdb.a " + " ".join(LMDB),
            {n: f"libraries/liblmdb/{n}" for n in LMDB})


def build_sqlite():
    cc = f"musl-gcc -static {SQLITE_FLAGS}"
    links = " && ".join(f"{cc} -o bin/{n} {files} sqlite3.o -lm"
                        for n, files in SQLITE.items())
    return ("./configure CC=musl-gcc --disable-tcl --disable-readline && "
            f"make sqlite3.c shell.c && {cc} -c sqlite3.c && mkdir bin && "
            f"{links}", {n: f"bin/{n}" for n in SQLITE})


BUILDS = {"libsigsegv": build_libsigsegv, "libgc": build_libgc,
          "memtester": build_memtester, "lmdb": build_lmdb,
          "sqlite3": build_sqlite}
SRC = Sources(W, list(BUILDS), {})

# Selftests of Linux that are built: the others want what is not here (32-bit
# programs, ptrace, iopl, huge pages, userfaultfd, protection keys, libcap).
SELFTESTS = {
    "vm": ["map_fixed_noreplace", "mlock2-tests",
           "mremap_dontunmap", "mremap_test", "on-fault-limit",
           "virtual_address_range"],
    "mincore": ["mincore_selftest"],
    "sigaltstack": ["sas"],
    "x86": ["check_initial_reg_state", "corrupt_xstate_header",
            "mov_ss_trap", "sigaltstack", "sigtrap_loop",
            "single_step_syscall", "syscall_arg_fault", "syscall_nt",
            "sysret_rip", "sysret_ss_attrs", "test_mremap_vdso",
            "test_vsyscall"]}
FILES = {"sysret_ss_attrs": "thunks.S",
         "check_initial_reg_state": "-Wl,-ereal_start",
         "mlock2-tests": "vm_util.c"}


def linux_source():
    """The selftests of Debian's linux-source; its version."""
    d = f"{W}/linux"
    if not os.path.exists(f"{d}/done"):
        os.makedirs(d, exist_ok=True)
        package = re.search(r"Depends: (linux-source-\S+)", sh(
            ["apt-cache", "depends", "linux-source"])).group(1)
        print(f"fetching {package}", flush=True)
        sh(["apt-get", "-q", "-o", "APT::Sandbox::User=", "download",
            package], d)
        deb = glob.glob(f"{d}/*.deb")[0]
        sh(f"dpkg-deb --fsys-tarfile {deb} | tar xO "
           f"./usr/src/{package}.tar.xz | tar xJ --strip-components=1 "
           f"--wildcards '{package}/tools/testing/selftests/*'", d)
        with open(f"{d}/done", "w") as f:
            f.write(os.path.basename(deb).split("_")[1])
    with open(f"{d}/done") as f:
        return f.read()


def selftests():
    for folder, names in SELFTESTS.items():
        tree = f"{W}/linux/tools/testing/selftests/{folder}"
        for n in names:
            sh(f"gcc -static -no-pie -O2 -g -std=gnu99 -pthread -w -I.. "
               f"-o {n} {n}.c {FILES.get(n, '')} -lrt", tree)
            SRC.put(f"lib/selftests/{folder}/{n}", f"{tree}/{n}")


def populate():
    SRC.base()
    for name, how in BUILDS.items():
        cmd, programs = how()
        tree = SRC.build(name, cmd)
        for program, path in programs.items():
            SRC.put(f"bin/{program}", f"{tree}/{path}")
            sh(["strip", f"{W}/root/bin/{program}"])
    SRC.put("src/mptest", f"{W}/host/sqlite3/mptest")
    SRC.put("init", "tests/world/init")
    for script in ("others", "writers"):
        SRC.put(f"bin/{script}", f"tests/others/{script}")


def main(linux):
    os.makedirs(f"{W}/host", exist_ok=True)
    SRC.fetch()
    populate()
    version = linux_source() if linux else None
    if linux:
        selftests()
    out = f"{W}/{'linux' if linux else 'others'}.cpio"
    SRC.archive(out)
    with open(f"{out}.contents", "w") as f:
        f.write(f"others: {installed('busybox-static')} as packaged\n")
        for name in BUILDS:
            f.write(f"others: {name} {SRC.version(name)}, static, by "
                    f"{installed('musl-dev')}\n")
        if linux:
            f.write(f"others: linux-source {version}: selftests, static, by "
                    f"{installed('libc6-dev')}\n")


if __name__ == "__main__":
    main("linux" in sys.argv[1:])
