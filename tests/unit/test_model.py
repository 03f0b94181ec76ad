"""The words of the package as data: what is taken, what is refused, what survives the state."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pulumi_yspartner.model import (
    COUNTS,
    MAX_COUNT,
    Declaration,
    OrderRecord,
    Purchase,
    Reading,
    SeenOrder,
    State,
    normalised_serial_number,
)

counts = st.integers(1, MAX_COUNT)
serials = st.from_regex(r"\A[A-Z0-9]{1,20}\Z")
ids = st.from_regex(r"\A[1-9][0-9]{0,18}\Z")
lines = st.from_regex(r"\A[A-Za-z0-9][A-Za-z0-9 ./-]{0,20}[A-Za-z0-9]\Z")


def declared(**changes: Any) -> Declaration:
    return Declaration.model_validate({"serial_number": "3651D3296882", "extensions": 250, **changes})


def reason(**changes: Any) -> tuple[str, str]:
    with pytest.raises(ValidationError) as failed:
        declared(**changes)
    (error,) = failed.value.errors()
    return str(error["loc"][0]), error["msg"]


# --- declarations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "at least 1"),
        (0.0, "at least 1"),
        (-1, "at least 1"),
        (-1e300, "at least 1"),
        (0.5, "whole number"),
        (250.5, "whole number"),
        (math.nan, "whole number"),
        (math.inf, "whole number"),
        (-math.inf, "whole number"),
        (True, "whole number"),
        (False, "whole number"),
        (MAX_COUNT + 1, "at most 1000000"),
        (1e18, "at most 1000000"),
        pytest.param(10**400, "at most 1000000", id="10**400"),
        ("250", "whole number"),
        ("", "whole number"),
        ([250], "whole number"),
        ({"a": 1}, "whole number"),
    ],
)
def test_a_count_that_is_refused(name: str, value: Any, words: str) -> None:
    where, said = reason(**{"extensions": None, "concurrent_calls": None, name: value})
    assert where == name
    assert words in said


@given(counts)
def test_a_count_is_whole_again_after_it_was_a_float(count: int) -> None:
    found = declared(extensions=float(count)).extensions
    assert found == count
    assert type(found) is int


def test_at_least_one_count_must_be_declared() -> None:
    with pytest.raises(ValidationError, match="concurrent_calls must be declared"):
        Declaration.model_validate({"serial_number": "A1"})
    assert Declaration(serial_number="A1", concurrent_calls=1).want == {"concurrent_calls": 1}
    assert declared(concurrent_calls=1).want == {"extensions": 250, "concurrent_calls": 1}


@pytest.mark.parametrize("name", ["billing_contact_id", "plan_id"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3197218168379846218, "in quotes"),
        (3197218168379846218.0, "in quotes"),
        (1, "in quotes"),
        (True, "in quotes"),
        ("", "digits"),
        ("12a", "digits"),
        ("-1", "digits"),
        ("1.0", "digits"),
        ("1e5", "digits"),
        ("\u0661\u0662", "digits"),
        ("1 2", "digits"),
    ],
)
def test_an_id_that_is_refused(name: str, value: Any, words: str) -> None:
    where, said = reason(**{name: value})
    assert where == name
    assert words in said


@given(ids)
def test_an_id_keeps_all_its_digits(value: str) -> None:
    assert declared(plan_id=f" {value} ").plan_id == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [(" 3651d3296882 ", "3651D3296882"), ("a-1", "A-1"), ("\t3651D3296882\n", "3651D3296882")],
)
def test_serial_numbers_are_stripped_and_upper_case(value: str, expected: str) -> None:
    assert declared(serial_number=value).serial_number == expected
    assert normalised_serial_number(value) == expected


@given(serials)
def test_normalising_a_serial_number_twice_changes_nothing(serial: str) -> None:
    once = normalised_serial_number(f" {serial.lower()} ")
    assert once == serial
    assert normalised_serial_number(once) == once


@pytest.mark.parametrize("value", ["", "  ", "A B", "A\nB", "A\x00B", "A\u200bB", "A" * 65, 3651, None, True])
def test_a_serial_number_that_is_refused(value: Any) -> None:
    assert reason(serial_number=value)[0] == "serial_number"


@pytest.mark.parametrize("name", ["po_number", "reorder"])
@pytest.mark.parametrize(
    "value", ["", " ", "a\nb", "a\rb", "a\tb", "a\x00b", "a\x1b[31mb", "a\u202eb", "x" * 129, 5, True]
)
def test_a_text_that_is_refused(name: str, value: Any) -> None:
    where, said = reason(**{name: value})
    assert where == name
    assert "text" in said or "one line" in said


@given(lines)
def test_a_text_is_kept(value: str) -> None:
    assert declared(po_number=value).po_number == value


def test_a_declaration_ignores_what_a_newer_version_wrote() -> None:
    assert declared(colour="red", observed={"extensions": 1}) == declared()


def test_a_declaration_leaves_out_what_is_not_declared() -> None:
    assert declared().dump() == {"serial_number": "3651D3296882", "extensions": 250}


# --- state ---------------------------------------------------------------------------------------------------------

quantities = st.fixed_dictionaries(
    {}, optional=dict.fromkeys([*COUNTS, *(f"{name}_before" for name in COUNTS)], st.integers(0, MAX_COUNT))
)
records = st.builds(
    lambda rest, numbers: OrderRecord.model_validate({**rest, **numbers}),
    st.fixed_dictionaries(
        {"status": st.sampled_from(["succeed", "pending", "unconfirmed"])},
        optional={
            "order_no": lines,
            "transaction_no": lines,
            "reference": st.just("YS-AAAAAAAAAAAA"),
            "time": st.just("2026-11-23T19:24:32Z"),
            "known": st.lists(lines, max_size=3).map(tuple),
        },
    ),
    quantities,
)
declarations = st.builds(
    lambda rest: Declaration.model_validate(rest),
    st.fixed_dictionaries(
        {"serial_number": serials, "extensions": counts},
        optional={
            "concurrent_calls": counts,
            "billing_contact_id": ids,
            "plan_id": ids,
            "po_number": lines,
            "reorder": lines,
        },
    ),
)
states = st.builds(
    State,
    declaration=declarations,
    capacity=st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, st.integers(0, MAX_COUNT))),
    orders=st.lists(records, max_size=3).map(tuple),
    status=st.sampled_from(["satisfied", "ordered", "awaiting_payment", "unconfirmed", "short"]),
)


def over_the_wire(value: Any) -> Any:
    """What Pulumi makes of it: every number a float, and lists for tuples."""
    return json.loads(json.dumps(value), parse_int=float)


@given(states)
def test_state_survives_the_way_through_the_engine(state: State) -> None:
    again = State.from_outputs(over_the_wire(state.outputs()))
    assert again == state
    assert ".0" not in json.dumps({name: again.outputs()[name] for name in ("capacity", "orders")})


@given(states)
def test_outputs_hold_nothing_that_check_decides(state: State) -> None:
    assert not {"observed", "purchase", "refused"} & state.outputs().keys()
    assert None not in state.outputs().values()


@given(states)
def test_state_ignores_what_a_newer_version_wrote(state: State) -> None:
    outputs = over_the_wire(state.outputs())
    outputs["colour"] = {"red": 1}
    outputs["orders"] = [{**order, "colour": "red"} for order in outputs["orders"]]
    assert State.from_outputs(outputs) == state


def test_state_of_an_older_version_without_orders_is_read() -> None:
    state = State.from_outputs({"serial_number": "A1", "extensions": 5.0})
    assert state.orders == ()
    assert state.capacity == {}
    assert state.status == "short"


def test_shape_of_the_state_is_frozen() -> None:
    state = State(
        declaration=declared(concurrent_calls=60, billing_contact_id="1", plan_id="2", po_number="P", reorder="r"),
        capacity={"extensions": 50, "concurrent_calls": 12},
        orders=(
            OrderRecord(
                order_no="OQ1",
                transaction_no="QO1",
                reference="YS-AAAAAAAAAAAA",
                status="succeed",
                extensions=200,
                concurrent_calls=48,
                extensions_before=50,
                concurrent_calls_before=12,
                time="2026-11-23T19:24:32Z",
            ),
        ),
        status="ordered",
    )
    assert state.outputs() == {
        "serial_number": "3651D3296882",
        "extensions": 250,
        "concurrent_calls": 60,
        "billing_contact_id": "1",
        "plan_id": "2",
        "po_number": "P",
        "reorder": "r",
        "capacity": {"extensions": 50, "concurrent_calls": 12},
        "orders": [
            {
                "order_no": "OQ1",
                "transaction_no": "QO1",
                "reference": "YS-AAAAAAAAAAAA",
                "status": "succeed",
                "extensions": 200,
                "concurrent_calls": 48,
                "extensions_before": 50,
                "concurrent_calls_before": 12,
                "time": "2026-11-23T19:24:32Z",
            }
        ],
        "status": "ordered",
    }


# --- the rest ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Purchase, OrderRecord, SeenOrder, Reading])
@pytest.mark.parametrize("value", [-1, 1.5, math.nan, math.inf, "many"])
def test_no_quantity_is_negative_or_broken(model: type, value: Any) -> None:
    base = {
        "summary": "buy",
        "extensions": 1,
        "concurrent_calls": 1,
        "billing_contact_id": "1",
        "plan_id": "2",
        "reference": "YS-AAAAAAAAAAAA",
        "status": "succeed",
        "order_no": "OQ1",
    }
    model.model_validate(base)
    with pytest.raises(ValidationError):
        model.model_validate({**base, "extensions": value})


def test_a_purchase_names_only_what_it_buys() -> None:
    purchase = Purchase(
        summary="buy", extensions=0, concurrent_calls=3, billing_contact_id="1", plan_id="2", reference="YS-"
    )
    assert purchase.quantities == {"concurrent_calls": 3}
    assert purchase.dump()["extensions"] == 0


def test_a_record_of_an_order_holds_the_counts_before_it() -> None:
    record = OrderRecord.buying({"extensions": 200}, {"extensions": 50, "concurrent_calls": 12}, status="succeed")
    assert record.before == {"extensions": 50}
    assert record.concurrent_calls_before is None


@given(
    st.fixed_dictionaries(dict.fromkeys(COUNTS, st.integers(0, 50))),
    st.fixed_dictionaries(dict.fromkeys(COUNTS, st.integers(0, 50))),
    st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, st.integers(0, 120))),
)
def test_an_order_is_reached_when_every_count_it_bought_is(
    bought: dict[Any, int], before: dict[Any, int], have: dict[Any, int]
) -> None:
    record = OrderRecord.buying(bought, before, status="succeed")
    expected = any(bought.values()) and all(
        name in have and have[name] >= before[name] + bought[name] for name in COUNTS if bought[name]
    )
    assert record.reached(have) is expected


def test_data_is_frozen() -> None:
    with pytest.raises(ValidationError):
        declared().extensions = 1  # type: ignore[misc]
