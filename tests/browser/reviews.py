"""Reviews to show: made up, always the same, and with everything in them that a page has to cope with."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pulumi_yspartner.model import Counts
from pulumi_yspartner.money import Money
from pulumi_yspartner.review.model import Limit, Order, Pbx, Review, Setting, Stack, State

HOSTILE_NAMES = (
    "<script>document.title='ran'</script>",
    '"><img src=x onerror="document.title=\'ran\'">',
    "' onload='document.title=1' x='",
    "</style><style>*{display:none}</style>",
    "</title></svg></table>",
    "{{ 7 * 7 }} {% raw %} <!-- -->",
    "| a | b |\n| - | - |",
    "invoice\u202ecod.exe\u2066 \u200b\x07",
    "משרד ראשי",
    "a" * 200,
    "https://example.com/x.png",
    "&lt;b&gt; &amp; \x85 \ud800",
)


def pbx(number: int, state: State, *, name: str = "", has: Counts | None = None, **given: Any) -> Pbx:
    """A PBX in some state. `has` are its counts; everything else follows from state and number unless given."""
    name = name or f"branch-{number:03}"
    has = {"extensions": 40 + number % 17 * 10, "concurrent_calls": 8 + number % 7 * 4} if has is None else has
    fields: dict[str, Any] = {
        "urn": f"urn:pulumi:dev::fleet::pulumi-python:dynamic/yspartner:PbxCapacity::{number}-{name}",
        "name": name,
        "serial_number": f"3651D{3296882 + number:07}",
        "state": state,
        "change": "update",
        "declared": has,
        "has": has,
        "has_is_live": True,
    }
    match state:
        case "buys":
            to_buy = {"extensions": 10 + number % 5 * 20} | ({} if number % 3 else {"concurrent_calls": 12})
            fields |= {"to_buy": to_buy, "price": Money.parse(f"{100 + number}.50 USD")}
            fields["declared"] = {count: have + to_buy.get(count, 0) for count, have in has.items()}
        case "refused":
            fields["declared"] = {count: have + 200 for count, have in has.items()}
            fields["reason"] = "200 extensions are above the limit of 100 (yspartner:limits). Nothing was bought."
        case "short":
            fields["declared"] = dict(has) | {"extensions": has["extensions"] + 50}
            fields["reason"] = f"short: has {has['extensions']} of {has['extensions'] + 50} extensions"
            order = Order(number="OQ2026112500017", status="pending", quantities={"extensions": 50}, age="3 h old")
            fields["on_order"] = (order,)
        case "unconfirmed":
            fields["reason"] = "UNCONFIRMED: an order was sent, and it is not known yet whether it was placed"
            fields["on_order"] = (Order(status="unconfirmed", age="sent 2026-11-25T02:55:00Z"),)
        case "unreadable":
            fields |= {"has": {}, "has_is_live": False, "reason": "the portal does not state its counts"}
        case "satisfied":
            fields |= {"change": "same", "has_is_live": number % 2 == 0}
            fields["declared"] = {"extensions": has["extensions"] - number % 3}
        case "removed":
            fields |= {"change": "delete", "has_is_live": False}
    return Pbx(**(fields | given))


def stack(pbxs: Iterable[Pbx], *, name: str = "dev", **given: Any) -> Stack:
    """The preview of one stack, with purchases off."""
    fields: dict[str, Any] = {
        "name": name,
        "project": "fleet",
        "file": f"{name}/preview.json",
        "plan": f"{name}/plan.json",
        "purchases": "deny",
        "lists_unchanged": True,
        "settings": (Setting(key="limits", value='{"extensions": 100}'), Setting(key="purchases", value="deny")),
        "pbxs": tuple(sorted(pbxs, key=lambda pbx: pbx.name)),
    }
    return Stack(**(fields | given))


def nothing() -> Review:
    return Review(stacks=(stack([pbx(0, "satisfied")]),))


def one_purchase() -> Review:
    """The purchase of the README, of which no price is known."""
    hq = pbx(
        0,
        "buys",
        name="hq",
        has={"extensions": 50, "concurrent_calls": 12},
        to_buy={"extensions": 200, "concurrent_calls": 48},
        declared={"extensions": 250, "concurrent_calls": 60},
        price=None,
    )
    return Review(stacks=(stack([hq]),))


def every_state() -> Review:
    """Twelve PBXs in all states, use known of some, one limit failed and two passed, one price unknown."""
    names = ("berlin", "clinic-north", "geneva", "hq", "lyon", "porto", "turin", "vienna", "warehouse")
    states: tuple[State, ...] = ("buys", "buys", "refused", "buys", "short", "unconfirmed", "unreadable", "removed")
    pbxs = [pbx(7 * index + 3, state, name=names[index]) for index, state in enumerate(states)]
    pbxs[1] = pbxs[1].model_copy(update={"price": None})
    pbxs += [pbx(number, "satisfied") for number in range(20, 24)]
    pbxs = [
        known.model_copy(update={"used": {count: have * 3 // 4 for count, have in known.has.items()}})
        if index % 3 != 1
        else known
        for index, known in enumerate(pbxs)
    ]
    limits = (
        Limit(name="extensions", limit="120", bought="150", passed=False, reason="30 above the limit"),
        Limit(name="concurrentCalls", limit="100", bought="24", passed=True),
        Limit(name="amount", limit="500.00 USD", bought="250.00 USD and 1 unknown", passed=False),
    )
    return Review(stacks=(stack(pbxs),), limits=limits)


def many_stacks() -> Review:
    """Four stacks: one that buys, one where nothing is to buy, one that failed, one with purchases on."""
    buys = stack([pbx(number, "buys") for number in range(3)], name="acme")
    quiet = stack([pbx(number, "satisfied") for number in range(10, 14)], name="globex")
    failed = stack(
        [], name="initech.json", project="", errors=("error: the portal refused the credentials\nrequestId 17",)
    )
    on = stack([pbx(30, "buys"), pbx(31, "refused")], name="umbrella", purchases="allow", plan=None)
    return Review(stacks=(buys, quiet, failed, on))


def hostile() -> Review:
    """Every text that comes from elsewhere tries to be more than text."""
    pbxs = [
        pbx(
            number,
            "buys",
            name=text,
            reason=text,
            on_order=(Order(number=text, status=text, quantities={"extensions": 1}, age=text),),
        )
        for number, text in enumerate(HOSTILE_NAMES)
    ]
    texts = HOSTILE_NAMES
    settings = tuple(Setting(key=text, value=text) for text in texts)
    worst = stack(pbxs, name=texts[0], project=texts[1], file=texts[3], errors=texts, problems=texts, settings=settings)
    return Review(stacks=(worst, stack([pbx(50, "short", name=texts[4])], name=texts[5])))


def thousand() -> Review:
    """1,000 PBXs in one stack, of which 600 buy."""
    states: tuple[State, ...] = ("buys", "buys", "buys", "satisfied", "satisfied")
    used = {"extensions": 31, "concurrent_calls": 5}
    return Review(stacks=(stack(pbx(number, states[number % 5], used=used) for number in range(1000)),))


def large_numbers() -> Review:
    """Counts as a large PBX has them, and such as only a forged preview holds."""
    counts = {"extensions": 54321, "concurrent_calls": 43210}
    buying = pbx(0, "buys", has=counts, used=counts, to_buy=counts, declared=dict.fromkeys(counts, 99999))
    forged = dict.fromkeys(counts, 1_000_000_000)
    return Review(stacks=(stack([buying, pbx(1, "buys", has=forged, used=forged, to_buy=forged, declared=forged)]),))


CASES = {
    "nothing": nothing,
    "one purchase": one_purchase,
    "every state": every_state,
    "many stacks": many_stacks,
    "hostile names": hostile,
    "1,000 PBXs": thousand,
    "large numbers": large_numbers,
}
