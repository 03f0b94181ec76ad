"""`preview --save-plan`, a review, and `up --plan`: what was reviewed is bought, or nothing."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner
from engine_stack import BRANCH, DEPOT, HQ, Result, Stack, refused, succeeded

from pulumi_yspartner.cli import main
from pulumi_yspartner.sandbox import Fault

PLAN = "plan.json"


def save_plan(stack: Stack) -> Result:
    """Preview as a job without permission to spend does."""
    stack.settings(PURCHASES=None)
    preview = succeeded(stack.preview("--save-plan", PLAN))
    stack.settings(PURCHASES="allow")
    return preview


def apply_plan(stack: Stack) -> Result:
    return stack.up("--plan", PLAN)


def edit_plan(stack: Stack, **quantities: int) -> None:
    """Make a plan buy something else, as somebody may who gets hold of it."""
    file = stack.folder / PLAN
    plan = json.loads(file.read_text())
    [adds] = [
        resource["goal"]["inputDiff"]["adds"]
        for urn, resource in plan["resourcePlans"].items()
        if urn.endswith(":PbxCapacity::hq")
    ]
    adds["purchase"] |= quantities
    file.write_text(json.dumps(plan))


def test_a_saved_plan_buys_what_was_reviewed_and_only_once(stack: Stack) -> None:
    stack.declare(extensions=250, concurrent_calls=60)
    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in save_plan(stack).rows["hq"]
    assert stack.portal.purchases == 0

    succeeded(apply_plan(stack))
    [order] = stack.portal.orders
    assert (order.extensions, order.concurrent_calls) == (200, 48)

    again = apply_plan(stack)
    assert "Traceback" not in again
    assert stack.portal.purchases == 1
    succeeded(stack.preview("--expect-no-changes"))


def test_a_saved_plan_is_refused_when_the_pbx_moved(stack: Stack) -> None:
    stack.declare(extensions=250)
    save_plan(stack)
    stack.portal.set_counts(HQ, extensions=70)

    result = apply_plan(stack)

    assert result.code != 0
    assert "violates plan" in result
    assert "Traceback" not in result
    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    assert stack.resources == []


@pytest.mark.deep
def test_a_saved_plan_is_refused_when_the_pbx_got_what_was_missing(stack: Stack) -> None:
    stack.declare(extensions=250)
    save_plan(stack)
    stack.portal.set_counts(HQ, extensions=250)

    assert apply_plan(stack).code != 0
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.deep
def test_a_saved_raise_is_refused_when_the_pbx_moved(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.declare(extensions=60)
    save_plan(stack)
    stack.portal.set_counts(HQ, extensions=45)

    assert apply_plan(stack).code != 0
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.parametrize(
    "changed", ["the declaration", "the plan", pytest.param("both", marks=pytest.mark.deep)], ids=lambda each: each[-4:]
)
def test_a_plan_for_50_extensions_cannot_buy_51(stack: Stack, changed: str) -> None:
    stack.declare(extensions=100)
    assert "buy 50 extensions (50 -> 100)" in save_plan(stack).rows["hq"]
    if changed != "the plan":
        stack.declare(extensions=101)
    if changed != "the declaration":
        edit_plan(stack, extensions=51)

    result = apply_plan(stack)

    assert result.code != 0
    assert "Traceback" not in result
    assert stack.portal.count("order.save") == stack.portal.purchases == 0
    assert stack.resources == []


@pytest.mark.deep
def test_a_saved_raise_is_bought_only_once(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.declare(extensions=60)
    save_plan(stack)

    succeeded(apply_plan(stack))
    apply_plan(stack)

    [order] = stack.portal.orders
    assert order.extensions == 10
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_saved_plan_is_refused_while_purchases_are_off(stack: Stack) -> None:
    stack.declare(extensions=60)
    save_plan(stack)
    stack.settings(PURCHASES=None)

    refused(apply_plan(stack), "purchases are off")
    assert stack.portal.count("order.save") == stack.portal.purchases == 0


@pytest.mark.parametrize(
    "what",
    [pytest.param("grew", marks=pytest.mark.deep), pytest.param("shrank", marks=pytest.mark.deep), "became unreadable"],
)
def test_a_neighbour_with_nothing_to_buy_does_not_refuse_the_plan(stack: Stack, what: str) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    branch = {"serial_number": BRANCH, "extensions": 100}
    stack.fleet({"branch": branch})
    succeeded(stack.up())
    stack.fleet({"hq": {"serial_number": HQ, "extensions": 60}, "branch": branch})
    save_plan(stack)
    if what == "became unreadable":
        stack.portal.faults.add(Fault("product.detail", "html", times=None, serial_number=BRANCH))
    else:
        stack.portal.set_counts(BRANCH, extensions=120 if what == "grew" else 80)

    up = succeeded(apply_plan(stack))

    [order] = stack.portal.orders
    assert (order.serial_number, order.extensions) == (HQ, 10)
    assert stack.portal.purchases == 1
    said = {"grew": "", "shrank": "short: has 80 of 100 extensions", "became unreadable": "could not be read"}[what]
    assert said in up.rows.get("branch", "")


@pytest.mark.deep
def test_a_purchase_of_this_run_does_not_disturb_the_plan_of_another_pbx(stack: Stack) -> None:
    """Two purchases in one plan: both are bought, each once."""
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "branch": {"serial_number": BRANCH, "concurrent_calls": 30},
        }
    )
    plan = save_plan(stack)
    assert "2 of 2 PBXs would buy: 10 extensions, 5 concurrent calls" in plan.rows["fleet-dev"]

    succeeded(apply_plan(stack), "ordered for 2 of 2 PBXs: 10 extensions, 5 concurrent calls")
    bought = {order.serial_number: (order.extensions, order.concurrent_calls) for order in stack.portal.orders}
    assert bought == {HQ: (10, 0), BRANCH: (0, 5)}
    assert stack.portal.purchases == 2


@pytest.mark.deep
def test_where_one_pbx_moved_the_outcome_says_what_became_of_every_other(stack: Stack) -> None:
    """Pulumi stops at the PBX that no longer fits; which ones it has reached by then is up to it."""
    fleet = {"hq": HQ, "branch": BRANCH, "depot": DEPOT}
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=20, concurrent_calls=10)
    stack.fleet({name: {"serial_number": serial, "extensions": 250} for name, serial in fleet.items()})
    save_plan(stack)
    stack.portal.set_counts(HQ, extensions=70)

    up = stack.folder / "up.jsonl"
    up.write_text(stack.up("--plan", PLAN, "--continue-on-error", "--json").output)
    said = CliRunner().invoke(main, ["outcome", str(up), "--plan", str(stack.folder / PLAN)])

    assert said.exit_code == 1, said.output
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (ordered|not as reviewed|not reached)", said.output, re.MULTILINE))
    ordered = {order.serial_number for order in stack.portal.orders}
    assert rows == {
        "hq": "not as reviewed",
        "branch": "ordered" if BRANCH in ordered else "not reached",
        "depot": "ordered" if DEPOT in ordered else "not reached",
    }
    assert stack.portal.purchases == len(ordered) == list(rows.values()).count("ordered")
