"""What an update did, from its events: every fate of a purchase, and what is said of it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from pulumi_yspartner.cli import main

STACK = "urn:pulumi:customer-a::pbxs::pulumi:pulumi:Stack::pbxs-customer-a"
TYPE = "pulumi-python:dynamic/yspartner:PbxCapacity"
STARTED = 1795573942  # 2026-11-25T02:32:22Z
PURCHASE = {
    "summary": "buy 200 extensions (50 -> 250)",
    "extensions": 200,
    "concurrent_calls": 0,
    "billing_contact_id": "3197218168379846218",
    "plan_id": "3049040650094403584",
    "reference": "YS-WQ5GEUJSTJNV",
}
BOUND = {"serial_number": "3651D3296882", "extensions": 250, "observed": {"extensions": 50}, "purchase": PURCHASE}
ORDER = {
    "order_no": "OQ3206269349344047104",
    "reference": "YS-WQ5GEUJSTJNV",
    "status": "succeed",
    "extensions": 200,
    "extensions_before": 50,
    "time": "2026-11-25T02:32:23Z",
}


def urn(name: str) -> str:
    return f"urn:pulumi:customer-a::pbxs::{TYPE}::{name}"


def begun(name: str = "hq", **inputs: Any) -> dict[str, Any]:
    new = {"inputs": {**BOUND, **inputs}, "outputs": {}}
    return {"resourcePreEvent": {"metadata": {"op": "create", "urn": urn(name), "type": TYPE, "new": new}}}


def done(status: str, *orders: dict[str, Any], name: str = "hq") -> dict[str, Any]:
    new = {"inputs": BOUND, "outputs": {"status": status, "orders": list(orders)}}
    return {"resOutputsEvent": {"metadata": {"op": "create", "urn": urn(name), "type": TYPE, "new": new}}}


def error(message: str, urn: str) -> dict[str, Any]:
    return {"diagnosticEvent": {"urn": urn, "prefix": "error: ", "message": f"{message}\n\n", "severity": "error"}}


def result(how: str = "succeeded") -> dict[str, Any]:
    return {"summaryEvent": {"result": how}}


def plan(*names: str, **changes: Any) -> bytes:
    goal = {"inputDiff": {"adds": {**BOUND, **changes}}}
    resources: dict[str, Any] = {urn(name): {"goal": goal, "steps": ["create"], "state": BOUND} for name in names}
    resources[STACK] = {"goal": {"inputDiff": {}}, "steps": ["same"], "state": {}}
    return json.dumps({"manifest": {"time": "2026-11-25T02:30:00Z"}, "resourcePlans": resources}).encode()


def outcome(folder: Path, *events: dict[str, Any], plan: bytes | None = None, rest: str = "") -> Result:
    prelude = {"preludeEvent": {"config": {}}}
    lines = [{"sequence": n, "timestamp": STARTED, **event} for n, event in enumerate((prelude, *events))]
    (folder / "up.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines) + rest)
    arguments = ["outcome", str(folder / "up.jsonl")]
    if plan is not None:
        (folder / "plan.json").write_bytes(plan)
        arguments += ["--plan", str(folder / "plan.json")]
    return CliRunner().invoke(main, arguments)


def row(said: Result, name: str = "hq") -> list[str]:
    """What stands in the table about one PBX: approved, outcome, and more."""
    [found] = [line for line in said.output.splitlines() if line.startswith(f"| `{name}` |")]
    return [cell.strip(" `|") for cell in found.split(" | ")[2:]]


def test_everything_was_ordered(tmp_path: Path) -> None:
    said = outcome(tmp_path, begun(), done("satisfied", ORDER), result(), plan=plan("hq"))

    assert said.exit_code == 0, said.output
    assert "✅ Stack `customer-a`: 1 of 1 approved purchase ordered" in said.output
    assert row(said) == ["buy 200 extensions (50 -> 250)", "ordered", "OQ3206269349344047104, succeed"]
    assert "Plan of `2026-11-25T02:30:00Z`, SHA-256 `" in said.output
    assert "next" not in said.output


def test_an_order_that_waits_for_payment_is_no_failure(tmp_path: Path) -> None:
    said = outcome(tmp_path, begun(), done("awaiting_payment", {**ORDER, "status": "pending"}), result())

    assert said.exit_code == 0
    assert row(said)[1] == "ordered, waits"
    assert "usually for payment" in said.output


def test_an_order_of_an_earlier_run_is_told_from_a_new_one(tmp_path: Path) -> None:
    earlier = {**ORDER, "time": "2026-11-25T01:00:00Z"}
    said = outcome(tmp_path, begun(), done("awaiting_payment", earlier), result())

    assert said.exit_code == 0
    assert row(said)[1] == "ordered before"
    assert "nothing more was ordered" in said.output


@pytest.mark.parametrize(
    ("status", "order_status", "outcome_said", "advice"),
    [
        ("unconfirmed", "unconfirmed", "**UNCONFIRMED**", "look for the order in the portal"),
        ("short", "failed", "ordered, came to nothing", "change `reorder`"),
    ],
)
def test_an_order_that_needs_a_person_is_a_failure_although_the_update_succeeded(
    tmp_path: Path, status: str, order_status: str, outcome_said: str, advice: str
) -> None:
    said = outcome(tmp_path, begun(), done(status, {**ORDER, "status": order_status}), result(), plan=plan("hq"))

    assert said.exit_code == 1
    assert row(said)[1] == outcome_said
    assert advice in said.output


def test_a_refused_order_and_one_that_was_never_reached(tmp_path: Path) -> None:
    refusal = "yspartner: 3651D3296882: the portal refused the order: no (status 400). Nothing was bought."
    said = outcome(tmp_path, begun(), error(refusal, urn("hq")), result("failed"), plan=plan("hq", "depot"))

    assert said.exit_code == 1
    assert "❌ Stack `customer-a`: 0 of 2 approved purchases ordered" in said.output
    assert row(said)[1:] == ["refused; this run bought nothing", "the portal refused the order: no (status 400)"]
    assert row(said, "depot")[1] == "not reached; this run bought nothing"
    assert "Ask for a new review" in said.output


def test_an_error_that_does_not_say_that_nothing_was_bought_is_never_taken_for_it(tmp_path: Path) -> None:
    lost = error("the provider is gone", urn("hq"))
    said = outcome(tmp_path, begun(), lost, result("failed"), plan=plan("hq"))

    assert said.exit_code == 1
    assert row(said)[1] == "**NOT KNOWN**"
    assert "it is not known whether an order was placed" in said.output
    assert "look at its orders in the portal" in said.output


def test_an_order_that_the_run_did_not_finish_is_never_taken_for_nothing(tmp_path: Path) -> None:
    said = outcome(tmp_path, begun(), plan=plan("hq", "depot"), rest='{"sequence": 9, "resOutp')

    assert said.exit_code == 1
    assert "the update was cut off; it is not known whether an order was placed" in said.output
    assert row(said)[1] == "**NOT KNOWN**"
    assert row(said, "depot")[1] == "not reached; this run bought nothing"


def test_a_plan_that_no_longer_fits_says_what_moved(tmp_path: Path) -> None:
    moved = f"resource {urn('hq')} violates plan: properties changed: ++observed[{{map[extensions:{{50}}]}}!="
    refusal = error(f"{moved}{{map[extensions:{{70}}]}}]", urn("hq"))
    said = outcome(tmp_path, refusal, result("failed"), plan=plan("hq"))

    assert said.exit_code == 1
    assert row(said)[1:] == [
        "not as reviewed; this run bought nothing",
        "it has 70 extensions now, and had 50 in the review",
    ]
    assert "map[" not in said.output


def test_a_pbx_that_nobody_reviewed(tmp_path: Path) -> None:
    unplanned = error("create is not allowed by the plan: no steps were expected for this resource", urn("new"))
    said = outcome(tmp_path, begun(), done("satisfied", ORDER), unplanned, result("failed"), plan=plan("hq"))

    assert said.exit_code == 1
    assert row(said, "new")[0] == "nothing"
    assert "nobody reviewed it" in said.output


def test_errors_of_the_whole_stack(tmp_path: Path) -> None:
    providers = "urn:pulumi:customer-a::pbxs::pulumi:providers:pulumi-python::default"
    config = f"resource {providers} violates plan: properties changed: =+yspartner:purchases[{{allow}}]"
    said = outcome(
        tmp_path,
        error(config, providers),
        error("update failed", ""),
        error("1 of 2 PBXs was refused", ""),
        result("x"),
    )

    assert said.exit_code == 1
    assert "- `the stack's configuration is not that of the review: yspartner:purchases`\n" in said.output
    assert "- `1 of 2 PBXs was refused`\n" in said.output
    assert "update failed" not in said.output


def test_an_update_that_did_not_begin(tmp_path: Path) -> None:
    (tmp_path / "up.jsonl").write_text("")
    said = CliRunner().invoke(main, ["outcome", str(tmp_path / "up.jsonl")])

    assert said.exit_code == 1
    assert "the update did not begin, so nothing was bought" in said.output


def test_what_the_plan_binds_counts_and_not_the_copy_beside_it(tmp_path: Path) -> None:
    said = outcome(tmp_path, result("failed"), plan=plan("hq", purchase={**PURCHASE, "summary": "buy 9 extensions"}))

    assert row(said)[0] == "buy 9 extensions"


@pytest.mark.parametrize(
    "content", ["error: the stack is locked\n", '{"steps": []}', "[]", '{"sequence": 1, "diagnosticEvent": 7}']
)
def test_a_file_that_is_no_output_of_an_update(tmp_path: Path, content: str) -> None:
    (tmp_path / "up.jsonl").write_text(content)
    said = CliRunner().invoke(main, ["outcome", str(tmp_path / "up.jsonl")])

    assert said.exit_code == 2
    assert "up.jsonl is not the output of `pulumi up --json`" in said.output


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"manifest": {"time": "x"}, "resourcePlans": {"a::b::c::d": 1}}'])
def test_a_file_that_is_no_plan(tmp_path: Path, content: str) -> None:
    said = outcome(tmp_path, result(), plan=content.encode())

    assert said.exit_code == 2
    assert re.search("plan.json is (not|empty.*) a plan of `pulumi preview --save-plan`", said.output)


def test_hostile_text_neither_formats_nor_commands(tmp_path: Path) -> None:
    name = "hq|<img src=x>\n::error::[x](http://evil)*"
    said = outcome(tmp_path, error("bad\n::set-output::`x`", urn(name)), result("failed"), plan=plan(name))

    [line] = [line for line in said.output.splitlines() if line.startswith("| `hq")]
    assert line.startswith(r"| `hq\|<img src=x>\x0a::error::[x](http://evil)*` | `3651D3296882` |")
    assert "`` bad ::set-output::`x` ``" in line
    assert not any(line.lstrip().startswith("::") for line in said.output.splitlines())


def test_a_pbx_that_takes_the_place_of_another_keeps_its_order(tmp_path: Path) -> None:
    forgotten = {"resOutputsEvent": {"metadata": {"op": "delete-replaced", "urn": urn("hq"), "type": TYPE}}}
    said = outcome(tmp_path, begun(), done("satisfied", ORDER), forgotten, result(), plan=plan("hq"))

    assert said.exit_code == 0, said.output
    assert row(said)[1] == "ordered"


def test_a_plan_of_another_stack_says_nothing_of_an_update(tmp_path: Path) -> None:
    other = plan("hq").replace(b"urn:pulumi:customer-a::", b"urn:pulumi:customer-b::")
    said = outcome(tmp_path, begun(), done("satisfied", ORDER), result(), plan=other)

    assert said.exit_code == 2
    assert "do not belong together: the plan and the update are of pbxs/customer-b and pbxs/customer-a" in said.output
    assert "nothing was bought" not in said.output.lower()


@pytest.mark.parametrize("rest", ['{"sequence":' + "[" * 100_000, '{"sequence": 9, "resourcePreEvent": 1e999}'])
def test_events_that_no_update_wrote_are_refused_in_words(tmp_path: Path, rest: str) -> None:
    said = outcome(tmp_path, result(), rest=rest)

    assert said.exit_code == 2
    assert "What was bought can't be told from it" in said.output


@pytest.mark.parametrize("op", ["refresh", "same", "read"])
def test_an_earlier_purchase_of_a_pbx_that_is_only_looked_at_is_none_of_this_update(tmp_path: Path, op: str) -> None:
    events = (begun(), done("satisfied", {**ORDER, "time": "2026-11-24T02:32:23Z"}))
    for event in events:
        next(iter(event.values()))["metadata"]["op"] = op
    said = outcome(tmp_path, *events, result())

    assert said.exit_code == 0
    assert "there was nothing to buy" in said.output
    assert "OQ3206269349344047104" not in said.output
