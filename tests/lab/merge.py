#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""merge.py FILE...: adds up what the shards of make lab-deep printed.

A FILE is the output of one shard; its last line is JSON.  Says which shards are
missing or there twice.  Exit status 0: all are there and none failed."""
import json
import sys

SUMS = ["scenarios", "complete", "schedules", "points", "events", "cpu_ms",
        "failures"]


def main(files):
    total, seen, shards, tokens = dict.fromkeys(SUMS, 0), [], set(), []
    for path in files:
        with open(path, errors="replace") as f:
            lines = f.read().splitlines()
        tokens += [x for x in lines if x.startswith("# token: ")]
        found = [x for x in lines if x.startswith('{"shard":')]
        if not found:
            print(f"{path}: no result: did that shard end?")
            continue
        r = json.loads(found[-1])
        seen.append(r["shard"])
        shards.add(r["shards"])
        for k in SUMS:
            total[k] += r[k]
    if len(shards) != 1:
        print(f"shards of {sorted(shards)}: not one run")
        return 1
    n = shards.pop()
    missing = sorted(set(range(n)) - set(seen))
    twice = sorted({i for i in seen if seen.count(i) > 1})
    rate = total["schedules"] * 1000 // max(total["cpu_ms"], 1)
    print(json.dumps({"shards": n, "missing": missing, "twice": twice,
                      **total, "schedules_per_cpu_s": rate}))
    print("\n".join(tokens), end="\n" if tokens else "")
    return 1 if missing or twice or total["failures"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
