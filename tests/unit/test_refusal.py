"""Refused plans in words. The messages are those of the engine, as it printed them."""

from __future__ import annotations

import pytest

from pulumi_yspartner.review.refusal import explain, explain_settings, is_plan_refusal

URN = "urn:pulumi:dev::fleet::pulumi-python:dynamic/yspartner:PbxCapacity::hq"
PURCHASE = (
    "map[billing_contact_id:{{3197218168379846218}} concurrent_calls:{{0}} extensions:{{{quantity}}} "
    "plan_id:{{3049040650094403584}} reference:{{YS-WQ5GEUJSTJNV}} summary:{{buy {quantity} extensions ({steps})}}]"
)
BUY_200 = PURCHASE.format(quantity=200, steps="50 -> 250")
BUY_180 = PURCHASE.format(quantity=180, steps="70 -> 250")
BUY_201 = PURCHASE.format(quantity=201, steps="50 -> 251")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        pytest.param(
            f"++observed[{{map[extensions:{{50}}]}}!={{map[extensions:{{70}}]}}], "
            f"++purchase[{{{BUY_200}}}!={{{BUY_180}}}]",
            "it has 70 extensions now, and had 50 in the review; a new review would buy 180 extensions (70 -> 250)",
            id="the PBX of a new resource moved",
        ),
        pytest.param(
            f"~~observed[{{map[concurrent_calls:{{12}} extensions:{{50}}]}}!="
            f"{{map[concurrent_calls:{{13}} extensions:{{70}}]}}], ~~purchase[{{{BUY_200}}}!={{{BUY_180}}}]",
            "it has 70 extensions now, and had 50 in the review; it has 13 concurrent calls now, and had 12 in the "
            "review; a new review would buy 180 extensions (70 -> 250)",
            id="both counts moved",
        ),
        pytest.param(
            f"+-observed[{{map[extensions:{{50}}]}}], +-observed[{{map[extensions:{{50}}]}}], "
            f"+-purchase[{{{BUY_200}}}], +-purchase[{{{BUY_200}}}]",
            "there is nothing to buy for it any more",
            id="a plan that was applied before",
        ),
        pytest.param(
            f"++extensions[{{250}}!={{251}}], ++purchase[{{{BUY_200}}}!={{{BUY_201}}}]",
            "extensions is declared as 251 now, and was 250 in the review; a new review would buy 201 extensions "
            "(50 -> 251)",
            id="another declaration",
        ),
        pytest.param(
            f"+-observed[{{map[extensions:{{100}}]}}], +-purchase[{{{BUY_200}}}], =+refused[{{its counts could not be "
            "read: the portal's answer is not the documented JSON (GET /detail, status 200)}]",
            "its counts could not be read: the portal's answer is not the documented JSON (GET /detail, status 200)",
            id="refused now",
        ),
        pytest.param(
            f"++purchase[{{{BUY_200}}}!={{{BUY_200.replace('6218', '6219')}}}]",
            "the billing contact is 3197218168379846219 now, and was 3197218168379846218 in the review",
            id="another billing contact",
        ),
        pytest.param(
            "=+reorder[{again}]", "reorder is declared as again now, and was not declared in the review", id="added"
        ),
        pytest.param(
            "~-po_number[{PO 7}]", "po_number is declared as nothing now, and was PO 7 in the review", id="removed"
        ),
    ],
)
def test_what_moved_is_said_in_words(changed: str, words: str) -> None:
    message = f"resource {URN} violates plan: properties changed: {changed}\n"

    assert is_plan_refusal(message)
    assert explain(message) == words


def test_a_pbx_that_is_not_in_the_plan() -> None:
    message = "create is not allowed by the plan: no steps were expected for this resource"

    assert is_plan_refusal(message)
    assert explain(message) == "it is not in the plan, so nobody reviewed it"


def test_a_pbx_that_is_in_the_plan_only() -> None:
    message = f"expected resource operations for {URN} but none were seen"

    assert is_plan_refusal(message)
    assert explain(message) == "the plan has a change for it, and this run has none"


def test_what_is_not_understood_is_shown_as_it_is() -> None:
    message = f"resource {URN} violates plan: parent changed (expected x)"

    assert is_plan_refusal(message)
    assert explain(message) == message


def test_a_changed_configuration_is_named_without_its_value() -> None:
    message = (
        "resource urn:pulumi:dev::fleet::pulumi:providers:pulumi-python::default violates plan: properties changed: "
        "=+yspartner:purchases[{allow}], ~~yspartner:limits[{a}!={b}]"
    )

    words = "the stack's configuration is not that of the review: yspartner:limits, yspartner:purchases"
    assert explain_settings(message) == words


def test_an_error_of_the_provider_is_no_refused_plan() -> None:
    assert not is_plan_refusal("yspartner: 3651D3296882: purchases are off: this would buy. Nothing was bought.")
