"""Small line charts, one below the other over the same time, as one SVG file without any library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

_WIDTH, _HEIGHT = 720, 92  # of one chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 92, 12, 22, 16
_MOST = 400  # points in a line: more are not seen


@dataclass(frozen=True)
class Line:
    """One measure over time."""

    name: str
    unit: str
    points: Sequence[tuple[float, float]]  # time in minutes, value


def write_charts(path: Path, title: str, lines: Sequence[Line]) -> None:
    """Write one chart a line, each from 0 to its largest value."""
    height = 40 + len(lines) * (_HEIGHT + _TOP + _BOTTOM)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="11">',
        f'<rect width="{_WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="24" font-size="14">{escape(title)}</text>',
    ]
    for number, line in enumerate(lines):
        parts += _chart(line, 40 + number * (_HEIGHT + _TOP + _BOTTOM))
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def _chart(line: Line, top: int) -> list[str]:
    points = _thinned(line.points)
    largest = max((value for _, value in points), default=0.0) or 1.0
    end = max((at for at, _ in points), default=0.0) or 1.0
    upper, lower = top + _TOP, top + _TOP + _HEIGHT
    across = _WIDTH - _LEFT - _RIGHT
    drawn = " ".join(
        f"{_LEFT + at / end * across:.1f},{lower - value / largest * _HEIGHT:.1f}" for at, value in points
    )
    return [
        f'<text x="{_LEFT}" y="{upper - 6}" fill="#222">{escape(line.name)}</text>',
        f'<path d="M{_LEFT} {upper}V{lower}H{_WIDTH - _RIGHT}" fill="none" stroke="#999"/>',
        f'<text x="{_LEFT - 6}" y="{upper + 8}" text-anchor="end" fill="#555">{_number(largest)} '
        f"{escape(line.unit)}</text>",
        f'<text x="{_LEFT - 6}" y="{lower}" text-anchor="end" fill="#555">0</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{lower + 12}" text-anchor="end" fill="#555">{end:.0f} min</text>',
        f'<polyline points="{drawn}" fill="none" stroke="#0b5cad" stroke-width="1.2"/>',
    ]


def _thinned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most so many points, each the highest of its stretch: a peak is never left out."""
    step = -(-len(points) // _MOST) or 1
    return [max(points[at : at + step], key=lambda point: point[1]) for at in range(0, len(points), step)]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 10 else f"{value:.2g}"
