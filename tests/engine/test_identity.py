"""Serial numbers, replacing, renaming, and the ways in which Pulumi makes a resource look new."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from engine_stack import BRANCH, HQ, Stack, succeeded

from pulumi_yspartner.cli import main


@pytest.mark.deep
def test_a_serial_number_is_normalised(stack: Stack) -> None:
    stack.declare(serial_number=f"  {HQ.lower()} ", extensions=60)
    succeeded(stack.up())

    assert stack.resource()["id"] == stack.outputs()["serial_number"] == HQ
    assert stack.portal.orders[0].serial_number == HQ
    stack.declare(serial_number=HQ, extensions=60)
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_new_serial_number_replaces_and_buys_for_the_new_pbx_only_if_it_is_short(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.declare(serial_number=HQ, extensions=60)
    succeeded(stack.up())
    stack.declare(serial_number=BRANCH, extensions=60)

    up = succeeded(stack.up(), f"{HQ}: no longer managed here", "stays billed")
    assert stack.resource()["id"] == BRANCH
    assert stack.outputs()["orders"] == []
    assert "nothing to buy" in up.rows["hq"] or "buy" not in up.rows["hq"]
    assert stack.portal.purchases == 1

    stack.portal.set_counts(HQ, extensions=55)
    stack.portal.order(stack.portal.orders[0].order_no).created -= 3 * 24 * 3600
    stack.declare(serial_number=HQ, extensions=60)
    preview = succeeded(stack.preview())
    assert "replace" in preview.rows["hq"]
    assert "buy 5 extensions (55 -> 60)" in preview.rows["hq"]
    succeeded(stack.up())
    assert [(order.serial_number, order.extensions) for order in stack.portal.orders] == [(HQ, 10), (HQ, 5)]
    assert stack.portal.purchases == 2


@pytest.mark.deep
def test_an_update_that_replaces_a_pbx_and_buys_for_the_new_one_is_told_so(stack: Stack, tmp_path: Path) -> None:
    stack.portal.add_pbx(BRANCH, extensions=50, concurrent_calls=12)
    stack.declare(serial_number=HQ, extensions=50)
    succeeded(stack.up())
    stack.declare(serial_number=BRANCH, extensions=60)
    events = tmp_path / "up.jsonl"
    events.write_text(succeeded(stack.up("--json")).output)

    told = CliRunner().invoke(main, ["outcome", str(events)])

    assert told.exit_code == 0, told.output
    assert "1 of 1 approved purchase ordered" in told.output
    assert BRANCH in told.output


def test_a_forced_replace_of_a_satisfied_pbx_buys_nothing(stack: Stack) -> None:
    stack.declare(extensions=60)
    succeeded(stack.up())
    [order] = stack.portal.orders

    succeeded(stack.up("--target-replace", stack.resource()["urn"]))
    succeeded(stack.run("state taint", stack.resource()["urn"], "--yes"))
    succeeded(stack.up())

    assert [each["order_no"] for each in stack.outputs()["orders"]] == [order.order_no]
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_renaming_or_recreating_a_resource_buys_nothing(stack: Stack) -> None:
    stack.declare("hq", extensions=60)
    succeeded(stack.up())

    stack.declare("headquarters", extensions=60)
    succeeded(stack.up())
    assert [each["id"] for each in stack.resources] == [HQ]

    succeeded(stack.destroy())
    succeeded(stack.up())
    assert stack.outputs("headquarters")["status"] == "satisfied"
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_an_update_with_a_target_buys_for_the_target_only(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.fleet({"hq": {"serial_number": HQ, "extensions": 50}, "branch": {"serial_number": BRANCH, "extensions": 100}})
    succeeded(stack.up())
    stack.fleet({"hq": {"serial_number": HQ, "extensions": 60}, "branch": {"serial_number": BRANCH, "extensions": 110}})

    succeeded(stack.up("--target", stack.resource("hq")["urn"]))
    assert [order.serial_number for order in stack.portal.orders] == [HQ]
    assert stack.outputs("branch")["extensions"] == 100

    succeeded(stack.up())
    assert [order.serial_number for order in stack.portal.orders] == [HQ, BRANCH]
    assert stack.portal.purchases == 2
