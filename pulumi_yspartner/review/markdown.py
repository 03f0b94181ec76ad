"""A review as the comment of a pull request: what the person who approves must know, then the rest, folded.

Every list has its share of the comment's length. What does not fit is summed up in words, never cut off: the purchases
that are shown are the largest, and totals are always those of all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ..model import COUNTS, Counts
from ..wording import amount, amounts, shortage
from .escaping import cell, code
from .model import Order, Pbx, Review, Stack, State, Totals, pbxs_in_words

MARK = "<!-- yspartner-review -->"
"""By this the comment is found and updated in place."""

MOST_CHARACTERS = 64_000
"""GitHub takes 65,536 characters."""

SHARES = {
    "failures": 6_000,
    "purchases": 19_000,
    "unpriced": 1_500,
    "refused": 7_500,
    "short": 5_000,
    "unconfirmed": 4_000,
    "unreadable": 4_000,
    "removed": 4_000,
    "satisfied": 3_000,
    "stacks": 3_000,
    "settings": 2_500,
}
"""Characters for each list. What the comment says besides takes less than the rest of `MOST_CHARACTERS`."""

_T = TypeVar("_T")

Named = tuple[Stack, Pbx]
"""A PBX, and the stack that it is in."""


def markdown(review: Review) -> str:
    """The comment, shorter than `MOST_CHARACTERS`."""
    blocks = [
        MARK,
        f"### {review.sentence}",
        *_of_one_stack(review),
        *_failures(review),
        *_purchases(review),
        *_refusals(review),
        *_limits(review),
        f"Also:\n\n{_bullets(review.attention)}" if review.attention else "",
        " ".join(review.switched_off),
        *_folded(review),
    ]
    return "\n\n".join(block for block in blocks if block) + "\n"


# --- above the fold ------------------------------------------------------------------------------------------------


def _of_one_stack(review: Review) -> Iterator[str]:
    if len(review.stacks) == 1:
        [stack] = review.stacks
        approved = " The plan that was saved with it buys the same." if stack.plan and not stack.problems else ""
        yield f"Stack {_stack(stack)}.{approved}"


def _failures(review: Review) -> Iterator[str]:
    """What keeps the previews from being trusted."""
    failed = [(stack, error) for stack in review.stacks for error in stack.errors]
    if failed:
        yield f"**Failed: a preview did not come to its end, so it does not show everything.**\n\n{_told(failed)}"
    differing = [(stack, problem) for stack in review.stacks for problem in stack.problems]
    if differing:
        yield f"**Failed: don't approve this.**\n\n{_told(differing)}"
    unread = [(stack, stack.unreadable) for stack in review.stacks if stack.unreadable]
    if unread:
        yield f"**Nothing could be read, so nothing would be bought.**\n\n{_told(unread)}"


def _told(said: Sequence[tuple[Stack, str]]) -> str:
    return _bullets(
        _fitting(
            said,
            SHARES["failures"] // 3,
            lambda each: f"{_stack(each[0])}: {code(each[1], 500)}",
            lambda rest: f"and {len(rest)} more, see the log of the preview",
        )
    )


def _purchases(review: Review) -> Iterator[str]:
    several = len(review.stacks) > 1
    buying = sorted(_in_state(review, "buys"), key=lambda each: -sum(each[1].to_buy.values()))
    if not buying:
        return
    head = ["PBX", "Has", "On order", "To buy", "After", "Price"]

    def row(each: Named) -> str:
        stack, pbx = each
        cells = [
            f"{cell(pbx.name)}<br>{cell(pbx.serial_number, 100)}",
            _has(pbx),
            _counts(pbx.quantities_on_order) if pbx.on_order else "nothing",
            f"**{_counts(pbx.to_buy)}**",
            _counts(pbx.after),
            str(pbx.price or "unknown"),
        ]
        return _row([cell(_stack_name(stack), 200), *cells] if several else cells)

    def sum_of(what: str, totals: Totals) -> str:
        cells = [what, "", "", f"**{_counts(totals.quantities)}**", "", totals.price.words]
        return _row(["", *cells] if several else cells)

    rows = _fitting(
        buying,
        SHARES["purchases"],
        row,
        lambda rest: sum_of(f"{len(rest)} more, not shown here", Totals.of(pbx for _, pbx in rest)),
    )
    if len(buying) > 1:
        rows.append(sum_of(f"**{pbxs_in_words(len(buying))}**", review.totals))
    head = ["Stack", *head] if several else head
    yield "\n".join([_row(head), _row(["---"] * len(head)), *rows])
    if why := list(dict.fromkeys(stack.unpriced for stack in review.stacks if stack.unpriced)):
        reasons = _fitting(
            why, SHARES["unpriced"], lambda each: code(each, 500), lambda rest: f"{len(rest)} other reasons"
        )
        yield f"Why a price is unknown: {', '.join(reasons)}."


def _refusals(review: Review) -> Iterator[str]:
    refused = _in_state(review, "refused")
    if refused:
        listed = _by_reason(review, refused, SHARES["refused"])
        yield f"**Refused: nothing is bought for these, and pulumi up fails.**\n\n{listed}"


def _limits(review: Review) -> Iterator[str]:
    if review.limits:
        lines = [
            f"{_WORDS[limit.name]}: {limit.bought} of at most {limit.limit}: "
            f"{'passed' if limit.passed else f'**failed**, {limit.reason}'}"
            for limit in review.limits
        ]
        yield f"Limits for the whole run:\n\n{_bullets(lines)}"


_WORDS = {"extensions": "extensions", "concurrentCalls": "concurrent calls", "amount": "price"}


# --- below it ------------------------------------------------------------------------------------------------------


def _folded(review: Review) -> Iterator[str]:
    """The rest, each part behind a line that says how much of it there is."""
    if short := _in_state(review, "short"):
        yield _fold(f"Short: {pbxs_in_words(len(short))}", _each(review, short, SHARES["short"], _why_short))
    if unconfirmed := _in_state(review, "unconfirmed"):
        listed = _each(review, unconfirmed, SHARES["unconfirmed"], _has_and_on_order)
        yield _fold(
            f"Unconfirmed: {pbxs_in_words(len(unconfirmed))}",
            "An order was sent for these, and its outcome is not known. Look for it in the portal; the next pulumi up "
            f"looks for it too, and buys nothing.\n\n{listed}",
        )
    if unreadable := _in_state(review, "unreadable"):
        listed = _by_reason(review, unreadable, SHARES["unreadable"])
        yield _fold(f"Could not be read: {pbxs_in_words(len(unreadable))}", listed)
    if removed := _in_state(review, "removed"):
        listed = _each(review, removed, SHARES["removed"], _has_and_on_order)
        yield _fold(
            f"Removed, and still billed: {pbxs_in_words(len(removed))}",
            "Pulumi forgets these. Nothing is cancelled; to end it, contact the vendor. Counts are as of the last "
            f"change or refresh.\n\n{listed}",
        )
    yield from _satisfied(review)
    yield from _stacks(review)
    yield from _settings(review)


def _why_short(pbx: Pbx) -> str:
    why = f"on order: {', '.join(map(_order, pbx.on_order))}" if pbx.on_order else code(pbx.reason or "")
    return f"has {shortage(pbx.declared, pbx.has)}; {why}"


def _has_and_on_order(pbx: Pbx) -> str:
    orders = f"; on order: {', '.join(map(_order, pbx.on_order))}" if pbx.on_order else ""
    return f"{amounts(pbx.has) if pbx.has else 'counts not known'}{orders}"


def _satisfied(review: Review) -> Iterator[str]:
    satisfied = sorted(_in_state(review, "satisfied"), key=lambda each: each[1].change != "create")
    if not satisfied:
        return
    new = sum(1 for _, pbx in satisfied if pbx.change == "create")
    what = f"Nothing to buy: {pbxs_in_words(len(satisfied))}" + (f", {new} of them new" if new else "")
    all_listed = all(stack.lists_unchanged for stack in review.stacks)
    note = "" if all_listed else "PBXs that don't change are listed only if the preview is made with --show-sames.\n\n"
    yield _fold(what, f"{note}{_each(review, satisfied, SHARES['satisfied'], _has_and_on_order)}")


def _stacks(review: Review) -> Iterator[str]:
    if len(review.stacks) < 2:
        return

    def line(stack: Stack) -> str:
        plan = "its plan buys the same" if stack.plan else "no saved plan"
        return f"{_stack(stack)}: {stack.totals.words}; {'failed, see above' if stack.problems else plan}"

    listed = _fitting(review.stacks, SHARES["stacks"], line, lambda rest: f"and {len(rest)} more")
    yield _fold(f"Stacks: {len(review.stacks)}", _bullets(listed))


def _settings(review: Review) -> Iterator[str]:
    said = [(stack, setting) for stack in review.stacks for setting in stack.settings]
    if said:
        listed = _fitting(
            said,
            SHARES["settings"],
            lambda each: f"{_stack(each[0])}: {code(each[1].key, 100)} is {code(each[1].value, 500)}",
            lambda rest: f"and {len(rest)} more",
        )
        yield _fold(
            "Settings in the configuration",
            f"Environment variables win over these, and a preview does not show them.\n\n{_bullets(listed)}",
        )


# --- lists that fit ------------------------------------------------------------------------------------------------


def _fitting(
    items: Sequence[_T], most: int, line: Callable[[_T], str], rest_in_words: Callable[[list[_T]], str]
) -> list[str]:
    """The lines of as many items as fit into `most` characters, and one that sums up the others."""
    lines: list[str] = []
    rest: list[_T] = []
    length = 0
    for item in items:
        text = line(item)
        if length + len(text) > most:
            rest.append(item)
        else:
            lines.append(text)
            length += len(text) + 3
    return [*lines, rest_in_words(rest)] if rest else lines


def _each(review: Review, pbxs: Sequence[Named], most: int, words: Callable[[Pbx], str]) -> str:
    """A line for each PBX."""
    return _bullets(
        _fitting(
            pbxs,
            most,
            lambda each: f"{_named(review, each)}: {words(each[1])}",
            lambda rest: f"and {len(rest)} more",
        )
    )


def _by_reason(review: Review, pbxs: Sequence[Named], most: int) -> str:
    """A line for each reason, with the PBXs that it is given for: one outage is one line."""
    reasons: dict[str, list[Named]] = {}
    for each in pbxs:
        reasons.setdefault(each[1].reason or "", []).append(each)

    def line(reason: str) -> str:
        alike = reasons[reason]
        names = _fitting(alike, 1_000, lambda each: _named(review, each), lambda rest: f"{len(rest)} more")
        number = f"{pbxs_in_words(len(alike))}: " if len(alike) > 1 else ""
        return f"{number}{', '.join(names)}: {code(reason)}"

    def others(rest: list[str]) -> str:
        return f"and {sum(len(reasons[reason]) for reason in rest)} more, for {len(rest)} other reasons"

    return _bullets(_fitting(list(reasons), most, line, others))


def _in_state(review: Review, state: State) -> list[Named]:
    return [(stack, pbx) for stack in review.stacks for pbx in stack.in_state(state)]


# --- small things --------------------------------------------------------------------------------------------------


def _named(review: Review, each: Named) -> str:
    stack, pbx = each
    where = f" in {_stack(stack)}" if len(review.stacks) > 1 else ""
    return f"{code(pbx.name, 300)} {code(pbx.serial_number, 100)}{where}"


def _stack(stack: Stack) -> str:
    return code(_stack_name(stack), 200)


def _stack_name(stack: Stack) -> str:
    return f"{stack.project}/{stack.name}" if stack.project else stack.name


def _counts(counts: Counts) -> str:
    return amounts(counts).replace(", ", "<br>") if counts else "unknown"


def _has(pbx: Pbx) -> str:
    """The counts, and where it is known how many of them are in use."""
    in_use = {name: f" ({number} in use)" for name, number in pbx.used.items()}
    counts = [f"{amount(name, pbx.has[name])}{in_use.get(name, '')}" for name in COUNTS if name in pbx.has]
    return "<br>".join(counts) or "unknown"


def _order(order: Order) -> str:
    """An order outside a table."""
    buys = f", {amounts(order.quantities)}" if order.quantities else ""
    number = code(order.number, 100) if order.number else "number unknown"
    return f"{number} ({code(order.status, 100)}, {code(order.age, 100)}{buys})"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _fold(summary: str, content: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{content}\n\n</details>"
