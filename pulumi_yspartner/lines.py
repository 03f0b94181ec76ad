"""The lines that a run says about its PBXs, and how a review reads them again. Pure.

What a preview would buy stands in the inputs of its resources. A price, the live counts of a short PBX and the orders
that it waits for stand in these lines only. So each is written (`str`) and read (`parse`, None for any other text) in
one place, and a test holds the two together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from .model import COUNTS, CountName, Counts
from .money import Money
from .wording import amount, amounts, priced, shortage

_NAMES: dict[str, CountName] = {amount(name, number).partition(" ")[2]: name for name in COUNTS for number in (1, 2)}
_NOUN = "|".join(sorted(_NAMES, key=len, reverse=True))
# Patterns are texts here: only who reads lines needs them compiled, and every program would wait for that.
_AMOUNT = rf"(\d+) ({_NOUN})"
_SHORTAGE = rf"(\d+) of (\d+) ({_NOUN})"
_DECLARED = rf"(\d+) ({_NOUN}) \((\d+) declared\)"
_ORDER = (
    r"(?P<number>\S+) \((?P<status>[^()]+), (?P<age>\d+ (?:min|h|days) old|of unknown age)"
    rf"(?:, (?P<quantities>\d+ (?:{_NOUN})(?:, \d+ (?:{_NOUN}))*))?\)"
)
_IN_USE, _ON_ORDER = "in use ", "on order: "


@dataclass(frozen=True)
class Buy:
    """A purchase: its summary, and what the inputs don't hold."""

    summary: str
    price: Money | None
    serial_number: str
    used: Counts = field(default_factory=dict)

    def __str__(self) -> str:
        return "; ".join([self.summary, *_in_use(self.used), priced([self.price]), self.serial_number])

    @classmethod
    def parse(cls, text: str) -> Buy | None:
        rest, _, serial = text.rpartition("; ")
        rest, _, price = rest.rpartition("; price ")
        if not rest.startswith("buy "):
            return None
        summary, _, used = rest.partition(f"; {_IN_USE}")
        return cls(summary, Money.parse(price), serial, _amounts(used))


@dataclass(frozen=True)
class OnOrder:
    """An order that is not settled, as `wording.describe` says it."""

    number: str
    status: str
    age: str
    quantities: Counts = field(default_factory=dict)

    def __str__(self) -> str:
        buys = f", {amounts(self.quantities)}" if self.quantities else ""
        return f"{self.number} ({self.status}, {self.age}{buys})"

    @classmethod
    def parse(cls, text: str) -> OnOrder | None:
        found = re.fullmatch(_ORDER, text)
        return cls._of(found) if found else None

    @classmethod
    def all_in(cls, text: str) -> tuple[OnOrder, ...]:
        """Every order that a text describes."""
        return tuple(cls._of(found) for found in re.finditer(_ORDER, text))

    @classmethod
    def _of(cls, found: re.Match[str]) -> OnOrder:
        return cls(found["number"], found["status"], found["age"], _amounts(found["quantities"] or ""))


@dataclass(frozen=True)
class Short:
    """A PBX that has less than is declared, and for which nothing is bought: its live counts, and why."""

    have: Counts
    want: Counts
    """Of both, only the counts that are short."""
    why: str
    """`on order: ...`, or words."""
    serial_number: str
    used: Counts = field(default_factory=dict)

    @property
    def on_order(self) -> tuple[OnOrder, ...]:
        """The orders that it waits for."""
        return OnOrder.all_in(self.why.removeprefix(_ON_ORDER)) if self.why.startswith(_ON_ORDER) else ()

    def __str__(self) -> str:
        lacking = f"short: has {shortage(self.want, self.have)}"
        return "; ".join([lacking, *_in_use(self.used), self.why, self.serial_number])

    @classmethod
    def parse(cls, text: str) -> Short | None:
        rest, _, serial = text.rpartition("; ")
        lacking, _, why = rest.partition("; ")
        counts = re.findall(_SHORTAGE, lacking)
        if not lacking.startswith("short: has ") or not counts:
            return None
        used = ""
        if why.startswith(_IN_USE):
            used, _, why = why.partition("; ")
        have = {_NAMES[noun]: int(number) for number, _, noun in counts}
        want = {_NAMES[noun]: int(number) for _, number, noun in counts}
        return cls(have, want, why, serial, _amounts(used))


def on_order(orders: Sequence[str]) -> str:
    """Why a PBX is short that waits for orders, each in the words of `wording.describe`."""
    return f"{_ON_ORDER}{', '.join(orders)}"


@dataclass(frozen=True)
class Nothing:
    """A new resource whose PBX has what is declared, or more."""

    have: Counts
    want: Counts
    serial_number: str
    used: Counts = field(default_factory=dict)

    def __str__(self) -> str:
        has = ", ".join(
            f"{amount(name, self.have[name])} ({self.want[name]} declared)" for name in COUNTS if name in self.want
        )
        return "; ".join([f"nothing to buy: has {has}", *_in_use(self.used), self.serial_number])

    @classmethod
    def parse(cls, text: str) -> Nothing | None:
        rest, _, serial = text.rpartition("; ")
        has, _, used = rest.partition(f"; {_IN_USE}")
        counts = re.findall(_DECLARED, has)
        if not has.startswith("nothing to buy: has ") or not counts:
            return None
        have = {_NAMES[noun]: int(number) for number, noun, _ in counts}
        want = {_NAMES[noun]: int(number) for _, noun, number in counts}
        return cls(have, want, serial, _amounts(used))


