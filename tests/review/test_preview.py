"""What a review makes of the steps and diagnostics of a preview."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from review_cases import one_step, recorded

from pulumi_yspartner.model import COUNTED, NEVER_PLACED
from pulumi_yspartner.review.markdown import markdown
from pulumi_yspartner.review.model import Pbx, Review, Stack
from pulumi_yspartner.review.preview import SECRET_SETTINGS, read_preview
from pulumi_yspartner.settings import Settings


def stack_of(content: dict[str, Any]) -> Stack:
    return read_preview(content, "preview.json")


def pbx_of(content: dict[str, Any], name: str, state: str | None = None) -> Pbx:
    [pbx] = [pbx for pbx in stack_of(content).pbxs if pbx.name == name and state in (None, pbx.state)]
    return pbx


# --- what is had, bought and on order ---


def test_a_purchase_has_the_counts_that_its_plan_binds() -> None:
    pbx = pbx_of(recorded("one_purchase"), "hq")

    assert (pbx.state, pbx.change, pbx.has_is_live) == ("buys", "create", True)
    assert pbx.has == {"extensions": 50, "concurrent_calls": 12}
    assert pbx.after == {"extensions": 250, "concurrent_calls": 12}
    assert pbx.declared == {"extensions": 250, "concurrent_calls": 12}
    assert pbx.lacking == pbx.to_buy == {"extensions": 200}
    assert pbx.on_order == ()


def test_a_short_pbx_has_its_live_count_and_the_order_that_it_waits_for() -> None:
    pbx = pbx_of(recorded("everything"), "paid")

    assert (pbx.state, pbx.change) == ("short", "same")
    assert pbx.has["extensions"] == 50
    [order] = pbx.on_order
    assert (order.status, order.quantities) == ("pending", {"extensions": 10})
    assert order.age.endswith("old")
    assert pbx.quantities_on_order == {"extensions": 10}
    assert pbx_of(recorded("everything"), "shrunk").has == {"extensions": 40, "concurrent_calls": 12}


def test_an_unconfirmed_pbx_keeps_its_attempt_on_order() -> None:
    pbx = pbx_of(recorded("everything"), "late")

    assert pbx.state == "unconfirmed"
    [attempt] = pbx.on_order
    assert (attempt.number, attempt.status, attempt.quantities) == (None, "unconfirmed", {"extensions": 10})


def test_a_refusal_for_an_open_order_shows_that_order() -> None:
    pbx = pbx_of(recorded("refused"), "paid")

    assert pbx.state == "refused"
    [order] = pbx.on_order
    assert (order.status, order.quantities) == ("pending", {"extensions": 10})
    assert pbx.reason is not None
    assert "is not settled" in pbx.reason
    assert not pbx.to_buy


def test_an_unchanged_pbx_has_what_the_state_says() -> None:
    pbx = pbx_of(recorded("nothing"), "branch")

    assert (pbx.state, pbx.change, pbx.has_is_live) == ("satisfied", "same", False)
    assert pbx.has == {"extensions": 50, "concurrent_calls": 12}


@pytest.mark.parametrize("status", [COUNTED, NEVER_PLACED, "failed", "cancelled"])
def test_an_order_that_came_to_its_end_is_not_on_order(status: str) -> None:
    content = recorded("everything")
    removed = one_step(content, "gone")
    removed["oldState"]["outputs"]["orders"] = [{"status": status, "extensions": 10, "extensions_before": 50}]
    assert pbx_of(content, "gone").on_order == ()

    removed["oldState"]["outputs"]["orders"][0]["status"] = "pending"
    assert [order.status for order in pbx_of(content, "gone").on_order] == ["pending"]


def test_statuses_that_the_stack_calls_dead_are_dead() -> None:
    content = recorded("everything")
    orders = [{"status": "lapsed", "extensions": 10, "order_no": "OQ1"}]
    one_step(content, "gone")["oldState"]["outputs"]["orders"] = orders
    assert len(pbx_of(content, "gone").on_order) == 1

    content["config"] = {"yspartner:deadOrderStatuses": '["lapsed"]'}
    assert pbx_of(content, "gone").on_order == ()


# --- removals ---


def test_a_removed_pbx_stays_billed() -> None:
    pbx = pbx_of(recorded("everything"), "gone")
    assert (pbx.state, pbx.change) == ("removed", "delete")
    assert pbx.has == {"extensions": 50, "concurrent_calls": 12}


def test_a_replaced_pbx_is_removed_beside_the_one_that_replaces_it() -> None:
    content = recorded("everything")
    old, new = pbx_of(content, "moved", "removed"), pbx_of(content, "moved", "satisfied")
    assert old.serial_number != new.serial_number
    assert (old.urn, new.change) == (new.urn, "create")


def test_a_forced_replacement_of_the_same_pbx_removes_none() -> None:
    content = recorded("everything")
    step = one_step(content, "moved")
    step["oldState"]["inputs"]["serial_number"] = step["newState"]["inputs"]["serial_number"]

    assert [pbx.state for pbx in stack_of(content).pbxs if pbx.name == "moved"] == ["satisfied"]


def test_a_pbx_under_another_name_is_not_removed() -> None:
    content = recorded("everything")
    step = copy.deepcopy(one_step(content, "branch"))
    step["urn"] = step["urn"].replace("::branch", "::renamed")
    step["op"] = "create"
    serial = one_step(content, "gone")["oldState"]["inputs"]["serial_number"]
    step["newState"]["inputs"]["serial_number"] = serial
    content["steps"].append(step)

    assert [pbx.name for pbx in stack_of(content).pbxs if pbx.serial_number == serial] == ["renamed"]


# --- what went wrong ---


def test_a_refusal_is_no_failure_of_the_preview() -> None:
    stack = stack_of(recorded("refused"))
    assert stack.errors == ()
    assert len(stack.in_state("refused")) == 2
    assert stack.totals.quantities == {"extensions": 205}, "the others are bought for"


def test_an_error_of_a_program_is_told_in_one_line() -> None:
    content = recorded("nothing")
    trace = (
        'error: Program failed with an unhandled exception:\nTraceback (most recent call last):\n  File "x", line 1\n'
    )
    content["diagnostics"].append({"message": f"{trace}ZeroDivisionError: division by zero\n\n", "severity": "error"})

    [error] = stack_of(content).errors
    assert error == "Program failed with an unhandled exception: ZeroDivisionError: division by zero"


def test_without_any_reading_every_unchanged_pbx_is_unreadable() -> None:
    content = recorded("nothing")
    why = "the portal could not be read: it did not answer (GET /x)"
    content["diagnostics"] = [{"message": f"warning: {why}. Nothing is bought in this run.\n", "severity": "warning"}]

    stack = stack_of(content)
    assert stack.unreadable == why
    assert {pbx.state for pbx in stack.pbxs} == {"unreadable"}
    assert {pbx.reason for pbx in stack.pbxs} == {why}


def test_why_a_price_is_unknown_is_told() -> None:
    content = recorded("one_purchase")
    content["diagnostics"].append({"message": "why a price is unknown: it was not read\n", "severity": "info"})
    stack = stack_of(content)

    assert stack.unpriced == "it was not read"
    assert "Why a price is unknown: `it was not read`." in markdown(Review(stacks=(stack,)))


def test_warnings_of_others_are_no_failures() -> None:
    content = recorded("nothing")
    content["diagnostics"] += [
        {"message": "warning: A new version of Pulumi is available.\n", "severity": "warning"},
        {
            "urn": "urn:pulumi:dev::fleet::aws:s3/bucket:Bucket::b",
            "message": "buy 5 extensions (50 -> 55)",
            "severity": "info",
        },
    ]
    assert stack_of(content).errors == ()
    assert not stack_of(content).in_state("buys")


def test_resources_of_others_are_left_out() -> None:
    content = recorded("nothing")
    number = len(stack_of(content).pbxs)
    content["steps"].append({"op": "create", "urn": "urn:pulumi:dev::fleet::aws:s3/bucket:Bucket::b", "newState": {}})
    assert len(stack_of(content).pbxs) == number


def test_a_pbx_inside_a_component_is_found() -> None:
    content = recorded("one_purchase")
    step = one_step(content, "hq")
    step["urn"] = step["urn"].replace("::fleet::", "::fleet::my:index:Office$")
    assert pbx_of(content, "hq").state == "buys"


def test_whether_unchanged_pbxs_are_listed_is_known() -> None:
    content = recorded("nothing")
    assert stack_of(content).lists_unchanged
    content["steps"] = [step for step in content["steps"] if "PbxCapacity" not in step["urn"]]
    assert not stack_of(content).lists_unchanged


# --- settings ---


def test_settings_are_shown_without_secrets() -> None:
    content = recorded("nothing")
    content["config"] = {
        "aws:region": "eu-central-1",
        "yspartner:clientSecret": "in-plain-text",
        "yspartner:clientId": "also",
        "yspartner:pbxs": "{}",
        "yspartner:limits": '{"extensions":100}',
        "yspartner:billingContactId": "[secret]",
    }
    assert {setting.key: setting.value for setting in stack_of(content).settings} == {"limits": '{"extensions":100}'}


def test_every_setting_that_holds_a_secret_is_known() -> None:
    holding = [
        field.alias or name
        for name, field in Settings.model_fields.items()
        if "Secret" in str(field.annotation) or "PbxAccess" in str(field.annotation)
    ]
    assert set(holding) <= set(SECRET_SETTINGS)
    assert len(holding) == 2


def test_whether_purchases_are_off_is_told_by_the_total() -> None:
    content = recorded("one_purchase")
    assert stack_of(content).purchases == "deny"
    for diagnostic in content["diagnostics"]:
        diagnostic["message"] = diagnostic["message"].replace("; up will refuse: purchases are off", "")
    assert stack_of(content).purchases == "allow"
    assert stack_of(recorded("nothing")).purchases is None


@pytest.mark.parametrize(
    "text",
    [
        "'x. Nothing is bought for y in this run.",
        "the program says why a price is unknown",
        "why a price is unknown: x",
        "1 of 1 PBX would buy: 1 extension; price unknown",
        "buy 1 extension (50 -> 51); price 1.00 USD; 3651D3300004",
    ],
)
@pytest.mark.parametrize("of_a_pbx", [True, False])
def test_an_error_that_reads_like_a_line_is_still_an_error(text: str, of_a_pbx: bool) -> None:
    content = recorded("nothing")
    urn = {"urn": one_step(content, "branch")["urn"]} if of_a_pbx else {}
    content["diagnostics"] = [{**urn, "message": f"error: {text}", "severity": "error"}]

    assert stack_of(content).errors == (text,)


def test_a_preview_without_any_resource_is_not_taken_for_one_that_buys_nothing() -> None:
    [error] = stack_of({"steps": []}).errors

    assert "did not run" in error
