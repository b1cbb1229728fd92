#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""mkinitrd.py OUT ENTRY...: a newc cpio archive, the same bytes every time.

ENTRY is PATH=FILE (a regular file, mode 755), PATH=@TARGET (a symbolic link),
PATH=+TEXT (a file with that text) or PATH/ (a directory).
"""
import sys


def record(ino, name, mode, data, mtime=0):
    n = name.encode() + b"\0"
    head = "070701" + "".join("%08x" % v for v in (
        ino, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(n), 0))
    out = head.encode() + n
    out += b"\0" * (-len(out) % 4) + data
    return out + b"\0" * (-len(out) % 4)


def entry(text):
    name, eq, what = text.partition("=")
    name = name.lstrip("/")
    if not eq:
        return name.rstrip("/"), 0o040755, b""
    if what.startswith("@"):
        return name, 0o120777, what[1:].encode()
    if what.startswith("+"):
        return name, 0o100644, what[1:].encode() + b"\n"
    with open(what, "rb") as f:
        return name, 0o100755, f.read()


def main(out, entries):
    dirs, files = {}, []
    for text in entries:
        name, mode, data = entry(text)
        parts = name.split("/")
        for i in range(1, len(parts)):
            dirs.setdefault("/".join(parts[:i]), (0o040755, b""))
        if mode & 0o170000 == 0o040000:
            dirs[name] = (mode, data)
        else:
            files.append((name, mode, data))
    todo = [(n, *dirs[n]) for n in sorted(dirs)] + sorted(files)
    with open(out, "wb") as f:
        for ino, (name, mode, data) in enumerate(todo, 1):
            f.write(record(ino, name, mode, data))
        f.write(record(0, "TRAILER!!!", 0, b""))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
