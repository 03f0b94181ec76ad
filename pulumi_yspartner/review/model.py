"""A review as data: what the previews of one or many stacks would buy, and everything that an approver must know.

Markdown, HTML and JSON are made of this, and compute nothing themselves. Texts that come from a program, from Pulumi or
from the portal (names, serial numbers, statuses, reasons, errors, settings) stand here as they are: whoever prints them
escapes them. Sentences that are made here hold none of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, computed_field

from ..model import COUNTS, CountName, shortfall
from ..money import Money, sums
from ..wording import amounts

VERSION = 1
"""Of the JSON form. It changes when a field goes, or gets another meaning; new fields may come without."""

State = Literal["buys", "refused", "short", "unconfirmed", "unreadable", "satisfied", "removed"]
STATES: tuple[State, ...] = ("buys", "refused", "short", "unconfirmed", "unreadable", "satisfied", "removed")

Change = Literal["create", "update", "same", "delete"]
"""What Pulumi would do with the resource. A PBX that replaces another is created, and the other one is deleted."""
LimitName = Literal["extensions", "concurrentCalls", "amount"]

if TYPE_CHECKING:
    derived = property
else:
    derived = computed_field
    """A property that JSON holds, too."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


Number = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A count or quantity. What is larger comes from no PBX, and is not worth its digits."""


class Order(_Part):
    """An order that is not settled: it may still change the counts of its PBX."""

    number: str | None = None
    """The portal's number; None for an attempt of which no order was found yet."""
    status: str
    """The portal's status, or `unconfirmed`."""
    quantities: dict[CountName, Number] = {}
    """What it buys of each count, as far as that could be read."""
    age: str
    """In words, such as `3 h old`, `of unknown age` or `sent 2026-11-25T02:55:00Z`."""


class Pbx(_Part):
    """One PBX in one stack."""

    urn: str
    """Pulumi's name of the resource; unique over all stacks, but shared by a PBX and the one that replaces it."""
    name: str
    """The resource's name in its stack."""
    serial_number: str
    state: State
    """
    - `buys`: `to_buy` would be ordered.
    - `refused`: nothing is bought, and the run fails; `reason` says why.
    - `short`: it has less than is declared, and nothing is bought in this run; `reason` says why.
    - `unconfirmed`: an order was sent and its outcome is not known; nothing is bought until it is.
    - `unreadable`: its counts could not be read, and nothing is bought; `reason` says why.
    - `satisfied`: it has what is declared, or more.
    - `removed`: Pulumi forgets it; it keeps its capacity and stays billed.
    """
    change: Change
    declared: dict[CountName, Number] = {}
    """The floors that the program declares; of a removed PBX, those that it declared."""
    has: dict[CountName, Number] = {}
    """The counts. A count that is not known is absent."""
    has_is_live: bool = False
    """Whether `has` was read in this preview. If not, it is as of the last change or refresh of the stack."""
    used: dict[CountName, Number] = {}
    """What is in use, where the PBX's own API told it in this preview."""
    on_order: tuple[Order, ...] = ()
    to_buy: dict[CountName, Number] = {}
    """What would be ordered of each count; counts of which nothing is bought are absent."""
    price: Money | None = None
    """What `to_buy` would cost; None where that is not known. Never 0 for unknown."""
    reason: str | None = None

    @derived
    def after(self) -> dict[CountName, int]:
        """The counts with `to_buy`: what the PBX has once the order is through."""
        return {name: count + self.to_buy.get(name, 0) for name, count in self.has.items()}

    @derived
    def quantities_on_order(self) -> dict[CountName, int]:
        """What the orders in `on_order` buy together, as far as that could be read."""
        quantities = Counter[CountName]()
        for order in self.on_order:
            quantities.update(order.quantities)
        return dict(quantities)

    @derived
    def lacking(self) -> dict[CountName, int]:
        """What is missing now of the declared counts, whether it is bought or not."""
        return shortfall(self.declared, {**self.declared, **self.has})


class Price(_Part):
    """What several purchases cost together: sums, one per currency, and how many prices are not known."""

    known: tuple[Money, ...] = ()
    unknown: int = 0

    @classmethod
    def of(cls, prices: Iterable[Money | None]) -> Price:
        """The sum of the prices of purchases; None for each that is not known."""
        given = list(prices)
        known = [price for price in given if price is not None]
        return cls(known=tuple(sums(known)), unknown=len(given) - len(known))

    @derived
    def words(self) -> str:
        """`1250.00 USD`, `80.00 EUR, 1250.00 USD and 2 unknown`, `unknown`; `nothing` where nothing is bought."""
        if not self.known:
            return "unknown" if self.unknown else "nothing"
        return ", ".join(map(str, self.known)) + (f" and {self.unknown} unknown" if self.unknown else "")


