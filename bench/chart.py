#!/usr/bin/env python3
"""Draws docs/performance.svg from the tables of docs/performance.md: ratios to the peer, on a logarithmic scale."""
import math
import pathlib
import re

root = pathlib.Path(__file__).resolve().parent.parent
figures = {"frozen, left running, ms": "#2a6fb0", "frozen, ended, ms": "#7db3e0", "total, ended, ms": "#b0b0b0",
           "restore, image cached, ms": "#d08a2a"}
rows, title = [], ""
for line in (root / "docs/performance.md").read_text().splitlines():
    cells = [cell.strip().strip("*") for cell in line.strip("|").split("|")]
    if len(cells) == 7 and cells[1] in ("figure", "---") or len(cells) != 7 or not re.fullmatch(r"[\d.]+", cells[6]):
        continue
    title = cells[0] or title
    if cells[1] in figures and float(cells[6]) > 0:
        rows.append((title, cells[1], float(cells[6])))

left, width, height, low, high = 260, 560, 14, 0.03, 60


def x(ratio):
    return left + width * (math.log(ratio / low) / math.log(high / low))


out, y, last = [], 56, ""
for title, figure, ratio in rows:
    if title != last:
        y += 10
        out.append(f'<text x="{left - 10}" y="{y + 11}" text-anchor="end" font-weight="bold">{title}</text>')
        last = title
    begin, end = sorted((x(1), x(min(max(ratio, low), high))))
    out.append(f'<rect x="{begin:.1f}" y="{y}" width="{max(end - begin, 1):.1f}" height="{height - 3}"'
               f' fill="{figures[figure]}"/>')
    side = f'x="{end + 4:.1f}"' if ratio >= 1 else f'x="{begin - 4:.1f}" text-anchor="end"'
    out.append(f'<text {side} y="{y + 10}">{ratio:g}</text>')
    y += height
legend = "".join(f'<rect x="{20 + 200 * i}" y="10" width="10" height="10" fill="{colour}"/>'
                 f'<text x="{35 + 200 * i}" y="19">{figure.replace(", ms", "")}</text>'
                 for i, (figure, colour) in enumerate(figures.items()))
ticks = "".join(f'<line x1="{x(t):.1f}" x2="{x(t):.1f}" y1="40" y2="{y}" stroke="{"#000" if t == 1 else "#ddd"}"/>'
                f'<text x="{x(t):.1f}" y="36" text-anchor="middle">{t:g}</text>' for t in (0.05, 0.1, 0.3, 1, 3, 10, 30))
(root / "docs/performance.svg").write_text(
    f'<svg xmlns="http://www.w3.org/2000/svg" width="860" height="{y + 20}" font-family="sans-serif" font-size="11">'
    f'<rect width="100%" height="100%" fill="#fff"/>{legend}{ticks}{"".join(out)}</svg>\n')
