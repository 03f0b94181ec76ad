"""The review as one HTML page: no script, no network, nothing but this file.

The page forbids itself everything else (Content-Security-Policy), so that a name that gets past the escaping still
runs nothing. Needs the extra `review`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import jinja2
from markupsafe import Markup

from ..model import COUNTS, CountName
from ..wording import amounts_named
from .escaping import visible
from .model import Pbx, Review, Stack, State
from .picture import Bar, bar, scale

MOST_SHOWN = 25
"""PBXs of a list that are shown at once; the others are one click away."""


def html(review: Review) -> str:
    """The page, as text to be written in UTF-8."""
    style = _text("page.css")
    return _template().render(
        review=review,
        page=_Page(review),
        most_shown=MOST_SHOWN,
        style=Markup(style),  # noqa: S704 # our own file
        style_hash=base64.b64encode(hashlib.sha256(style.encode()).digest()).decode(),
    )


@dataclass(frozen=True)
class _Row:
    """A count of one PBX, or of the whole fleet. None is not known, or not declared."""

    name: CountName
    has: int | None
    used: int | None
    on_order: int | None
    to_buy: int
    after: int | None
    declared: int | None

    @property
    def label(self) -> str:
        return amounts_named([self.name]).capitalize()

    @property
    def words(self) -> str:
        """The picture for those who don't see it."""
        parts = {
            "has": self.has,
            "used": self.used,
            "on order": self.on_order or None,
            "to buy": self.to_buy or None,
            "declared": self.declared,
        }
        told = ", ".join(f"{word} {number}" for word, number in parts.items() if number is not None)
        return f"{self.label}: {told}"

    @property
    def length(self) -> int | None:
        """How far the picture reaches."""
        if self.has is None:
            return self.declared
        return max(self.has + (self.on_order or 0) + self.to_buy, self.declared or 0)


class _Page:
    """What the template asks for beyond the review itself: rows, their pictures, and what is shown first."""

    def __init__(self, review: Review) -> None:
        self._review = review
        self.together = len([pbx for pbx in review.pbxs if _counts(pbx)])
        self.knows_use = any(pbx.used for pbx in review.pbxs)
        rows = [row for pbx in review.pbxs for row in self.rows(pbx)]
        self._full = {name: scale(row.length for row in rows if row.name == name) for name in COUNTS}

    def rows(self, pbx: Pbx) -> list[_Row]:
        """The counts of a PBX that are known or declared."""
        return [
            _Row(
                name=name,
                has=pbx.has.get(name),
                used=pbx.used.get(name),
                on_order=_on_order(pbx, name),
                to_buy=pbx.to_buy.get(name, 0),
                after=pbx.after.get(name),
                declared=pbx.declared.get(name),
            )
            for name in COUNTS
            if name in pbx.has or name in pbx.declared
        ]

    def bar(self, row: _Row) -> Bar:
        """The picture of a row, on the scale of its count in this review."""
        return _bar(row, self._full[row.name])

    def fleet(self) -> list[tuple[_Row, Bar]]:
        """All PBXs together, on a scale of its own."""
        return [(row, _bar(row, row.length or 1)) for row in _fleet(self._review)]

    def buying(self) -> list[Stack]:
        """The stacks that would buy."""
        return [stack for stack in self._review.stacks if stack.in_state("buys")]

    def wrong(self) -> list[Stack]:
        """The stacks whose preview can't be taken as it is."""
        return [stack for stack in self._review.stacks if stack.errors or stack.problems or stack.unreadable]

    def purchases(self, stack: Stack) -> list[tuple[Pbx, None]]:
        """The PBXs that would buy, the largest purchases first. Their stack stands above them."""
        return [(pbx, None) for pbx in sorted(stack.in_state("buys"), key=lambda pbx: -sum(pbx.to_buy.values()))]

    def in_state(self, state: State) -> list[tuple[Pbx, Stack | None]]:
        """The PBXs of all stacks in a state; each with its stack, if there are several."""
        several = len(self._review.stacks) > 1
        return [(pbx, stack if several else None) for stack in self._review.stacks for pbx in stack.in_state(state)]


def _fleet(review: Review) -> list[_Row]:
    """The counts of all PBXs whose counts are known, together."""
    rows = []
    for name in COUNTS:
        pbxs = [pbx for pbx in review.pbxs if name in pbx.has and _counts(pbx)]
        if pbxs:
            rows.append(
                _Row(
                    name=name,
                    has=sum(pbx.has[name] for pbx in pbxs),
                    used=_sum(pbx.used.get(name) for pbx in pbxs),
                    on_order=_sum(_on_order(pbx, name) for pbx in pbxs),
                    to_buy=sum(pbx.to_buy.get(name, 0) for pbx in pbxs),
                    after=sum(pbx.after[name] for pbx in pbxs),
                    declared=_sum(pbx.declared.get(name) for pbx in pbxs),
                )
            )
    return rows


def _counts(pbx: Pbx) -> bool:
    """Whether it is among those that are shown together: known, and not about to be forgotten."""
    return bool(pbx.has) and pbx.state != "removed"


def _on_order(pbx: Pbx, name: CountName) -> int | None:
    """What open orders will add to a count; None where one of them doesn't tell its quantities."""
    return pbx.quantities_on_order.get(name, 0) if all(order.quantities for order in pbx.on_order) else None


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum; None where one of them is not known."""
    total = 0
    for number in numbers:
        if number is None:
            return None
        total += number
    return total


def _bar(row: _Row, full: int) -> Bar:
    return bar(
        has=row.has or 0,
        used=row.used,
        on_order=row.on_order or 0,
        to_buy=row.to_buy,
        declared=row.declared,
        full=full,
    )


def _visible(value: object) -> object:
    """What is printed, in one line and with nothing hidden in it."""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8")


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True,
        finalize=_visible,  # of every expression, so that none can be forgotten
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.from_string(_text("page.html.j2"))