class Totals(_Part):
    """What several PBXs would buy together."""

    pbxs: int
    """How many PBXs would buy."""
    quantities: dict[CountName, int]
    price: Price

    @classmethod
    def of(cls, pbxs: Iterable[Pbx]) -> Totals:
        """The totals of those that buy."""
        buying = [pbx for pbx in pbxs if pbx.state == "buys"]
        quantities: Counter[CountName] = Counter()
        for pbx in buying:
            quantities.update(pbx.to_buy)
        return cls(
            pbxs=len(buying),
            quantities={name: quantities[name] for name in COUNTS if quantities[name]},
            price=Price.of(pbx.price for pbx in buying),
        )

    @derived
    def words(self) -> str:
        """`200 extensions, 48 concurrent calls on 2 PBXs, price 1250.00 USD`; `nothing` where nothing is bought."""
        if not self.pbxs:
            return "nothing"
        return f"{amounts(self.quantities)} on {pbxs_in_words(self.pbxs)}, price {self.price.words}"


class Limit(_Part):
    """A limit for the whole run, and whether it holds."""

    name: LimitName
    limit: str
    """The most that may be bought, such as `500` or `5000.00 USD`."""
    bought: str
    """What would be bought, such as `206` or `1250.00 USD and 2 unknown`."""
    passed: bool
    reason: str | None = None
    """Why it failed, in words."""


class Setting(_Part):
    """A setting in the configuration of a stack. Secrets are never among them."""

    key: str
    """Without the namespace, such as `purchases`."""
    value: str


class Stack(_Part):
    """The preview of one stack."""

    name: str
    """Such as `dev`; the name of the file where the preview failed too early to tell."""
    project: str
    """Empty where the preview failed too early to tell."""
    file: str
    """The file that was read."""
    plan: str | None = None
    """The file of its saved plan, where one was given."""
    errors: tuple[str, ...] = ()
    """Why the preview failed, other than by a refusal, or can't be trusted. What it would buy is then not all known."""
    problems: tuple[str, ...] = ()
    """Why it must not be approved although the preview came to its end: its saved plan buys something else, or another
    stack declares the same PBX."""
    unreadable: str | None = None
    """Why no PBX at all could be read in this preview (credentials, an unreachable portal)."""
    unpriced: str | None = None
    """Why a price is not known, where the preview tells."""
    purchases: Literal["allow", "deny"] | None = None
    """Whether `pulumi up` with the settings of the preview would buy; None where the preview does not tell."""
    settings: tuple[Setting, ...] = ()
    """The stack's configuration, as far as it is not secret. Environment variables win over it, and don't show."""
    pbxs: tuple[Pbx, ...] = ()
    """By name."""
    lists_unchanged: bool = False
    """Whether PBXs that don't change are among `pbxs` (`pulumi preview --show-sames`)."""

    @derived
    def totals(self) -> Totals:
        """What this stack would buy."""
        return Totals.of(self.pbxs)

    def in_state(self, *states: State) -> tuple[Pbx, ...]:
        """The PBXs in one of these states."""
        return tuple(pbx for pbx in self.pbxs if pbx.state in states)


