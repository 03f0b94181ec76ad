"""Reading answers that are only half documented, in many shapes."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_yspartner.errors import ReadingError
from pulumi_yspartner.model import COUNTS, SeenOrder
from pulumi_yspartner.partner import answers
from pulumi_yspartner.settings import CapacityFields, Settings
from pulumi_yspartner.sources import PortalSource

SERIAL = "3651D3296882"
PLAIN = CapacityFields()
EXTENSIONS_ID = "3049060579827040256"
CALLS_ID = "3049060612492230656"
ENTERPRISE = "3049040650094403584"
ULTIMATE = "3049040721948753920"

# --- shapes --------------------------------------------------------------------------------------------------------

Wrap = Callable[[Any], Any]

noise = st.dictionaries(
    st.sampled_from(["comment", "total", "remark", "price", "expireDate", "tags"]),
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers(), max_size=2),
    max_size=3,
)
ids = st.integers(10**18, 10**19 - 1)
HUGE = pytest.param(10**400, id="huge")


@st.composite
def wraps(draw: st.DrawFn) -> Wrap:
    """Puts something into containers: objects, lists, at any depth, between fields that mean nothing."""
    steps = [
        (
            draw(st.sampled_from(["object", "list"])),
            draw(st.sampled_from(["data", "details", "plans", "x"])),
            draw(noise),
        )
        for _ in range(draw(st.integers(0, 4)))
    ]

    def wrap(value: Any) -> Any:
        for kind, key, other in steps:
            value = {**other, key: value} if kind == "object" else [other, value]
        return value

    return wrap


def as_sent(value: Any) -> Any:
    """As the connection hands it on: through JSON, decimals exact."""
    return json.loads(json.dumps(value), parse_float=Decimal)


texts_or_numbers = st.sampled_from([str, int])


# --- ids -----------------------------------------------------------------------------------------------------------


@given(ids, texts_or_numbers, wraps())
def test_ids_keep_all_their_digits_as_text_and_as_number(value: int, kind: Any, wrap: Wrap) -> None:
    assert answers.first(as_sent(wrap({"planId": kind(value)})), "planId") == str(value)


@pytest.mark.parametrize("value", [None, True, False, "", "  ", 1.5, [], {}, Decimal("3.0"), HUGE])
def test_what_is_no_id_is_not_found(value: Any) -> None:
    assert answers.text(value) is None
    assert answers.first({"planId": value}, "planId") is None


def test_an_object_around_wins_over_one_inside() -> None:
    assert answers.first({"inner": {"orderNo": "OQ2"}, "orderNo": "OQ1"}, "orderNo") == "OQ1"


def test_fields_found_are_named_without_their_values() -> None:
    said = answers.keys_of({"productNo": "s3cret", "inner": [{"emailAddress": "s3cret@example.com"}]})
    assert said == "productNo, inner, emailAddress"
    assert answers.keys_of([]) == "no fields"
    assert answers.keys_of({f"key{number}": 1 for number in range(99)}).endswith(", ...")


# --- counts --------------------------------------------------------------------------------------------------------


@given(
    st.integers(0, 10**6),
    st.sampled_from(answers.COUNT_NAMES["extensions"]),
    st.sampled_from(answers.COUNT_NAMES["concurrent_calls"]),
    texts_or_numbers,
    wraps(),
)
def test_counts_are_found_under_every_known_spelling(
    count: int, extensions: str, calls: str, kind: Any, wrap: Wrap
) -> None:
    document = as_sent(wrap({"productNo": SERIAL, extensions: kind(count), calls: kind(count + 1)}))
    assert answers.counts(document, SERIAL, PLAIN) == {"extensions": count, "concurrent_calls": count + 1}


@given(st.integers(0, 1000), st.integers(0, 1000), wraps(), wraps())
def test_a_count_that_is_stated_twice_must_be_the_same(one: int, other: int, first: Wrap, second: Wrap) -> None:
    document = as_sent([first({"extensionCapacity": one}), second({"totalExtensions": str(other)})])
    if one == other:
        assert answers.counts(document, SERIAL, PLAIN) == {"extensions": one}
    else:
        with pytest.raises(ReadingError, match="more than once and differently"):
            answers.counts(document, SERIAL, PLAIN)


@pytest.mark.parametrize(
    "value",
    [-1, "-1", 1.5, 250.0, "250.0", "1e3", "many", "", True, False, [250], {"a": 250}, "\u0661", "1 0", "+5", HUGE],
)
@pytest.mark.parametrize("name", ["extensionCapacity", "cc_capacity"])
def test_what_is_no_count_is_an_error_and_never_a_guess(name: str, value: Any) -> None:
    with pytest.raises(ReadingError, match="is no count"):
        answers.counts(as_sent({name: value}), SERIAL, PLAIN)


@pytest.mark.parametrize("document", [{}, [], None, "text", 5, {"extensionCapacity": None}, {"used": 3}])
def test_a_count_that_is_not_stated_is_absent_and_not_zero(document: Any) -> None:
    assert answers.counts(document, SERIAL, PLAIN) == {}


def test_a_count_of_zero_is_a_count() -> None:
    assert answers.counts({"extensionCapacity": 0}, SERIAL, PLAIN) == {"extensions": 0}


def test_used_counts_are_not_taken_for_capacity() -> None:
    document = {"extension_used": 10, "extension_capacity": 50, "cc_used": 3}
    assert answers.counts(document, SERIAL, PLAIN) == {"extensions": 50}


@given(wraps(), texts_or_numbers)
def test_an_answer_about_another_pbx_is_an_error(wrap: Wrap, kind: Any) -> None:
    with pytest.raises(ReadingError, match=f"the answer for {SERIAL} is about 9999"):
        answers.counts(wrap({"productNo": kind("9999"), "extensionCapacity": 5}), SERIAL, PLAIN)
    with pytest.raises(ReadingError):
        answers.counts([{"productNo": SERIAL, "extensionCapacity": 5}, wrap({"productNo": "X1"})], SERIAL, PLAIN)


def test_the_serial_number_may_be_in_lower_case() -> None:
    assert answers.counts({"productNo": SERIAL.lower(), "cc_capacity": 5}, SERIAL, PLAIN) == {"concurrent_calls": 5}


def test_the_message_about_absent_counts_names_what_was_found_and_the_setting() -> None:
    said = answers.no_count(["extensions"], {"productNo": "s3cret", "lineQuota": 50}, CapacityFields())
    assert "lineQuota" in said
    assert "extensionCapacity" in said
    assert "yspartner:capacityFields" in said
    assert "concurrentCallCapacity" not in said
    assert "s3cret" not in said


def test_the_message_about_absent_counts_names_the_configured_expression() -> None:
    fields = CapacityFields(extensions="quota.lines")
    said = answers.no_count(["extensions"], {"extensionCapacity": 50}, fields)
    assert "looked for extensions as quota.lines" in said


@pytest.mark.parametrize(
    ("expression", "document", "expected"),
    [
        ("quota.lines", {"quota": {"lines": 50}}, {"extensions": 50}),
        ("quota.lines", {"quota": {"lines": "50"}}, {"extensions": 50}),
        ("items[?kind=='ext'].n", {"items": [{"kind": "ext", "n": 50}, {"kind": "cc", "n": 9}]}, {"extensions": 50}),
        ("items[].n", {"items": [{"n": 50}, {"n": 50}, {"n": None}]}, {"extensions": 50}),
        ("quota.lines", {"quota": {}}, {}),
        ("quota.lines", [], {}),
        ("items[?kind=='none'].n", {"items": []}, {}),
    ],
)
def test_a_configured_field_is_read(expression: str, document: Any, expected: dict[Any, int]) -> None:
    assert answers.counts(document, SERIAL, CapacityFields(extensions=expression)) == expected


@pytest.mark.parametrize(
    ("expression", "document"),
    [
        ("items[].n", {"items": [{"n": 50}, {"n": 51}]}),
        ("quota", {"quota": {"lines": 50}}),
        ("quota", {"quota": 50.5}),
        ("quota", {"quota": True}),
        ("quota", {"quota": [[50]]}),
        ("length(quota)", {"quota": 5}),
        ("quota.nothing(@)", {"quota": 5}),
    ],
)
def test_a_configured_field_that_gives_no_single_count_is_an_error(expression: str, document: Any) -> None:
    with pytest.raises(ReadingError):
        answers.counts(as_sent(document), SERIAL, CapacityFields(extensions=expression))


def test_a_configured_field_replaces_the_known_spellings_of_its_count_only() -> None:
    document = {"extensionCapacity": 1, "lines": 50, "cc_capacity": 12}
    assert answers.counts(document, SERIAL, CapacityFields(extensions="lines")) == {
        "extensions": 50,
        "concurrent_calls": 12,
    }


# --- the product list ----------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(["A1", "b2", "C3"]), unique=True), wraps())
def test_pbxs_are_found_by_serial_number(serials: list[str], wrap: Wrap) -> None:
    found = answers.products([wrap({"productNo": serial, "n": serial}) for serial in serials])
    assert {serial: each.value["n"] for serial, each in found.items()} == {each.upper(): each for each in serials}


class StubAccount:
    """An account with a fixed product list and details."""

    def __init__(self, items: list[Any], details: Any) -> None:
        self.items, self.details = items, details

    async def products(self, max_age: float | None = None, about: Any = ()) -> Any:
        class Listed:
            by_serial_number = answers.products(self.items)

        return Listed

    async def product(self, serial_number: str) -> Any:
        return self.details


def read_counts(items: list[Any], details: Any) -> Any:
    async def read() -> Any:
        source = PortalSource(StubAccount(items, details), Settings())  # type: ignore[arg-type]
        return (await source.read([SERIAL]))[SERIAL]

    return anyio.run(read)


def test_counts_come_from_the_list_or_from_the_details() -> None:
    whole = {"productNo": SERIAL, "extensionCapacity": 50, "cc_capacity": 12}
    assert read_counts([whole], {}).counts == {"extensions": 50, "concurrent_calls": 12}
    assert read_counts([{"productNo": SERIAL}], whole).counts == {"extensions": 50, "concurrent_calls": 12}


def test_list_and_details_that_differ_are_an_error() -> None:
    read = read_counts([{"productNo": SERIAL, "extensionCapacity": 50}], {"extensionCapacity": 51, "cc_capacity": 1})
    assert read.counts == {}
    assert "50" in read.unreadable
    assert "51" in read.unreadable


def test_a_pbx_that_stands_in_the_list_twice_with_different_counts_is_an_error() -> None:
    one = {"productNo": SERIAL, "extensionCapacity": 50, "cc_capacity": 12}
    for items in ([one, {**one, "extensionCapacity": 250}], [{**one, "extensionCapacity": 250}, one]):
        read = read_counts(items, {})
        assert read.counts == {}
        assert read.unreadable


def test_an_object_inside_a_list_item_that_repeats_the_serial_number_hides_no_counts() -> None:
    item = {"productNo": SERIAL, "extensionCapacity": 50, "cc_capacity": 12, "bundle": {"productNo": SERIAL}}
    assert read_counts([item], {}).counts == {"extensions": 50, "concurrent_calls": 12}


def test_a_pbx_that_is_not_in_the_list_is_an_error() -> None:
    read = read_counts([{"productNo": "A1", "extensionCapacity": 50, "cc_capacity": 12}], {})
    assert read.counts == {}
    assert SERIAL in read.unreadable


# --- pages ---------------------------------------------------------------------------------------------------------


def test_pages_as_object_and_as_bare_list() -> None:
    paged = {"results": [1], "total": 9, "totalPage": "3", "count": 9}
    assert answers.page(paged) == answers.Page([1], 3, 9)
    assert answers.page([1, 2]) == answers.Page([1, 2], None, None)
    assert answers.page({"results": None, "total": 0}).items == []


@pytest.mark.parametrize("result", [None, 5, "text", {}, {"results": {"a": 1}}, {"items": []}, {"total": 1}])
def test_what_is_no_page_is_an_error(result: Any) -> None:
    with pytest.raises(ReadingError, match="a list was expected"):
        answers.page(result)


# --- plans ---------------------------------------------------------------------------------------------------------


def plan(plan_id: Any, name: str = "Plan", **rest: Any) -> dict[str, Any]:
    return {"planId": plan_id, "planName": name, **rest}


@given(ids, texts_or_numbers, wraps())
def test_the_only_plan_is_the_current_one(value: int, kind: Any, wrap: Wrap) -> None:
    assert answers.current_plan(as_sent(wrap([plan(kind(value))])), None) == str(value)


@given(st.sampled_from(answers.CURRENT_MARKS), st.booleans(), texts_or_numbers, wraps())
def test_the_marked_plan_is_the_current_one(mark: str, others_say_so: bool, kind: Any, wrap: Wrap) -> None:
    other = {mark: False} if others_say_so else {}
    plans = [plan(kind(ENTERPRISE), **other), plan(kind(ULTIMATE), **{mark: True})]
    assert answers.current_plan(wrap(plans), None) == ULTIMATE
    assert answers.current_plan(wrap(plans[::-1]), None) == ULTIMATE


@given(texts_or_numbers, texts_or_numbers)
def test_the_plan_that_is_named_beside_the_plans_is_the_current_one(kind: Any, other: Any) -> None:
    document = {"currentPlanId": other(ULTIMATE), "plans": [plan(kind(ENTERPRISE)), plan(kind(ULTIMATE))]}
    assert answers.current_plan(document, None) == ULTIMATE


@given(texts_or_numbers, wraps())
def test_the_chosen_plan_wins_over_every_mark(kind: Any, wrap: Wrap) -> None:
    plans = wrap([plan(kind(ENTERPRISE), isCurrent=True), plan(kind(ULTIMATE))])
    assert answers.current_plan(plans, ULTIMATE) == ULTIMATE


@pytest.mark.parametrize(
    "plans",
    [
        [plan(ENTERPRISE, "Enterprise Plan"), plan(ULTIMATE, "Ultimate Plan")],
        [plan(ENTERPRISE, "Enterprise Plan", current=True), plan(ULTIMATE, "Ultimate Plan", current=True)],
        [plan(ENTERPRISE, "Enterprise Plan", current="true"), plan(ULTIMATE, "Ultimate Plan", current=1)],
    ],
    ids=["unmarked", "both marked", "marks of another kind"],
)
def test_plans_that_cannot_be_told_apart_are_listed(plans: list[Any]) -> None:
    with pytest.raises(ReadingError) as failed:
        answers.current_plan({"planList": plans}, None)
    for part in (ENTERPRISE, ULTIMATE, "Enterprise Plan", "Ultimate Plan", "plan_id"):
        assert part in str(failed.value)


def test_a_chosen_plan_that_does_not_exist_is_an_error_that_lists_the_plans() -> None:
    with pytest.raises(ReadingError, match=f"plan 7 is not among .*{ENTERPRISE} \\(Enterprise Plan\\)"):
        answers.current_plan([plan(ENTERPRISE, "Enterprise Plan")], "7")


def test_an_answer_without_plans_is_an_error_that_names_its_fields() -> None:
    with pytest.raises(ReadingError, match="offeringId, tariff"):
        answers.current_plan({"offeringId": "1", "tariff": {}}, None)


def test_a_plans_mark_survives_services_that_repeat_its_id() -> None:
    marked = plan(ENTERPRISE, isCurrent=True, serviceList=[{"serviceId": EXTENSIONS_ID, "planId": ENTERPRISE}])
    assert answers.current_plan([marked, plan(ULTIMATE)], None) == ENTERPRISE


# --- services ------------------------------------------------------------------------------------------------------


def service(service_id: Any, name: str, key: str = "serviceName", **rest: Any) -> dict[str, Any]:
    return {"serviceId": service_id, key: name, **rest}


@given(
    st.sampled_from(["serviceName", "name", "displayName", "SERVICENAME"]),
    st.sampled_from([str.lower, str.upper, str.title, lambda name: f" {name} "]),
    texts_or_numbers,
    wraps(),
)
def test_services_are_told_apart_by_name_in_any_case(key: str, spell: Any, kind: Any, wrap: Wrap) -> None:
    document = wrap(
        [
            service(kind("3049060645711233024"), "Hot Standby", key),
            service(kind(EXTENSIONS_ID), spell("extension expansion"), key),
            service(kind(CALLS_ID), spell("concurrent call expansion"), key),
        ]
    )
    assert answers.services(document, ENTERPRISE) == {"extensions": EXTENSIONS_ID, "concurrent_calls": CALLS_ID}


@given(wraps())
def test_services_under_plans_are_those_of_the_given_plan(wrap: Wrap) -> None:
    document = [
        plan(ENTERPRISE, addOns=wrap([service("1", "Extension Expansion"), service("2", "Concurrent Call Expansion")])),
        plan(ULTIMATE, addOns=wrap([service("3", "Extension Expansion"), service("4", "Concurrent Call Expansion")])),
    ]
    assert answers.services(document, ENTERPRISE) == {"extensions": "1", "concurrent_calls": "2"}
    assert answers.services(document, ULTIMATE) == {"extensions": "3", "concurrent_calls": "4"}


def test_a_service_may_name_its_plan_itself() -> None:
    document = [
        service("1", "Extension Expansion", planId=int(ENTERPRISE)),
        service("3", "Extension Expansion", planId=int(ULTIMATE)),
    ]
    assert answers.services(document, ENTERPRISE) == {"extensions": "1"}


def test_a_service_that_stands_under_another_plan_only_is_not_offered() -> None:
    document = [
        plan(ENTERPRISE, addOns=[service("1", "Extension Expansion")]),
        plan(ULTIMATE, addOns=[service("3", "Extension Expansion"), service("4", "Concurrent Call Expansion")]),
    ]
    assert answers.services(document, ENTERPRISE) == {"extensions": "1"}


@pytest.mark.parametrize("plan_id", [ENTERPRISE, "7"])
def test_a_service_with_several_ids_is_never_guessed(plan_id: str) -> None:
    document = plan(ENTERPRISE, addOns=[service("1", "Extension Expansion"), service("3", "Extension Expansion")])
    try:
        found = answers.services(document, plan_id)
    except ReadingError as error:
        assert "1, 3" in str(error)  # noqa: PT017 - either is right, a guess is not
    else:
        assert "extensions" not in found


@pytest.mark.parametrize(
    "name", ["Extension", "Extension Expansion Pack", "Extensions Expansion", "Call Expansion", "", "Concurrent"]
)
def test_a_service_with_another_name_is_not_taken(name: str) -> None:
    assert answers.services([service("1", name)], ENTERPRISE) == {}
    assert answers.service_names([service("1", "Hot Standby"), service("2", name)]).startswith("Hot Standby")


# --- contacts ------------------------------------------------------------------------------------------------------


@given(ids, texts_or_numbers, wraps())
def test_contacts_are_found_with_id_and_name(value: int, kind: Any, wrap: Wrap) -> None:
    document = as_sent(wrap({"billingContactId": kind(value), "company": "Example Ltd", "firstName": "Sam"}))
    assert answers.contacts(document) == [answers.BillingContact(str(value), "Example Ltd", "Sam")]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"company": "", "firstName": "Sam", "lastName": "Example"}, "Sam Example"),
        ({"company": None, "lastName": "Example"}, "Example"),
        ({"company": 5, "firstName": None}, "unnamed"),
        ({}, "unnamed"),
    ],
)
def test_a_contact_without_a_company_is_named_by_the_person(fields: dict[str, Any], expected: str) -> None:
    assert [contact.name for contact in answers.contacts({"billingContactId": "1", **fields})] == [expected]


def test_a_contacts_address_is_not_printed_by_chance() -> None:
    [contact] = answers.contacts([{"billingContactId": "1", "emailAddress": "a@example.com"}])
    assert contact.email_address == "a@example.com"
    assert "example.com" not in f"{contact} {contact.name}"


# --- orders --------------------------------------------------------------------------------------------------------

NOW = 1_720_000_000


@given(
    st.sampled_from([1, 1_000, 1_000_000]),
    texts_or_numbers,
    st.integers(1_000_000_000, 4_000_000_000),
)
def test_a_time_is_read_by_its_magnitude(unit: int, kind: Any, seconds: int) -> None:
    assert answers.when(kind(seconds * unit)) == seconds


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-07-03T09:46:40Z", NOW),
        ("2024-07-03T11:46:40+02:00", NOW),
        (" 2024-07-03T09:46:40Z ", NOW),
        ("2024-07-03 09:46:40", NOW + 12 * 3600),
    ],
)
def test_a_time_as_text_is_read_at_its_latest(value: str, expected: int) -> None:
    assert answers.when(value) == expected


def test_a_date_alone_is_read_at_its_latest() -> None:
    # The order may be from the last second of that day, at the far end of the world.
    assert answers.when("2024-07-03") is None or answers.when("2024-07-03") >= NOW + 14 * 3600 + 12 * 3600  # type: ignore[operator]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        0,
        5,
        -NOW,
        1.5,
        "",
        "yesterday",
        "03/07/2024",
        [],
        {},
        10**30,
        "0",
        "20240703",
        "1970-01-01T00:00:00Z",
        "0001-01-01T00:00:00Z",
        10**20,
        HUGE,
        -(10**30),
    ],
)
def test_a_time_that_cannot_be_is_no_time(value: Any) -> None:
    assert answers.when(value) is None


@given(st.text() | st.datetimes().map(str) | st.datetimes().map(lambda each: each.isoformat()) | st.integers())
def test_reading_a_time_never_fails(value: Any) -> None:
    found = answers.when(value)
    assert found is None or isinstance(found, float | int)


def test_the_last_times_of_all_do_not_fail() -> None:
    assert answers.when("9999-12-31T23:59:59") in (None, pytest.approx(253402343999, abs=1e6))


@given(texts_or_numbers, wraps())
def test_an_order_is_read_wherever_its_fields_stand(kind: Any, wrap: Wrap) -> None:
    document = as_sent(
        {
            "basicInformation": {"productNo": SERIAL.lower()},
            "orderInformation": wrap({"orderNo": kind("3206269349344043008"), "orderStatus": "pending"}),
            "times": {"createTime": NOW * 1000},
        }
    )
    found = answers.order(document)
    assert found.order_no == "3206269349344043008"
    assert (found.status, found.serial_number, found.created) == ("pending", SERIAL, NOW)


def test_an_order_with_several_times_is_as_young_as_the_youngest() -> None:
    # The PBX has a createTime of its own (Get Product Details); taken for the order's, it would settle it at once.
    document = {
        "basicInformation": {"productNo": SERIAL, "createTime": (NOW - 90 * 86400) * 1000},
        "orderInformation": {"orderNo": "OQ1", "orderStatus": "succeed", "createTime": NOW * 1000},
    }
    assert answers.order(document).created == NOW


def test_an_order_without_a_number_is_an_error_that_names_its_fields() -> None:
    with pytest.raises(ReadingError, match="without orderNo; fields found: orderStatus"):
        answers.order({"orderStatus": "pending"})


@given(wraps(), st.sampled_from(["poNumber", "remark", "x"]), st.sampled_from(["{}", "PO-7 {}", "PO-7 {} extra"]))
def test_our_reference_is_found_anywhere(wrap: Wrap, key: str, text: str) -> None:
    own = "YS-ABCDEFGH2345"
    for value in (text.format(own), [text.format(own)]):
        assert answers.order({"orderNo": "OQ1", "more": wrap({key: value})}).references == (own,)


def test_our_reference_is_found_in_a_list_within_a_list() -> None:
    assert answers.order({"orderNo": "OQ1", "tags": [["YS-ABCDEFGH2345"]]}).references == ("YS-ABCDEFGH2345",)


@pytest.mark.parametrize("text", ["YS-abcdefgh2345", "YS-ABC", "YS-ABCDEFGH2341", "XS-ABCDEFGH2345", ""])
def test_what_only_looks_like_a_reference_is_none(text: str) -> None:
    assert answers.order({"orderNo": "OQ1", "poNumber": text}).references == ()


@given(
    st.integers(0, 1000),
    st.integers(0, 1000),
    texts_or_numbers,
    st.sampled_from(["serviceName", "name"]),
    wraps(),
)
def test_quantities_are_read_beside_the_services_names(one: int, other: int, kind: Any, key: str, wrap: Wrap) -> None:
    document = {
        "orderNo": "OQ1",
        "orderSummary": wrap(
            [
                {key: "Extension Expansion", "quantity": kind(one)},
                {key: "CONCURRENT CALL EXPANSION", "quantity": kind(other)},
            ]
        ),
    }
    assert answers.order(document).quantities == {"extensions": one, "concurrent_calls": other}


@pytest.mark.parametrize(
    "items",
    [
        [],
        [{"quantity": 5}],
        [{"serviceName": "Hot Standby", "quantity": 5}],
        [{"serviceName": "Extension Expansion"}],
        [{"serviceName": "Extension Expansion", "quantity": 5}, {"serviceName": "Extension Expansion", "quantity": 6}],
        *[[{"serviceName": "Extension Expansion", "quantity": bad}] for bad in (-1, 1.5, "many", None, True, "", [5])],
    ],
)
def test_quantities_that_cannot_be_read_are_absent(items: list[Any]) -> None:
    assert answers.order(as_sent({"orderNo": "OQ1", "items": items})).quantities == {}


@pytest.mark.parametrize("bad", [None, "many", 48.0, -1])
def test_half_of_an_orders_quantities_is_none(bad: Any) -> None:
    items = [
        {"serviceName": "Extension Expansion", "quantity": 5},
        {"serviceName": "Concurrent Call Expansion", "quantity": bad},
    ]
    assert answers.order(as_sent({"orderNo": "OQ1", "items": items})).quantities == {}


def test_an_order_is_completed_from_its_details_and_the_lists_status_is_the_newer() -> None:
    listed = answers.order({"orderNo": "OQ1", "orderStatus": "succeed"})
    details = answers.order(
        {
            "orderNo": "OQ1",
            "orderStatus": "pending",
            "createTime": NOW,
            "poNumber": "YS-ABCDEFGH2345",
            "items": [{"name": "Extension Expansion", "quantity": 5}],
        }
    )
    assert listed.seen(details) == SeenOrder(
        order_no="OQ1", status="succeed", created=NOW, references=("YS-ABCDEFGH2345",), extensions=5
    )
    assert answers.order({"orderNo": "OQ1"}).seen().status == "unknown"


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "productNo",
                    "planId",
                    "serviceId",
                    "name",
                    "orderNo",
                    "orderStatus",
                    "createTime",
                    "quantity",
                    "extensionCapacity",
                    "billingContactId",
                    "results",
                    "total",
                    "isCurrent",
                    "currentPlanId",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@given(json_values)
def test_no_answer_makes_reading_fail_in_another_way_than_said(document: Any) -> None:
    for read in (
        answers.products,
        answers.contacts,
        answers.order,
        answers.receipt,
        answers.page,
        answers.keys_of,
        answers.service_names,
        lambda each: answers.counts(each, SERIAL, PLAIN),
        lambda each: answers.current_plan(each, None),
        lambda each: answers.services(each, ENTERPRISE),
        lambda each: answers.no_count(COUNTS, each, CapacityFields()),
    ):
        try:
            read(document)
        except ReadingError as error:
            assert str(error)  # noqa: PT017 - any other error fails the test


# --- the answer to an order ----------------------------------------------------------------------------------------


@given(wraps())
def test_a_receipt_is_read_wherever_it_stands(wrap: Wrap) -> None:
    taken = {"orderNo": "OQ1", "transactionNo": "QO1", "orderStatus": "succeed", "productNo": SERIAL.lower()}
    assert answers.receipt(wrap(taken)) == ("OQ1", "QO1", "succeed", SERIAL)


@pytest.mark.parametrize("document", [None, [], {}, "fine", 5, {"orderNo": None}, [[7]]])
def test_a_receipt_that_says_nothing_is_empty(document: Any) -> None:
    assert answers.receipt(document) == (None, None, None, None)
