"""The newest code reads, refreshes, updates and destroys what each released version left in a stack's state."""

from __future__ import annotations

import importlib.metadata
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from engine_stack import Stack, succeeded
from making import make

from pulumi_yspartner.model import DECLARED

SHAPES = sorted(Path(__file__).parent.glob("*.json"))
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")

Resources = dict[str, dict[str, Any]]
"""The PBXs of a state, by the names they have in the program."""


def recent(text: str) -> str:
    """The same state, as if it had been made an hour ago: what an order means depends on its age."""
    made = max(datetime.fromisoformat(found) for found in TIME.findall(text))
    older = datetime.now(UTC) - timedelta(hours=1) - made
    return TIME.sub(lambda found: f"{datetime.fromisoformat(found[0]) + older:%Y-%m-%dT%H:%M:%SZ}", text)


def resources_of(state: Mapping[str, Any]) -> Resources:
    return {
        each["urn"].rpartition("::")[2]: each
        for each in state["deployment"]["resources"]
        if each["type"].endswith(":PbxCapacity")
    }


def declared(resources: Resources) -> Resources:
    """The program that the state came from."""
    return {
        name: {key: each["inputs"][key] for key in DECLARED if key in each["inputs"]}
        for name, each in resources.items()
    }


def furnish(stack: Stack, resources: Resources) -> None:
    """Let the portal have what the state says of it."""
    portal = stack.portal
    for each in resources.values():
        outputs = each["outputs"]
        portal.add_pbx(each["id"], **outputs["capacity"])
        portal.behaviour.landing = "manual" if outputs["status"] == "ordered" else "instant"
        for order in outputs["orders"]:
            if "order_no" in order:
                portal.place_elsewhere(
                    each["id"],
                    extensions=order.get("extensions", 0),
                    concurrent_calls=order.get("concurrent_calls", 0),
                    status=order["status"],
                    po_number=order["reference"],
                    order_no=order["order_no"],
                    age_hours=1,
                )
        portal.set_counts(each["id"], **outputs["capacity"])
    portal.behaviour.landing = "instant"


def statuses(stack: Stack, names: Resources) -> dict[str, str]:
    return {name: stack.outputs(name)["status"] for name in names}


@pytest.fixture(params=SHAPES, ids=lambda file: file.stem)
def resources(request: pytest.FixtureRequest, stack: Stack) -> Resources:
    """The PBXs of a state of that version, imported into the stack, with the program and the portal it came from."""
    text = recent(request.param.read_text())
    found = resources_of(json.loads(text))
    file = stack.folder / "imported.json"
    file.write_text(text)
    succeeded(stack.run("stack import", "--file", str(file)))
    furnish(stack, found)
    stack.fleet(declared(found))
    return found


def test_every_status_is_among_what_is_kept() -> None:
    for file in SHAPES:
        outputs = [each["outputs"] for each in resources_of(json.loads(file.read_text())).values()]
        assert {each["status"] for each in outputs} == {
            "satisfied",
            "ordered",
            "awaiting_payment",
            "unconfirmed",
            "short",
        }
        orders = {order["status"] for each in outputs for order in each["orders"]}
        assert orders >= {"succeed", "pending", "cancelled", "unconfirmed", "counted", "never_placed"}


def test_an_old_state_is_read_refreshed_updated_and_destroyed(stack: Stack, resources: Resources) -> None:
    portal = stack.portal
    before = statuses(stack, resources)

    # An unchanged program buys nothing, and only what was left open is looked for.
    preview = succeeded(stack.preview())
    changed = {name for name, row in preview.rows.items() if "update" in row} - {"fleet-dev"}
    assert changed == {"unconfirmed"}, preview
    assert "would buy" not in preview, preview

    # A refresh finds what the state says.
    kept = {name: stack.outputs(name) for name in resources}
    succeeded(stack.refresh())
    assert {name: stack.outputs(name) for name in resources} == kept
    assert statuses(stack, resources) == before

    # Time goes on: what was open is paid, counted and found.
    numbers = {name: order["order_no"] for name in ("ordered", "awaiting_payment") for order in kept[name]["orders"]}
    portal.land(numbers["ordered"])
    portal.pay(numbers["awaiting_payment"])
    [lost] = kept["unconfirmed"]["orders"]
    portal.place_elsewhere(resources["unconfirmed"]["id"], extensions=lost["extensions"], po_number=lost["reference"])
    succeeded(stack.up("--refresh"))
    assert statuses(stack, resources) == {
        name: "satisfied" if status != "short" else "short" for name, status in before.items()
    }
    assert portal.purchases == 0

    # Raised counts, and what is asked for again, are bought once.
    program = declared(resources)
    program["satisfied"]["extensions"] += 50
    program["has_enough"]["extensions"] += 10
    program["short"]["reorder"] = "it was cancelled by mistake"
    stack.fleet(program)
    up = succeeded(stack.up())
    assert portal.purchases == 3, up
    bought = {order.serial_number: order.extensions for order in portal.orders if order.via == "api"}
    assert bought == {
        resources[name]["id"]: quantity for name, quantity in (("satisfied", 50), ("has_enough", 10), ("short", 10))
    }

    succeeded(stack.destroy())
    assert stack.resources == []
    assert portal.purchases == 3


def shape(value: Any) -> Any:
    """Names and kinds, without the values."""
    match value:
        case dict():
            return {key: shape(each) for key, each in value.items()}
        case list():
            return [shape(each) for each in value]
        case _:
            return type(value).__name__


@pytest.mark.deep
def test_the_shape_that_this_version_writes_is_the_one_that_is_kept(pulumi_cli: Path, tmp_path: Path) -> None:
    version = importlib.metadata.version("pulumi_yspartner")
    file = Path(__file__).parent / f"{version}.json"
    assert file.exists(), f"make the shape of {version}, as README.md says"
    kept, made = (resources_of(state) for state in (json.loads(file.read_text()), make(tmp_path, pulumi_cli)))
    assert {name: (shape(each["inputs"]), shape(each["outputs"])) for name, each in made.items()} == {
        name: (shape(each["inputs"]), shape(each["outputs"])) for name, each in kept.items()
    }, "the state's shape has changed, see README.md"
