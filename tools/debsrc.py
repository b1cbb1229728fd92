# SPDX-License-Identifier: BSD-2-Clause
"""debsrc.py: Debian source packages, built on the host, packed into an initrd.

Under one folder of build/: apt/ (a sources list derived from the system's, with
lists and cache of its own, so that the system's stay as they are), src/ (the
unpacked packages), host/ (the same, built) and root/ (the tree of the initrd).
"""
import glob
import os
import re
import shutil
import stat
import subprocess
import sys

from mkinitrd import record

# A constant, so that the archive is the same every time; not 0, which make
# takes for unknown.
MTIME = 1700000000


def sh(cmd, cwd=None, log=None):
    """Run cmd; its output goes to a log, which is shown when it fails."""
    # Our own make's flags (no built-in rules) are not for these makefiles.
    env = {k: v for k, v in os.environ.items()
           if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "RUN")}
    r = subprocess.run(cmd, cwd=cwd, shell=isinstance(cmd, str), check=False,
                       env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if log:
        with open(log, "ab") as f:
            f.write(r.stdout)
    if r.returncode != 0:
        sys.stdout.write(r.stdout.decode(errors="replace")[-4000:])
        sys.exit(f"failed: {cmd}")
    return r.stdout.decode(errors="replace")


def installed(package):
    return sh(["dpkg-query", "-W", "-f=${Package} ${Version}", package])


def users(root):
    for name, line in (("passwd", "root:x:0:0:root:/root:/bin/sh"),
                       ("group", "root:x:0:")):
        with open(f"{root}/etc/{name}", "w") as f:
            f.write(line + "\n")


def derive(text, deb822):
    if deb822:
        return re.sub(r"(?m)^Types:.*$", "Types: deb-src", text)
    lines = [re.sub(r"^\s*deb(-src)?\s", "deb-src ", line)
             for line in text.splitlines() if re.match(r"\s*deb(-src)?\s", line)]
    return "\n".join(lines) + "\n"


class Sources:
    """packages: Debian's names; trees: ours, where they differ."""

    def __init__(self, work, packages, trees):
        self.work, self.packages = os.path.abspath(work), packages
        self.trees = {p: trees.get(p, p) for p in packages}

    def apt_options(self):
        a = f"{self.work}/apt"
        for d in ("parts", "lists/partial", "cache/archives/partial"):
            os.makedirs(f"{a}/{d}", exist_ok=True)
        conf = dict(re.findall(r'^(Dir\S*) "(.*)";$',
                               sh(["apt-config", "dump"]), re.M))
        etc = os.path.join("/", conf["Dir::Etc"])
        files = [os.path.join(etc, conf["Dir::Etc::sourcelist"])]
        parts = os.path.join(etc, conf["Dir::Etc::sourceparts"])
        files += sorted(glob.glob(f"{parts}/*.list") +
                        glob.glob(f"{parts}/*.sources"))
        for f in files:
            if not os.path.exists(f):
                continue
            with open(f) as src:
                text = derive(src.read(), f.endswith(".sources"))
            with open(f"{a}/parts/{os.path.basename(f)}", "w") as out:
                out.write(text)
        opts = []
        for key, value in (("Dir::Etc::sourcelist", f"{a}/none"),
                           ("Dir::Etc::sourceparts", f"{a}/parts"),
                           ("Dir::State::lists", f"{a}/lists"),
                           ("Dir::Cache", f"{a}/cache"),
                           ("APT::Sandbox::User", "")):
            opts += ["-o", f"{key}={value}"]
        return opts

    def fetch(self):
        src = f"{self.work}/src"
        if os.path.exists(f"{src}/done"):
            return
        shutil.rmtree(src, ignore_errors=True)
        os.makedirs(src)
        opts = self.apt_options()
        sh(["apt-get", *opts, "-q", "update"])
        sh(["apt-get", *opts, "-q", "source", "--download-only",
            *self.packages], src)
        for dsc in sorted(glob.glob(f"{src}/*.dsc")):
            name = os.path.basename(dsc).partition("_")[0]
            sh(["dpkg-source", "--no-check", "-x", dsc,
                f"{src}/{self.trees[name]}"])
        open(f"{src}/done", "w").close()

    def version(self, package):
        dsc = glob.glob(f"{self.work}/src/{package}_*.dsc")[0]
        with open(dsc) as f:
            return re.search(r"^Version: (\S+)", f.read(), re.M).group(1)

    def build(self, name, cmd):
        """Runs cmd in a copy of the tree, once for each cmd; the copy."""
        tree = f"{self.work}/host/{name}"
        done = f"{tree}/.built"
        if os.path.exists(done):
            with open(done) as f:
                if f.read() == cmd:
                    return tree
        print(f"building {name}", flush=True)
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(f"{self.work}/src/{name}", tree, symlinks=True)
        sh(cmd, tree, f"{tree}/build.log")
        with open(done, "w") as f:
            f.write(cmd)
        return tree

    def put(self, path, src):
        to = f"{self.work}/root/{path}"
        os.makedirs(os.path.dirname(to), exist_ok=True)
        if os.path.isdir(src):
            shutil.copytree(src, to, dirs_exist_ok=True, symlinks=True)
        else:
            shutil.copy(src, to)

    def base(self):
        """root/ anew, with busybox as packaged and a user 0."""
        root = f"{self.work}/root"
        shutil.rmtree(root, ignore_errors=True)
        for d in ("bin", "dev", "proc", "tmp", "etc", "root", "src", "mnt"):
            os.makedirs(f"{root}/{d}")
        self.put("bin/busybox", "/bin/busybox")
        for applet in sh(["/bin/busybox", "--list"]).split():
            if applet != "busybox":
                os.symlink("busybox", f"{root}/bin/{applet}")
        users(root)

    def archive(self, out):
        root, data, ino = f"{self.work}/root", [], 0
        names = []
        for d, dirs, files in os.walk(root):
            names += [os.path.relpath(os.path.join(d, n), root)
                      for n in dirs + files]
        for name in sorted(names):
            st = os.lstat(f"{root}/{name}")
            ino += 1
            if stat.S_ISLNK(st.st_mode):
                body = os.readlink(f"{root}/{name}").encode()
            elif stat.S_ISREG(st.st_mode):
                with open(f"{root}/{name}", "rb") as f:
                    body = f.read()
            else:
                body = b""
            data.append(record(ino, name, st.st_mode, body, MTIME))
        with open(out, "wb") as f:
            f.write(b"".join(data))
            f.write(record(0, "TRAILER!!!", 0, b""))