@dataclass(frozen=True)
class Refused:
    """A refusal. It fails the run, and hides no other line."""

    why: str
    serial_number: str

    def __str__(self) -> str:
        return f"refused: {self.why}. Nothing was bought for {self.serial_number}."

    @classmethod
    def parse(cls, text: str) -> Refused | None:
        why, mark, serial = text.rpartition(". Nothing was bought for ")
        if not mark or not why.startswith("refused: "):
            return None
        return cls(why.removeprefix("refused: "), serial.removesuffix("."))


@dataclass(frozen=True)
class Unreadable:
    """A PBX whose counts could not be read, and for which nothing was to be bought."""

    why: str
    serial_number: str

    def __str__(self) -> str:
        return f"{self.why}. Nothing is bought for {self.serial_number} in this run."

    @classmethod
    def parse(cls, text: str) -> Unreadable | None:
        why, mark, serial = text.rpartition(". Nothing is bought for ")
        if not mark or not serial.endswith(" in this run."):
            return None
        return cls(why, serial.removesuffix(" in this run."))


@dataclass(frozen=True)
class Problem:
    """Why nothing at all could be read in a run."""

    why: str

    def __str__(self) -> str:
        return f"{self.why}{self._END}"

    @classmethod
    def parse(cls, text: str) -> Problem | None:
        return cls(text.removesuffix(cls._END)) if text.endswith(cls._END) else None

    _END = ". Nothing is bought in this run."


@dataclass(frozen=True)
class Rest:
    """Lines without a message of their own, in one on the stack: a message costs 10 ms, whatever is in it."""

    lines: tuple[tuple[str, str], ...]
    """The resource's name, and its line."""

    def __str__(self) -> str:
        return "\n".join(
            [f"{len(self.lines)} more:", *(f"{' '.join(name.split())}: {line}" for name, line in self.lines)]
        )

    @classmethod
    def parse(cls, text: str) -> Rest | None:
        first, *lines = text.split("\n")
        found = [re.fullmatch(_NAMED, line) for line in lines]
        if not lines or first != f"{len(lines)} more:":
            return None
        return cls(tuple((match["name"], match["line"]) for match in found if match))


AboutOnePbx = Buy | Short | Nothing | Refused | Unreadable
"""What is said of one PBX."""


def about_one_pbx(text: str) -> AboutOnePbx | None:
    """The line of one PBX that a text is; None for any other text."""
    return Buy.parse(text) or Short.parse(text) or Nothing.parse(text) or Refused.parse(text) or Unreadable.parse(text)


_NAMED = r"(?P<name>.*?): (?P<line>(?:buy |short: |nothing to buy: |ordered: ).*)"


@dataclass(frozen=True)
class Total:
    """What a preview would buy in all."""

    buyers: int
    pbxs: int
    quantities: Counts
    price: str
    """In the words of `wording.priced`."""
    purchases_are_off: bool

    def __str__(self) -> str:
        off = "; up will refuse: purchases are off" if self.purchases_are_off else ""
        return f"{self.buyers} of {_pbxs(self.pbxs)} would buy: {amounts(self.quantities)}; {self.price}{off}"

    @classmethod
    def parse(cls, text: str) -> Total | None:
        found = re.fullmatch(
            r"(\d+) of (\d+) PBXs? would buy: (.+?); (price .+?)(; up will refuse: purchases are off)?", text
        )
        if found is None:
            return None
        buyers, pbxs, quantities, price, off = found.groups()
        return cls(int(buyers), int(pbxs), _amounts(quantities), price, off is not None)


@dataclass(frozen=True)
class Unpriced:
    """Why a price is not known, of the first purchase without one."""

    why: str

    def __str__(self) -> str:
        return f"{self._START}{self.why}"

    @classmethod
    def parse(cls, text: str) -> Unpriced | None:
        return cls(text.removeprefix(cls._START)) if text.startswith(cls._START) else None

    _START = "why a price is unknown: "


@dataclass(frozen=True)
class Refusals:
    """The error that ends a run in which something was refused, after everything has been said."""

    refused: int
    pbxs: int

    def __str__(self) -> str:
        was, it = ("was", "it") if self.refused == 1 else ("were", "them")
        return (
            f"{self.refused} of {_pbxs(self.pbxs)} {was} refused; nothing was bought for {it}. "
            f"The error of each says why."
        )

    @classmethod
    def parse(cls, text: str) -> Refusals | None:
        found = re.match(r"(\d+) of (\d+) PBXs? (?:was|were) refused; nothing was bought for ", text)
        return cls(int(found[1]), int(found[2])) if found else None


def _in_use(used: Counts) -> Iterator[str]:
    if used:
        yield f"{_IN_USE}{amounts(used)}"


def _amounts(text: str) -> dict[CountName, int]:
    return {_NAMES[noun]: int(number) for number, noun in re.findall(_AMOUNT, text)}


def _pbxs(number: int) -> str:
    return f"{number} PBX" if number == 1 else f"{number} PBXs"