class Review(_Part):
    """The whole review. `ok` is false where a person must act before anything is approved."""

    version: int = VERSION
    stacks: tuple[Stack, ...]
    limits: tuple[Limit, ...] = ()
    """Those that were given; none are in force without."""

    @property
    def pbxs(self) -> tuple[Pbx, ...]:
        """The PBXs of all stacks."""
        return tuple(pbx for stack in self.stacks for pbx in stack.pbxs)

    def in_state(self, *states: State) -> tuple[Pbx, ...]:
        """The PBXs in one of these states."""
        return tuple(pbx for pbx in self.pbxs if pbx.state in states)

    @derived
    def totals(self) -> Totals:
        """What all stacks would buy."""
        return Totals.of(self.pbxs)

    @derived
    def counts(self) -> dict[State, int]:
        """How many PBXs are in each state."""
        found = Counter(pbx.state for pbx in self.pbxs)
        return {state: found[state] for state in STATES}

    @derived
    def sentence(self) -> str:
        """What would be bought, on how many PBXs and for how much, and what keeps it from being approved."""
        totals = self.totals
        failed = sum(1 for stack in self.stacks if stack.errors)
        which = "the preview" if len(self.stacks) == 1 else f"{failed} of {len(self.stacks)} previews"
        if totals.pbxs:
            price = totals.price.words
            cost = "price unknown" if price == "unknown" else f"for {price}"
            bought = amounts(totals.quantities).replace(", ", " and ")
            said = [f"Would buy {bought} on {pbxs_in_words(totals.pbxs)}{self._in_stacks}, {cost}."]
            if failed:
                said.append(f"That is not all: {which} failed.")
        elif failed:
            said = [f"What would be bought is not known: {which} failed."]
        else:
            said = [f"Nothing would be bought{self._in_stacks}."]
        if refused := self.counts["refused"]:
            said.append(f"{pbxs_in_words(refused)} {_was_or_were(refused)} refused.")
        if broken := sum(1 for limit in self.limits if not limit.passed):
            said.append(f"{broken} {'limit' if broken == 1 else 'limits'} failed.")
        return " ".join(said)

    @property
    def _in_stacks(self) -> str:
        return f" in {len(self.stacks)} stacks" if len(self.stacks) > 1 else ""

    @derived
    def switched_off(self) -> tuple[str, ...]:
        """Whether purchases are off, and which checks are not made, in sentences."""
        purchases = [stack.purchases for stack in self.stacks]
        off, on = purchases.count("deny"), purchases.count("allow")
        said = []
        if off:
            where = f" in {off} of {len(self.stacks)} stacks" if on else ""
            said.append(
                f"Purchases are off{where}: pulumi up refuses to buy, except in a job that sets "
                f"YSPARTNER_PURCHASES=allow."
            )
        if on:
            where = f" in {on} of {len(self.stacks)} stacks" if off else ""
            said.append(f"Purchases are allowed{where} by the settings of this preview: pulumi up buys.")
        if not self.limits:
            said.append("No limit for the whole run is set.")
        return tuple(said)

    @derived
    def attention(self) -> tuple[str, ...]:
        """What an approver should look at although nothing is bought for it, in sentences."""
        said: list[tuple[State, str]] = [
            ("short", "less than is declared, and nothing is bought for {it} in this run."),
            ("unconfirmed", "an order whose outcome is not known; nothing is bought for {it} until it is."),
            ("unreadable", "no counts that could be read; nothing is bought for {it} in this run."),
        ]
        sentences = [
            f"{pbxs_in_words(number)} {'has' if number == 1 else 'have'} {what.format(it=_it_or_them(number))}"
            for state, what in said
            if (number := self.counts[state])
        ]
        if unread := sum(1 for stack in self.stacks if stack.unreadable):
            where = "" if len(self.stacks) == 1 else f" in {unread} of {len(self.stacks)} stacks"
            sentences.append(f"No PBX at all could be read{where}.")
        if removed := self.counts["removed"]:
            stays = "it keeps its capacity and stays" if removed == 1 else "they keep their capacity and stay"
            sentences.append(f"{pbxs_in_words(removed)} would be removed from Pulumi; {stays} billed.")
        return tuple(sentences)

    @derived
    def ok(self) -> bool:
        """Whether every preview came to its end, nothing was refused, and no stack has problems."""
        return not any(stack.errors or stack.problems for stack in self.stacks) and not self.counts["refused"]

    @property
    def limits_hold(self) -> bool:
        """Whether every limit that was given holds."""
        return all(limit.passed for limit in self.limits)

    @property
    def worth_telling(self) -> bool:
        """Whether something is bought, removed or wrong. If not, nobody needs a comment."""
        wrong: Sequence[State] = ("buys", "refused", "short", "unconfirmed", "unreadable", "removed")
        unread = any(stack.unreadable for stack in self.stacks)
        return not self.ok or not self.limits_hold or unread or any(self.counts[state] for state in wrong)


def pbxs_in_words(number: int) -> str:
    """`1 PBX`, `12 PBXs`."""
    return f"{number} PBX" if number == 1 else f"{number} PBXs"


def _was_or_were(number: int) -> str:
    return "was" if number == 1 else "were"


def _it_or_them(number: int) -> str:
    return "it" if number == 1 else "them"
