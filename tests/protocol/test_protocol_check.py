"""`check` and `diff` over gRPC: pure, and exact about what a run would do."""

from __future__ import annotations

from typing import Any

import pytest
from protocol_host import CONTACT, NONE, PLAN, SERIAL, SOME, UNDECIDED, UNKNOWN, Host, reading

DECLARED = {"serial_number": SERIAL, "extensions": 250.0, "concurrent_calls": 60.0}
QUIET = {"serial_number": SERIAL, "extensions": 50.0}
GIVEN_PURCHASE = {
    "summary": "buy 9999 extensions",
    "extensions": 9999,
    "concurrent_calls": 0,
    "billing_contact_id": "1",
    "plan_id": "2",
    "reference": "YS-AAAAAAAAAAAA",
}


# --- check ---------------------------------------------------------------------------------------------------------


def test_check_adds_the_purchase_and_the_counts_it_rests_on(offline_host: Host) -> None:
    inputs = offline_host.check({**DECLARED, "observed": reading()})
    reference = inputs["purchase"].pop("reference")
    assert reference.startswith("YS-")
    assert inputs == {
        **DECLARED,
        "observed": {"extensions": 50, "concurrent_calls": 12},
        "purchase": {
            "summary": "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)",
            "extensions": 200,
            "concurrent_calls": 48,
            "billing_contact_id": CONTACT,
            "plan_id": PLAN,
        },
    }


def test_check_keeps_only_the_counts_that_are_declared(offline_host: Host) -> None:
    inputs = offline_host.check({"serial_number": SERIAL, "extensions": 250, "observed": reading()})
    assert inputs["observed"] == {"extensions": 50}
    assert inputs["purchase"]["concurrent_calls"] == 0


@pytest.mark.parametrize("have", [50, 250], ids=["something to buy", "nothing to buy"])
def test_check_throws_away_a_purchase_and_a_refusal_that_it_is_given(offline_host: Host, have: int) -> None:
    news = {"serial_number": SERIAL, "extensions": 250, "observed": reading(have)}
    given = {**news, "purchase": GIVEN_PURCHASE, "refused": "because", "capacity": {"extensions": 1}, "other": 7}
    inputs = offline_host.check(given)
    assert inputs == offline_host.check(news)
    assert ("purchase" in inputs) is (have == 50)


@pytest.mark.parametrize("name", ["serial_number", "extensions", "concurrent_calls", "billing_contact_id", "plan_id"])
@pytest.mark.parametrize("with_olds", [False, True])
def test_check_fails_on_what_is_not_known_in_preview(offline_host: Host, name: str, with_olds: bool) -> None:
    news = {**DECLARED, "observed": reading(), name: UNKNOWN}
    _, failures = offline_host.check_whole(news, DECLARED if with_olds else None)
    assert [failed for failed, _ in failures] == [name]
    assert "not known in preview" in failures[0][1]
    assert "Nothing was bought" in failures[0][1]


def test_check_refuses_to_buy_on_counts_that_are_not_known(offline_host: Host) -> None:
    inputs = offline_host.check({**DECLARED, "observed": UNKNOWN})
    assert "purchase" not in inputs
    assert "counts were not read" in inputs["refused"]


@pytest.mark.parametrize("observed", [reading(), reading(0, 0), reading(9999), {"unreadable": "down"}, None])
def test_check_of_an_unchanged_declaration_says_the_same_whatever_was_read(offline_host: Host, observed: Any) -> None:
    news = {**DECLARED} if observed is None else {**DECLARED, "observed": observed}
    assert offline_host.check(news, DECLARED) == DECLARED


def test_check_is_idempotent_where_nothing_is_bought(offline_host: Host) -> None:
    once = offline_host.check({"serial_number": f" {SERIAL.lower()} ", "extensions": 50, "observed": reading()})
    assert once == QUIET
    assert offline_host.check({**once, "observed": reading()}, once) == once
    assert offline_host.check({**once, "observed": reading()}) == once


def test_check_announces_a_purchase_only_once(offline_host: Host) -> None:
    bought = offline_host.check({**DECLARED, "observed": reading()})
    again = offline_host.check({**DECLARED, "observed": reading(250, 60)}, bought)
    assert again == DECLARED
    # Not even when the order has come to nothing.
    assert offline_host.check({**DECLARED, "observed": reading()}, bought) == DECLARED


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        ({"extensions": 0}, "extensions", "at least 1"),
        ({"extensions": -3}, "extensions", "at least 1"),
        ({"extensions": 2.5}, "extensions", "whole number"),
        ({"extensions": True}, "extensions", "whole number"),
        ({"extensions": "250"}, "extensions", "whole number"),
        ({"extensions": 3651329688200}, "extensions", "at most"),
        ({"extensions": None}, "extensions", "or concurrent_calls must be declared"),
        ({"serial_number": ""}, "serial_number", "must not be empty"),
        ({"serial_number": "A B"}, "serial_number", "is not a serial number"),
        ({"serial_number": 3651}, "serial_number", "must be text"),
        ({"serial_number": None}, "serial_number", "is missing"),
        ({"billing_contact_id": 3197218168379846218}, "billing_contact_id", "in quotes"),
        ({"plan_id": "Enterprise"}, "plan_id", "digits"),
        ({"po_number": "a\nb"}, "po_number", "one line"),
    ],
)
def test_check_fails_on_a_malformed_declaration(
    offline_host: Host, change: dict[str, Any], name: str, words: str
) -> None:
    _, failures = offline_host.check_whole({"serial_number": SERIAL, "extensions": 60, "observed": reading(), **change})
    assert len(failures) == 1
    failed, reason = failures[0]
    assert (failed, reason.endswith("Nothing was bought")) == (name, True)
    assert words in reason
    assert "\n" not in reason
    assert ".0 " not in reason


