#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""debian.py: an initrd of Debian's programs as they are installed here.

bash, coreutils, perl, python3, make, gcc and what they need, dynamically linked:
the files of the packages and of all that they depend on, without documents and
without what only other languages or sanitizers use.  With the sources of this
kernel, so that the guest can build it.
"""
import glob
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from debsrc import Sources, installed, sh, users  # noqa: E402

W = os.path.abspath("build/debian")
ROOT = f"{W}/root"
SEEDS = ["bash", "dash", "coreutils", "sed", "grep", "mawk", "findutils",
         "diffutils", "tar", "gzip", "perl-base", "python3-minimal", "make",
         "gcc", "libc6-dev", "libpython3.11-stdlib", "busybox-static"]
# Not followed: what configures packages, and tools that nothing here calls.
STOP = {"debconf", "dpkg", "install-info", "perl", "perl-modules-5.36",
        "python3", "libcurl3-gnutls", "media-types", "libsqlite3-0"}
DROP = re.compile(
    r"/(doc|man|info|locale|i18n|bug|lintian|bash-completion|gdb)/|"
    r"san(_preinit\.o|\.a|\.so|\.syms)|/lib(gfortran|itm|quadmath|lsan|gomp)|"
    r"/lto(1|-wrapper)$|/gconv/|/plugin/|/(git-core|test|idlelib)/|"
    r"python3\.11/(lib2to3|distutils|ensurepip|tkinter|turtle)|"
    r"lib(c|m-2\.36|mvec|bfd|opcodes)\.a$|lto-dump|gold$|-dwp$|gprofng")
SOURCES = ("Makefile linker.ld boot include kern platform tests tools "
           "vm".split())


def packages():
    """SEEDS and what they depend on, of the packages that are installed."""
    text = subprocess.run(
        ["dpkg-query", "-W", "-f=${Package}\t${db:Status-Abbrev}\t"
         "${Pre-Depends}, ${Depends}\n"], check=True, capture_output=True,
        text=True).stdout
    needs = {}
    for line in text.splitlines():
        name, status, depends = line.split("\t")
        if status.startswith("ii"):
            needs[name] = re.findall(r"(?:^|[,|]) *([a-z0-9.+-]+)", depends)
    want, todo = set(), list(SEEDS)
    while todo:
        name = todo.pop()
        if name in want or name in STOP or name not in needs:
            continue
        want.add(name)
        todo += needs[name]
    return sorted(want)


def place(path):
    """Where a file of a package lies: its folder without symbolic links."""
    folder, name = os.path.split(path)
    return os.path.join(os.path.realpath(folder), name)


def copy(path):
    to = ROOT + place(path)
    if os.path.lexists(to) or DROP.search(path) or not os.path.lexists(path):
        return
    os.makedirs(os.path.dirname(to), exist_ok=True)
    if os.path.islink(path):
        os.symlink(os.readlink(path), to)
    elif os.path.isfile(path):
        shutil.copy(path, to)


def populate():
    shutil.rmtree(ROOT, ignore_errors=True)
    for d in ("usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "dev", "proc",
              "tmp", "etc", "root", "mnt"):
        os.makedirs(f"{ROOT}/{d}")
    for d in ("bin", "sbin", "lib", "lib64"):
        os.symlink(f"usr/{d}", f"{ROOT}/{d}")
    for name in packages():
        for path in sh(["dpkg", "-L", name]).splitlines():
            if path.startswith(("/usr/", "/bin/", "/lib/", "/lib64/")):
                copy(path)
    # What update-alternatives made, and applets for what is not there.
    for name, target in (("awk", "mawk"), ("cc", "gcc")):
        if not os.path.lexists(f"{ROOT}/usr/bin/{name}"):
            os.symlink(target, f"{ROOT}/usr/bin/{name}")
    for applet in sh(["/bin/busybox", "--list"]).split():
        if not os.path.lexists(f"{ROOT}/usr/bin/{applet}"):
            os.symlink("busybox", f"{ROOT}/usr/bin/{applet}")
    users(ROOT)
    shutil.copy("tests/world/init", f"{ROOT}/init")
    shutil.copy("tests/debian/debian", f"{ROOT}/usr/bin/debian")
def gnomon():
    """This kernel's sources, and the kernel that this machine makes of them."""
    tree = f"{ROOT}/root/gnomon"
    for name in SOURCES:
        if os.path.isdir(name):
            shutil.copytree(name, f"{tree}/{name}",
                            ignore=shutil.ignore_patterns("__pycache__"))
        else:
            os.makedirs(tree, exist_ok=True)
            shutil.copy(name, tree)
    host = f"{W}/host"
    shutil.rmtree(host, ignore_errors=True)
    shutil.copytree(tree, host)
    # No repository above it: the guest has none, and an image names its commit.
    with open(f"{host}/.git", "w") as f:
        f.write("none\n")
    sh(["make", "-j4", "build/gnomon.elf"], host)
    shutil.copy(f"{host}/build/gnomon.elf", f"{ROOT}/root/gnomon.elf")


def main():
    os.makedirs(W, exist_ok=True)
    populate()
    gnomon()
    Sources(W, [], {}).archive(f"{W}/debian.cpio")
    size = os.path.getsize(f"{W}/debian.cpio") >> 10
    with open(f"{W}/contents", "w") as f:
        for name in SEEDS:
            f.write(f"debian: {installed(name)} as installed here\n")
        f.write(f"debian: and what they depend on: {len(packages())} packages, "
                f"{size} KiB\n")


if __name__ == "__main__":
    main()
