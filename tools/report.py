#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""report.py OUT: one HTML page of what build/ holds: the benchmark beside its
peer, test results, the VM counters over time of the last run, and pictures of
object chains.  Opens from disk; no script, nothing from elsewhere."""
import glob
import html
import json
import os
import re
import sys

STYLE = """body{font:15px/1.45 system-ui,sans-serif;max-width:66em;margin:2em auto;
padding:0 1em;color:#222}table{border-collapse:collapse}td,th{padding:.15em .7em;
text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child{
text-align:left}.ok{color:#176317}.bad{color:#a11;font-weight:bold}
svg{background:#fafafa;border:1px solid #ddd;margin:.4em 0}pre{background:#f4f4f4;
padding:.7em;overflow:auto}.n{color:#666}"""


def human(x):
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if x >= limit:
            return f"{x / (1e3 if unit == 'k' else limit):.1f}{unit}"
    return f"{x:.0f}"


def bar(mine, theirs):
    """Both on one linear scale, ours above."""
    top = max(mine, theirs) or 1
    return (f'<svg width="160" height="14"><rect width="{160 * mine / top:.1f}" '
            f'height="6" fill="#27c"/><rect y="8" height="6" '
            f'width="{160 * theirs / top:.1f}" fill="#bbb"/></svg>')


def bench(path):
    if not os.path.exists(path):
        return "<p class=n>No benchmark yet: <code>make bench</code>.</p>"
    with open(path) as f:
        r = json.load(f)
    ours, peer = r["icount"]["gnomon"], r["icount"].get("linux", {})
    ns, nsp = r["tcg"].get("gnomon", {}), r["tcg"].get("linux", {})
    out = [f"<p>{html.escape(r['date'])}. Instructions are exact (-icount); "
           "times are TCG's, median of the repetitions [least .. most]: compare "
           "instructions.</p><table><tr><th>operation<th>insns"
           "<th>Linux<th>ratio<th><th>ns [min..max]<th>Linux ns</tr>"]
    for k, v in ours.items():
        p, t, tp = peer.get(k), ns.get(k), nsp.get(k)
        out.append(
            f"<tr><td>{html.escape(k)}<td>{human(v[1])}"
            f"<td>{human(p[1]) if p else '-'}"
            f"<td class={'ok' if p and v[1] < p[1] else 'n'}>"
            f"{f'{v[1] / p[1]:.2f}' if p and p[1] else '-'}"
            f"<td>{bar(v[1], p[1]) if p else ''}"
            f"<td>{f'{human(t[1])} [{human(t[0])}..{human(t[2])}]' if t else '-'}"
            f"<td>{human(tp[1]) if tp else '-'}</tr>")
    return "\n".join(out) + "</table>"


def tests():
    rows, total = [], [0, 0]
    for path in sorted(glob.glob("build/test-*.log")):
        with open(path, errors="replace") as f:
            text = f.read()
        good = len(re.findall(r"^ok \d+", text, re.M))
        bad = len(re.findall(r"^not ok \d+", text, re.M))
        total = [total[0] + good, total[1] + bad]
        rows.append(f"<tr><td>{html.escape(os.path.basename(path)[5:-4])}"
                    f"<td>{good}<td class={'bad' if bad else 'ok'}>{bad}</tr>")
    if not rows:
        return "<p class=n>No test run yet: <code>make test</code>.</p>"
    return ("<table><tr><th>stage<th>ok<th>not ok</tr>" + "\n".join(rows) +
            f"<tr><th>all<th>{total[0]}<th>{total[1]}</tr></table>")


def plot(name, points):
    """One counter over time as a polyline."""
    w, h = 420, 90
    t0, t1 = points[0][0], points[-1][0]
    top = max(v for _, v in points) or 1
    line = " ".join(f"{(t - t0) * w / max(t1 - t0, 1):.1f},"
                    f"{h - v * (h - 14) / top:.1f}" for t, v in points)
    return (f'<svg width="{w}" height="{h}"><text x="4" y="11" font-size="11">'
            f'{name}: {points[0][1]} .. {points[-1][1]}, most {top}, '
            f'{(t1 - t0) / 1000:.1f} s</text><polyline fill="none" '
            f'stroke="#27c" points="{line}"/></svg>')


def counters(path):
    series = {}
    if os.path.exists(path):
        with open(path, errors="replace") as f:
            for line in f:
                m = re.match(r"vmlog: ms (\d+) (.*)", line.strip())
                if not m:
                    continue
                w = m.group(2).split()
                for k, v in zip(w[::2], w[1::2]):
                    if v.isdigit():
                        series.setdefault(k, []).append((int(m.group(1)),
                                                         int(v)))
    plots = [plot(k, p) for k, p in series.items()
             if len(p) > 1 and max(v for _, v in p)]
    return "\n".join(plots) or (
        "<p class=n>None in build/run.log: "
        "<code>make run CMDLINE=vmlog=200</code>.</p>")


def chains():
    found = sorted(glob.glob("build/chains*.svg"))
    out = []
    for path in found:
        with open(path) as f:
            out.append(f.read())
    return "\n".join(out) or "<p class=n>None made: <code>make chains</code>.</p>"


def main(out):
    parts = [("Benchmark", bench("build/bench.json")), ("Tests", tests()),
             ("VM counters of the last run", counters("build/run.log")),
             ("Object chains", chains())]
    body = "\n".join(f"<h2>{t}</h2>\n{b}" for t, b in parts)
    with open(out, "w") as f:
        f.write(f"<!doctype html><meta charset=utf-8><title>Gnomon report"
                f"</title><style>{STYLE}</style><h1>Gnomon report</h1>{body}\n")
    print(out)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/report.html")