def test_check_says_in_a_refusal_what_the_portal_had(offline_host: Host) -> None:
    inputs = offline_host.check({**DECLARED, "observed": {"unreadable": "its counts could not be read: timeout"}})
    assert inputs == {**DECLARED, "refused": "its counts could not be read: timeout"}


def test_check_treats_another_serial_number_as_a_new_resource(offline_host: Host) -> None:
    inputs = offline_host.check({**DECLARED, "serial_number": "OTHER", "observed": reading()}, DECLARED)
    assert inputs["purchase"]["extensions"] == 200


# --- diff ----------------------------------------------------------------------------------------------------------


STATE = {
    **DECLARED,
    "capacity": {"extensions": 250, "concurrent_calls": 60},
    "orders": [{"order_no": "OQ1", "status": "succeed", "reference": "YS-AAAAAAAAAAAA", "extensions": 200}],
    "status": "satisfied",
}


@pytest.mark.parametrize(
    "change",
    [
        {"extensions": 300},
        {"extensions": 200},
        {"concurrent_calls": 61},
        {"reorder": "again"},
        {"po_number": "PO-2"},
        {"plan_id": PLAN},
        {"billing_contact_id": CONTACT},
    ],
)
def test_diff_of_a_changed_declaration_is_left_to_the_engine(offline_host: Host, change: dict[str, Any]) -> None:
    answer = offline_host.diff(STATE, {**DECLARED, **change})
    assert answer.changes == UNDECIDED
    assert list(answer.replaces) == []


def test_diff_of_a_count_that_is_declared_no_longer_is_left_to_the_engine(offline_host: Host) -> None:
    assert offline_host.diff(STATE, {"serial_number": SERIAL, "extensions": 250}).changes == UNDECIDED


def test_diff_replaces_for_another_serial_number_only(offline_host: Host) -> None:
    answer = offline_host.diff(STATE, {**DECLARED, "serial_number": "OTHER"})
    assert answer.changes == UNDECIDED
    assert list(answer.replaces) == ["serial_number"]


def purchase(reference: str) -> dict[str, Any]:
    return {"observed": {"extensions": 50}, "purchase": {**GIVEN_PURCHASE, "reference": reference}}


@pytest.mark.parametrize(
    ("orders", "news", "expected"),
    [
        (STATE["orders"], {}, NONE),
        (STATE["orders"], purchase("YS-BBBBBBBBBBBB"), SOME),
        (STATE["orders"], purchase("YS-AAAAAAAAAAAA"), NONE),
        ([], purchase("YS-AAAAAAAAAAAA"), SOME),
        (STATE["orders"], {"refused": "its counts could not be read"}, SOME),
        ([{"status": "unconfirmed", "reference": "YS-AAAAAAAAAAAA", "extensions": 200}], {}, SOME),
        ([{"status": "pending", "reference": "YS-AAAAAAAAAAAA", "order_no": "OQ1"}], {}, NONE),
        ([{"status": "failed", "reference": "YS-AAAAAAAAAAAA", "order_no": "OQ1"}], {}, NONE),
        ([{"status": "never_placed", "reference": "YS-AAAAAAAAAAAA"}], {}, NONE),
        ([{"status": "counted", "reference": "YS-AAAAAAAAAAAA"}], {}, NONE),
        ([], {}, NONE),
    ],
    ids=[
        "nothing",
        "purchase not recorded",
        "purchase recorded",
        "purchase, no orders",
        "refused",
        "unconfirmed",
        "pending",
        "denied",
        "never placed",
        "counted",
        "no orders",
    ],
)
def test_diff_of_an_unchanged_declaration(
    offline_host: Host, orders: list[dict[str, Any]], news: dict[str, Any], expected: int
) -> None:
    answer = offline_host.diff({**STATE, "orders": orders}, {**DECLARED, **news})
    assert answer.changes == expected
    assert list(answer.replaces) == []


def test_diff_ignores_capacity_and_status(offline_host: Host) -> None:
    moved = {**STATE, "capacity": {"extensions": 1}, "status": "short"}
    assert offline_host.diff(moved, DECLARED).changes == NONE


def test_diff_says_that_an_unconfirmed_attempt_makes_the_update(offline_host: Host) -> None:
    offline_host.diff({**STATE, "orders": [{"status": "unconfirmed"}]}, DECLARED, id_="UNCLEAR1")
    assert "UNCLEAR1: the outcome of an order is unconfirmed" in offline_host.said("UNCLEAR1")
