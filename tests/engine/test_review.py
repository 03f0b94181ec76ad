"""Previews of the real engine, as a review reads them, and as `tests/review/previews` keeps them.

`YSPARTNER_UPDATE=1 pytest tests/engine/test_review.py` records those files anew; without it, this test holds that what
the engine and the program write today still has their shape.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from engine_stack import Stack, succeeded

from pulumi_yspartner.review.reading import load
from pulumi_yspartner.sandbox import Fault

RECORDED = Path(__file__).parents[1] / "review" / "previews"
UPDATE = bool(os.environ.get("YSPARTNER_UPDATE"))

NAMES = ("branch", "depot", "down", "gone", "hq", "late", "moved", "paid", "shrunk")
SERIALS = {name: f"3651D33000{number:02}" for number, name in enumerate(NAMES)}
MOVED_TO = "3651D3309999"

NOISE = (
    "__provider",
    "created",
    "duration",
    "modified",
    "propertyDependencies",
    "seed",
    "sourcePosition",
    "stackTrace",
)
"""What no review reads, and what differs from machine to machine."""


def declared(**extensions: int) -> dict[str, dict[str, Any]]:
    """All of these PBXs with 12 concurrent calls."""
    return {
        name: {"serial_number": SERIALS[name], "extensions": floor, "concurrent_calls": 12}
        for name, floor in extensions.items()
    }


def recorded(stack: Stack, name: str, *arguments: str) -> Path:
    """Run a preview, keep what it wrote, and return the file."""
    result = stack.run("preview", "--json", "--show-sames", "--save-plan", f"{name}.plan.json", *arguments)
    file = stack.folder / f"{name}.json"
    file.write_text(result.output)
    return file


def without_noise(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_noise(each) for key, each in sorted(value.items()) if key not in NOISE}
    return [without_noise(each) for each in value] if isinstance(value, list) else value


def shape(value: Any, key: str = "") -> Any:
    """What is left when numbers, prices, times and ids may be any: keys, kinds, and the words of messages."""
    if isinstance(value, dict):
        return {name: shape(each, name) for name, each in sorted(value.items())}
    if isinstance(value, list):
        return sorted((shape(each) for each in value), key=json.dumps)
    if isinstance(value, str):
        words = re.sub(r"YS-[A-Z2-7]{12}", "YS-", value)
        words = re.sub(r"price (unknown|[\d.]+ [A-Z]{3})", "price", words)
        return re.sub(r"\d+", "0", words) if key in ("message", "op", "urn", "severity", "refused") else "text"
    return type(value).__name__


def hold_or_record(file: Path) -> None:
    """A preview or plan has the shape of the recorded one."""
    content = without_noise(json.loads(file.read_text()))
    for key in ("steps", "diagnostics"):
        content[key] = sorted(content[key], key=json.dumps) if key in content else None
    content = {key: value for key, value in content.items() if value is not None}
    kept = RECORDED / file.name
    if UPDATE:
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(content, indent=1, sort_keys=True) + "\n")
    assert shape(json.loads(kept.read_text())) == shape(content)


@pytest.fixture
def fleet(stack: Stack) -> Stack:
    """Nine PBXs that have what is declared, except that one waits for payment of an order."""
    stack.portal.pbxs.clear()
    for serial in (*SERIALS.values(), MOVED_TO):
        stack.portal.add_pbx(serial, extensions=50, concurrent_calls=12)
    stack.portal.behaviour.order_status = "pending"
    stack.fleet(EVERYTHING)
    succeeded(stack.up())
    return stack


EVERYTHING = declared(**(dict.fromkeys(NAMES, 50) | {"paid": 60}))
del EVERYTHING["hq"]


def test_a_recorded_preview_of_everything_has_the_shape_of_todays(fleet: Stack) -> None:
    stack = fleet
    with_trouble(stack)
    preview = recorded(stack, "everything")
    hold_or_record(preview)
    hold_or_record(preview.with_suffix(".plan.json"))

    review = load([preview], [preview.with_suffix(".plan.json")])
    assert review.ok
    assert {state: number for state, number in review.counts.items() if number} == {
        "buys": 2,
        "short": 2,
        "unconfirmed": 1,
        "unreadable": 1,
        "satisfied": 2,
        "removed": 2,
    }
    assert review.totals.quantities == {"extensions": 205}
    assert stack.portal.count("order.save") == 2, "of the fixture, and the one that was cut"

    without_sames = stack.folder / "without_sames.json"
    without_sames.write_text(stack.run("preview", "--json").output)
    [told] = load([without_sames]).stacks
    assert {pbx.name for pbx in told.in_state("short", "unconfirmed", "unreadable")} == {
        "paid",
        "shrunk",
        "late",
        "down",
    }, "what is wrong is told of PBXs that don't change, too"


def with_trouble(stack: Stack) -> dict[str, dict[str, Any]]:
    """One of each: a new purchase, a raise, a removal, a replacement, a short, an unconfirmed and an unreadable PBX.
    What is declared."""
    stack.settings(PURCHASES="allow", TIMEOUT="1")
    stack.portal.faults.add(Fault("order.save", "cut_before"))
    stack.fleet({**EVERYTHING, **declared(late=60)})
    stack.up()
    stack.settings(PURCHASES=None)
    stack.portal.set_counts(SERIALS["shrunk"], extensions=40)
    stack.portal.faults.add(Fault("product.detail", "html", times=None, serial_number=SERIALS["down"]))
    mixed = {**EVERYTHING, **declared(late=60, hq=250, depot=55)}
    mixed["moved"] = {**mixed["moved"], "serial_number": MOVED_TO}
    del mixed["gone"]
    stack.fleet(mixed)
    return mixed


def test_more_pbxs_than_there_are_messages_are_all_said_and_reviewed(stack: Stack) -> None:
    """Beyond the first 50, lines share one message; none is left out."""
    stack.portal.pbxs.clear()
    for number in range(55):
        stack.portal.add_pbx(f"3651D33001{number:02}", extensions=50, concurrent_calls=12)
    stack.fleet(
        {
            f"pbx{number:02}": {"serial_number": f"3651D33001{number:02}", "extensions": 51 + number}
            for number in range(55)
        }
    )
    preview = recorded(stack, "fifty_five")

    messages = [each["message"] for each in json.loads(preview.read_text())["diagnostics"]]
    assert len(messages) == 52, "50, the rest, and the total"
    said = "".join(messages)
    assert all(f"buy {1 + number} extension" in said and f"3651D33001{number:02}" in said for number in range(55))
    review = load([preview], [preview.with_suffix(".plan.json")])
    assert review.ok
    assert review.counts["buys"] == 55
    assert f"; price {review.totals.price.words}\n" in messages[-1], "the prices of all lines are read"


@pytest.mark.deep
def test_the_other_recorded_previews_have_the_shape_of_todays(fleet: Stack) -> None:
    stack = fleet
    stack.settings(PURCHASES=None)
    nothing = recorded(stack, "nothing")
    hold_or_record(nothing)
    assert not load([nothing]).in_state("buys", "refused", "removed")

    stack.fleet({**EVERYTHING, **declared(hq=250)})
    one = recorded(stack, "one_purchase")
    hold_or_record(one)
    hold_or_record(one.with_suffix(".plan.json"))

    mixed = with_trouble(stack)
    stack.fleet({**mixed, **declared(paid=70, branch=40)})
    refused = recorded(stack, "refused")
    hold_or_record(refused)
    assert not refused.with_suffix(".plan.json").exists(), "a preview that fails saves no plan"
    assert load([refused]).counts["refused"] == 2

    stack.fleet(declared(branch=0))  # beside others, what is said of them until this stops the run is chance
    failed = recorded(stack, "failed")
    hold_or_record(failed)
    [stack_with_error] = load([failed]).stacks
    assert "extensions must be at least 1, and 0 is not" in stack_with_error.errors[0]
