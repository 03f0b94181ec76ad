"""The picture of a count: a bar of what a PBX has, what is on order and what would be bought, on one scale. Pure.

Lengths are percentages of the picture's width, so that a bar fits any screen without a script.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

LEAST_WIDTH = 0.6
"""What is not nothing can be seen, however large the largest PBX is."""


@dataclass(frozen=True)
class Segment:
    """A part of a bar. `kind` is a class of the style sheet: `has`, `used`, `order` or `buy`."""

    kind: str
    start: float
    width: float


@dataclass(frozen=True)
class Bar:
    """Segments from left to right, and where the declared floor is, if one is declared."""

    segments: tuple[Segment, ...]
    floor: float | None


def scale(totals: Iterable[int | None]) -> int:
    """What the full width stands for: the largest of several totals, and at least 1."""
    return max((total for total in totals if total is not None), default=0) or 1


def bar(*, has: int, used: int | None, on_order: int, to_buy: int, declared: int | None, full: int) -> Bar:
    """A bar; `full` is what the full width stands for, see `scale`."""
    numbers = {"has": has, "order": on_order, "buy": to_buy}
    segments = []
    start = 0.0
    for kind, width in _widths({kind: number for kind, number in numbers.items() if number}, full).items():
        segments.append(Segment(kind, round(start, 2), round(width, 2)))
        start += width
    if used:
        segments.append(Segment("used", 0.0, max(_percent(min(used, has), full), LEAST_WIDTH)))
    return Bar(tuple(segments), None if declared is None else _percent(declared, full))


def _widths(numbers: dict[str, int], full: int) -> dict[str, float]:
    """The width of each part. What a thin one is given too much is taken from the widest, so that the end is right."""
    widths = {kind: max(_percent(number, full), LEAST_WIDTH) for kind, number in numbers.items()}
    if widths:
        widest = max(widths, key=lambda kind: widths[kind])
        too_much = sum(widths.values()) - _percent(sum(numbers.values()), full)
        widths[widest] = max(widths[widest] - too_much, LEAST_WIDTH)
    return widths


def _percent(number: int, full: int) -> float:
    return round(100 * number / full, 2)
