"""The pure rules: what is bought, what is refused, what an order means (design section 4, rules 3, 4, 7, 8, 9, 13)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from pulumi_yspartner.model import (
    COUNTED,
    COUNTS,
    NEVER_PLACED,
    REFERENCE,
    UNCONFIRMED,
    CountName,
    Declaration,
    OrderRecord,
    Purchase,
    Reading,
    SeenOrder,
    iso,
    unix,
)
from pulumi_yspartner.orders import (
    adopted,
    covers,
    is_dead,
    is_old,
    is_open,
    is_settled,
    reference,
    same_purchase,
    settle,
    status,
    up_to_date,
)
from pulumi_yspartner.planning import Before, Plan, over_limit, plan
from pulumi_yspartner.settings import Limits, Settings
from pulumi_yspartner.wording import age, amount, amounts, amounts_named, shortage, steps

SERIAL = "3651D3296882"
CONTACT = "3197218168379846218"
PLAN = "3049040650094403584"
NOW = 1_800_000_000.0
HOUR = 3600.0
DEAD = ("failed", "invalid", "cancelled", "refunded")
SETTINGS = Settings()

# --- strategies ----------------------------------------------------------------------------------------------------

floors = st.integers(1, 400)
live = st.integers(0, 400)
wants = st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, floors)).filter(bool)
haves = st.fixed_dictionaries(dict.fromkeys(COUNTS, live))
texts = st.text("abcdefgh", min_size=1, max_size=4)
reorders = st.none() | texts
statuses = (
    st.sampled_from([*DEAD, "succeed", "SUCCEED", "Succeed", "pending", "confirming", "unknown", "consigned"]) | texts
)
ages = st.none() | st.floats(0, 100 * HOUR)


def declared(want: dict[CountName, int], **rest: Any) -> Declaration:
    return Declaration.model_validate({"serial_number": SERIAL, **want, **rest})


def reading(have: dict[CountName, int], **rest: Any) -> Reading:
    return Reading.model_validate({"billing_contact_id": CONTACT, "plan_id": PLAN, **have, **rest})


declarations = st.builds(lambda want, reorder: declared(want, reorder=reorder), wants, reorders)


@st.composite
def orders(draw: st.DrawFn, own_references: tuple[str, ...] = ()) -> SeenOrder:
    old = draw(ages)
    choices = [(), ("YS-AAAAAAAAAAAA",), *((each,) for each in own_references)]
    quantities = draw(st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, st.integers(0, 400))))
    return SeenOrder(
        order_no=draw(st.sampled_from(["OQ1", "OQ2", "OQ3"])),
        status=draw(statuses),
        created=None if old is None else NOW - old,
        references=draw(st.sampled_from(choices)),
        **quantities,
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[Declaration, Before | None, Reading]:
    declaration, have = draw(declarations), draw(haves)
    before = None
    if draw(st.booleans()):
        old = draw(declarations | st.just(declaration))
        before = Before(old)
        if draw(st.booleans()):
            counts = draw(haves)
            before = Before(old, bought(draw(haves), reference(old)), {name: counts[name] for name in old.want})
    seen = draw(st.lists(orders(own_references=(reference(declaration),)), max_size=3))
    return declaration, before, reading(have, orders=seen)


def bought(quantities: dict[CountName, int], own: str = "YS-BBBBBBBBBBBB") -> Purchase:
    return Purchase(
        summary="buy", billing_contact_id=CONTACT, plan_id=PLAN, reference=own, **dict.fromkeys(COUNTS, 0) | quantities
    )


def decide(
    want: dict[CountName, int],
    have: dict[CountName, int],
    old: dict[CountName, int] | None = None,
    *,
    settings: Settings = SETTINGS,
    old_rest: dict[str, Any] | None = None,
    purchase: Purchase | None = None,
    counts: dict[CountName, int] | None = None,
    **rest: Any,
) -> Plan:
    declaration_rest = {name: rest.pop(name) for name in ("reorder", "po_number", "plan_id") if name in rest}
    before = None if old is None else Before(declared(old, **old_rest or {}), purchase, counts)
    return plan(declared(want, **declaration_rest), before, reading(have, **rest), settings, NOW)


def order(order_status: str = "succeed", hours: float | None = 1.0, no: str = "OQ1", **rest: Any) -> SeenOrder:
    created = None if hours is None else NOW - hours * HOUR
    return SeenOrder(order_no=no, status=order_status, created=created, **rest)


def record(
    order_status: str = "succeed", no: str | None = "OQ1", hours: float | None = 1.0, **rest: Any
) -> OrderRecord:
    time = None if hours is None else iso(NOW - hours * HOUR)
    return OrderRecord.model_validate({"order_no": no, "status": order_status, "time": time, **rest})


# --- what is bought: rules 8, 9, 13 --------------------------------------------------------------------------------


@given(situations())
def test_never_buys_past_the_declared_floor(situation: tuple[Declaration, Before | None, Reading]) -> None:
    declaration, before, seen = situation
    purchase = plan(declaration, before, seen, SETTINGS, NOW).purchase
    if purchase is not None:
        assert purchase.quantities, "a purchase of nothing"
        for name, quantity in purchase.quantities.items():
            assert quantity <= declaration.want[name] - seen.counts[name]


@given(situations())
def test_is_either_a_purchase_or_a_refusal(situation: tuple[Declaration, Before | None, Reading]) -> None:
    decided = plan(*situation, SETTINGS, NOW)
    assert decided.purchase is None or decided.refused is None


@given(declarations, haves, st.lists(orders(), max_size=3), st.booleans())
def test_unchanged_declaration_never_buys_and_is_never_refused(
    declaration: Declaration, have: dict[CountName, int], seen: list[SeenOrder], had_bought: bool
) -> None:
    purchase = bought(have, reference(declaration)) if had_bought else None
    before = Before(declaration, purchase, have if had_bought else None)
    assert plan(declaration, before, reading(have, orders=seen), SETTINGS, NOW) == Plan()
    unreadable = Reading(unreadable="the portal is down", duplicate="twice", obstacle="no contact")
    assert plan(declaration, before, unreadable, SETTINGS, NOW) == Plan()
    assert plan(declaration, before, None, SETTINGS, NOW) == Plan()


@given(wants, wants, haves)
def test_each_count_buys_for_itself(
    want: dict[CountName, int], old: dict[CountName, int], have: dict[CountName, int]
) -> None:
    decided = decide(want, have, old)
    for name in COUNTS:
        if name not in want or (name in old and want[name] <= old[name]):
            assert decided.purchase is None or name not in decided.purchase.quantities
    lowered_below = any(name in old and want[name] < old[name] and want[name] < have[name] for name in want)
    expected = {
        name: want[name] - have[name]
        for name in want
        if (name not in old or want[name] > old[name]) and want[name] > have[name]
    }
    if lowered_below:
        assert decided.refused is not None
    else:
        assert decided.refused is None
        assert (decided.purchase.quantities if decided.purchase else {}) == expected


@given(wants, haves)
def test_new_resource_buys_exactly_what_is_missing(want: dict[CountName, int], have: dict[CountName, int]) -> None:
    decided = decide(want, have)
    expected = {name: floor - have[name] for name, floor in want.items() if floor > have[name]}
    assert decided.refused is None
    assert (decided.purchase.quantities if decided.purchase else {}) == expected


@given(wants, haves)
def test_adopting_what_a_pbx_has_or_less_buys_nothing(want: dict[CountName, int], extra: dict[CountName, int]) -> None:
    have = {name: want.get(name, 0) + extra[name] for name in COUNTS}
    assert decide(want, have, obstacle="the account has several billing contacts") == Plan()


@given(wants, haves, wants)
def test_lowering_never_buys(want: dict[CountName, int], have: dict[CountName, int], add: dict[CountName, int]) -> None:
    old = {name: floor + add.get(name, 0) for name, floor in want.items()}
    assert decide(want, have, old).purchase is None


def test_lowering_below_what_the_pbx_has_is_refused_with_what_it_has() -> None:
    decided = decide({"extensions": 100}, {"extensions": 250, "concurrent_calls": 12}, {"extensions": 250})
    assert decided.purchase is None
    assert decided.refused is not None
    assert "extensions is lowered to 100" in decided.refused
    assert "250 extensions" in decided.refused
    assert "given back" in decided.refused


@pytest.mark.parametrize("have", [100, 60, 0])
def test_lowering_to_what_the_pbx_has_or_more_is_allowed_and_buys_nothing(have: int) -> None:
    assert decide({"extensions": 100}, {"extensions": have, "concurrent_calls": 12}, {"extensions": 250}) == Plan()


def test_raising_one_count_does_not_hide_that_the_other_is_lowered_below_what_there_is() -> None:
    decided = decide(
        {"extensions": 300, "concurrent_calls": 5},
        {"extensions": 250, "concurrent_calls": 12},
        {"extensions": 250, "concurrent_calls": 12},
    )
    assert decided.purchase is None
    assert decided.refused is not None
    assert "concurrent_calls is lowered" in decided.refused


def test_raising_one_count_does_not_buy_back_the_other() -> None:
    decided = decide(
        {"extensions": 250, "concurrent_calls": 80},
        {"extensions": 50, "concurrent_calls": 60},
        {"extensions": 250, "concurrent_calls": 60},
    )
    assert decided.purchase is not None
    assert decided.purchase.quantities == {"concurrent_calls": 20}
    assert decided.purchase.extensions == 0


@given(wants, haves, reorders, texts)
def test_reorder_asks_once_in_the_run_where_it_changes(
    want: dict[CountName, int], have: dict[CountName, int], old: str | None, new: str
) -> None:
    assume(old != new)
    expected = {name: floor - have[name] for name, floor in want.items() if floor > have[name]}
    asked = decide(want, have, want, reorder=new, old_rest={"reorder": old})
    assert asked.refused is None
    assert (asked.purchase.quantities if asked.purchase else {}) == expected
    assert decide(want, have, want, reorder=new, old_rest={"reorder": new}) == Plan()


def test_taking_reorder_away_asks_for_nothing() -> None:
    assert decide({"extensions": 250}, {"extensions": 50}, {"extensions": 250}, old_rest={"reorder": "a"}) == Plan()


@pytest.mark.parametrize(("name", "value"), [("po_number", "PO-2"), ("plan_id", PLAN)])
def test_changing_anything_but_counts_and_reorder_buys_nothing(name: str, value: str) -> None:
    assert decide({"extensions": 250}, {"extensions": 50}, {"extensions": 250}, **{name: value}) == Plan()


@given(declarations, haves)
def test_settings_of_the_day_do_not_change_what_is_planned(
    declaration: Declaration, have: dict[CountName, int]
) -> None:
    # `purchases` is switched between a review and its apply; a plan that moved with it would be refused.
    deny, allow = (plan(declaration, None, reading(have), Settings(purchases=each), NOW) for each in ("deny", "allow"))
    assert deny == allow


@given(declarations, haves, st.floats(0, 1e6))
def test_plan_does_not_depend_on_the_time_of_day(
    declaration: Declaration, have: dict[CountName, int], later: float
) -> None:
    assert plan(declaration, None, reading(have), SETTINGS, NOW) == plan(
        declaration, None, reading(have), SETTINGS, NOW + later
    )


@given(declarations, haves)
def test_price_stands_nowhere_in_the_purchase(declaration: Declaration, have: dict[CountName, int]) -> None:
    cheap, dear = (plan(declaration, None, reading(have, price=each), SETTINGS, NOW) for each in ("1.00 USD", None))
    assert cheap == dear


# --- no count, no order: rule 1 ------------------------------------------------------------------------------------


@given(declarations, st.sampled_from(["none", "unread", "unreadable", "duplicate"]), haves)
def test_without_readable_counts_nothing_is_bought_and_it_says_why(
    declaration: Declaration, kind: str, have: dict[CountName, int]
) -> None:
    seen = {
        "none": None,
        "unread": Reading(),
        "unreadable": Reading(unreadable="the portal is down", **have),
        "duplicate": reading(have, duplicate="declared by 2 resources"),
    }[kind]
    decided = plan(declaration, None, seen, SETTINGS, NOW)
    assert decided.purchase is None
    assert decided.refused
    if kind == "unreadable":
        assert decided.refused == "the portal is down"
    if kind == "duplicate":
        assert decided.refused == "declared by 2 resources"


def test_a_missing_count_is_named() -> None:
    decided = decide({"extensions": 250, "concurrent_calls": 60}, {"extensions": 250})
    assert decided.purchase is None
    assert decided.refused is not None
    assert "concurrent calls" in decided.refused
    assert "extensions" not in decided.refused


def test_a_count_that_is_not_declared_need_not_be_known() -> None:
    decided = decide({"extensions": 250}, {"extensions": 50})
    assert decided.purchase is not None
    assert decided.purchase.quantities == {"extensions": 200}


@pytest.mark.parametrize(
    ("lacking", "word"),
    [
        ({"billing_contact_id": None}, "billing contact"),
        ({"plan_id": None}, "plan"),
        ({"obstacle": "plan 7 is not among the PBX's plans"}, "plan 7"),
        ({"not_offered": {"extensions": "no such service"}}, "no such service"),
    ],
)
def test_an_order_that_cannot_be_built_is_refused(lacking: dict[str, Any], word: str) -> None:
    decided = plan(declared({"extensions": 250}), None, reading({"extensions": 50}, **lacking), SETTINGS, NOW)
    assert decided.purchase is None
    assert decided.refused is not None
    assert word in decided.refused


def test_a_service_that_is_not_needed_need_not_be_offered() -> None:
    decided = decide(
        {"extensions": 250, "concurrent_calls": 12},
        {"extensions": 50, "concurrent_calls": 12},
        not_offered={"concurrent_calls": "no such service"},
    )
    assert decided.purchase is not None


# --- one order in flight: rule 3 -----------------------------------------------------------------------------------


@given(statuses, ages, wants, haves)
def test_new_resource_buys_only_when_every_order_is_settled(
    order_status: str, old: float | None, want: dict[CountName, int], have: dict[CountName, int]
) -> None:
    seen = SeenOrder(order_no="OQ1", status=order_status, created=None if old is None else NOW - old)
    settled = order_status.casefold() in DEAD or (
        order_status.casefold() == "succeed" and old is not None and NOW - (NOW - old) > 24 * HOUR
    )
    decided = decide(want, have, orders=[seen])
    if decided.purchase is not None:
        assert settled
    elif any(floor > have[name] for name, floor in want.items()):
        assert not settled
        assert decided.refused is not None
        assert "OQ1" in decided.refused
        assert order_status in decided.refused


@given(statuses.filter(lambda each: each.casefold() not in (*DEAD, "succeed")), ages, wants, wants, haves)
def test_anything_but_dead_or_succeeded_blocks_an_existing_resource_too(
    order_status: str,
    old: float | None,
    want: dict[CountName, int],
    before: dict[CountName, int],
    have: dict[CountName, int],
) -> None:
    seen = SeenOrder(order_no="OQ1", status=order_status, created=None if old is None else NOW - old)
    assert decide(want, have, before, orders=[seen]).purchase is None
    assert decide(want, have, before, orders=[seen], reorder="again").purchase is None


def test_a_dead_order_does_not_block() -> None:
    for dead in DEAD:
        assert decide({"extensions": 250}, {"extensions": 50}, orders=[order(dead)]).purchase is not None


def test_an_order_that_a_person_has_checked_does_not_block() -> None:
    seen = [order("pending", None)]
    assert decide({"extensions": 250}, {"extensions": 50}, orders=seen).purchase is None
    settings = Settings(settled_orders=("OQ1",))
    assert decide({"extensions": 250}, {"extensions": 50}, orders=seen, settings=settings).purchase is not None


def test_one_unsettled_order_among_settled_ones_blocks() -> None:
    seen = [order("failed", no="OQ1"), order("succeed", 100, no="OQ2"), order("pending", no="OQ3")]
    decided = decide({"extensions": 250}, {"extensions": 50}, orders=seen)
    assert decided.purchase is None
    assert decided.refused is not None
    assert "OQ3" in decided.refused


def test_the_last_purchase_blocks_until_the_counts_hold_it() -> None:
    own = reference(declared({"extensions": 250}))
    last = {"purchase": bought({"extensions": 200}, own), "counts": {"extensions": 50}}
    for references in ((), (own,)):
        seen = [order("succeed", 1, references=references)]
        waiting = decide({"extensions": 300}, {"extensions": 50}, {"extensions": 250}, orders=seen, **last)
        assert waiting.purchase is None
        assert waiting.refused is not None
        counted = decide({"extensions": 300}, {"extensions": 250}, {"extensions": 250}, orders=seen, **last)
        assert counted.purchase is not None
        assert counted.purchase.quantities == {"extensions": 50}


def test_the_last_purchase_blocks_while_one_of_its_two_counts_is_missing() -> None:
    old = {"extensions": 250, "concurrent_calls": 60}
    last = {
        "purchase": bought({"extensions": 200, "concurrent_calls": 48}, reference(declared(old))),
        "counts": {"extensions": 50, "concurrent_calls": 12},
    }
    half = {"extensions": 250, "concurrent_calls": 12}
    decided = decide(old | {"concurrent_calls": 80}, half, old, orders=[order("succeed", 1)], **last)
    assert decided.purchase is None
    assert decided.refused is not None


SETTLED_TABLE: list[tuple[str, SeenOrder, list[OrderRecord], dict[CountName, int], bool]] = [
    *[(f"dead: {dead}", order(dead, None), [], {}, True) for dead in (*DEAD, "Failed", "CANCELLED")],
    *[(f"unsettled: {each}", order(each, 1000), [], {}, False) for each in ("pending", "con", "confirmed", "", "ok")],
    ("succeeded, older than settleHours", order("succeed", 24.1), [], {}, True),
    ("succeeded, younger than settleHours", order("succeed", 23.9), [], {}, False),
    ("succeeded, of unknown age", order("succeed", None), [], {}, False),
    ("succeeded, in the future", order("succeed", -1000), [], {}, False),
    ("succeeded in capitals, old", order("SUCCEED", 25), [], {}, True),
    (
        "ours and counted",
        order("succeed", None),
        [record(extensions=200, extensions_before=50)],
        {"extensions": 250},
        True,
    ),
    (
        "ours, one short of counted",
        order("succeed", 1),
        [record(extensions=200, extensions_before=50)],
        {"extensions": 249},
        False,
    ),
    (
        "ours, one of two counted",
        order("succeed", 1),
        [record(extensions=200, extensions_before=50, concurrent_calls=48, concurrent_calls_before=12)],
        {"extensions": 250, "concurrent_calls": 12},
        False,
    ),
    (
        "ours, both counted",
        order("succeed", 1),
        [record(extensions=200, extensions_before=50, concurrent_calls=48, concurrent_calls_before=12)],
        {"extensions": 250, "concurrent_calls": 60},
        True,
    ),
    (
        "ours, the counts before it are unknown",
        order("succeed", 1),
        [record(extensions=200)],
        {"extensions": 999},
        False,
    ),
    ("ours, its quantities are unknown", order("succeed", 1), [record()], {"extensions": 999}, False),
    (
        "another's, counted by chance",
        order("succeed", 1, no="OQ2"),
        [record(extensions=200, extensions_before=50)],
        {"extensions": 250},
        False,
    ),
    (
        "ours, counted, but not succeeded",
        order("pending", 1),
        [record(extensions=200, extensions_before=50)],
        {"extensions": 250},
        False,
    ),
]


@pytest.mark.parametrize(
    ("seen", "records", "have", "expected"), [row[1:] for row in SETTLED_TABLE], ids=[row[0] for row in SETTLED_TABLE]
)
def test_which_orders_are_settled(
    seen: SeenOrder, records: list[OrderRecord], have: dict[CountName, int], expected: bool
) -> None:
    assert is_settled(seen, records, have, SETTINGS, NOW) is expected


def test_listed_by_a_person_is_settled_whatever_its_status() -> None:
    settings = Settings(settled_orders=("OQ1",))
    assert is_settled(order("pending", None), [], {}, settings, NOW)
    assert not is_settled(order("pending", None, no="OQ11"), [], {}, settings, NOW)


@given(statuses.filter(lambda each: each.casefold() not in (*DEAD, "succeed")), ages, haves)
def test_every_unknown_status_is_unsettled_at_any_age(
    order_status: str, old: float | None, have: dict[CountName, int]
) -> None:
    seen = SeenOrder(order_no="OQ1", status=order_status, created=None if old is None else NOW - old)
    ours = record(extensions=1, extensions_before=0)
    assert not is_settled(seen, [ours], have, SETTINGS, NOW)
    assert not is_dead(order_status, SETTINGS)


@pytest.mark.parametrize(("hours", "expected"), [(23.99, False), (24.01, True), (0, False)])
def test_an_order_is_old_after_settle_hours(hours: float, expected: bool) -> None:
    assert is_old(NOW - hours * HOUR, SETTINGS, NOW) is expected
    assert is_old(NOW - hours * HOUR, Settings(settle_hours=48), NOW) is False


def test_an_order_of_unknown_age_is_never_old() -> None:
    assert is_old(None, SETTINGS, NOW + 1e9) is False


def test_dead_statuses_are_configurable() -> None:
    settings = Settings(dead_order_statuses=("Rejected",))
    assert is_dead("rejected", settings)
    assert not is_dead("failed", settings)


# --- our reference: rules 4, 9 -------------------------------------------------------------------------------------


@given(declarations)
def test_reference_is_found_by_its_pattern_and_stable(declaration: Declaration) -> None:
    own = reference(declaration)
    assert REFERENCE.fullmatch(own)
    assert REFERENCE.findall(f"PO-7 {own} x") == [own]
    assert own == reference(Declaration.model_validate(declaration.dump()))


def test_reference_never_changes_between_releases() -> None:
    # It stands in orders and states of users: the same declaration must be found again.
    assert reference(declared({"extensions": 250, "concurrent_calls": 60})) == "YS-ZS3FG4KL32PW"
    assert reference(declared({"extensions": 250}, reorder="again")) == "YS-HBK2MHRUOAD5"


@given(declarations, declarations)
@example(declared({"extensions": 12}), declared({"concurrent_calls": 12}))
@example(declared({"extensions": 1, "concurrent_calls": 11}), declared({"extensions": 11, "concurrent_calls": 1}))
def test_reference_tells_wants_and_reorder_apart(one: Declaration, other: Declaration) -> None:
    same = one.want == other.want and (one.reorder or "") == (other.reorder or "")
    assert (reference(one) == reference(other)) is same


def test_reference_tells_pbxs_apart() -> None:
    one = Declaration(serial_number="A1", extensions=5)
    assert reference(one) != reference(one.model_copy(update={"serial_number": "A2"}))
    assert reference(one) == reference(Declaration(serial_number=" a1 ", extensions=5))


def test_reference_does_not_depend_on_what_only_the_order_carries() -> None:
    plain = declared({"extensions": 250})
    for change in ({"po_number": "PO-1"}, {"plan_id": "1"}, {"billing_contact_id": "2"}):
        assert reference(declared({"extensions": 250}, **change)) == reference(plain)


@given(orders(own_references=("YS-CCCCCCCCCCCC",)), wants)
def test_covers_needs_our_reference_and_every_quantity(seen: SeenOrder, need: dict[CountName, int]) -> None:
    expected = "YS-CCCCCCCCCCCC" in seen.references and all(
        (getattr(seen, name) or 0) >= number for name, number in need.items()
    )
    assert covers(seen, need, "YS-CCCCCCCCCCCC") is expected


def test_open_order_of_ours_that_covers_the_need_is_adopted_instead_of_bought() -> None:
    own = reference(declared({"extensions": 250}))
    seen = [order("pending", 1, references=(own,), extensions=200)]
    assert decide({"extensions": 250}, {"extensions": 50}, orders=seen) == Plan()


@pytest.mark.parametrize(
    "seen",
    [
        order("pending", 1, extensions=200),
        order("pending", 1, references=("YS-AAAAAAAAAAAA",), extensions=200),
        order("pending", 1, references=(reference(declared({"extensions": 250})),), extensions=199),
        order("pending", 1, references=(reference(declared({"extensions": 250})),)),
    ],
    ids=["no reference", "another reference", "too few", "unreadable quantity"],
)
def test_any_other_open_order_refuses(seen: SeenOrder) -> None:
    decided = decide({"extensions": 250}, {"extensions": 50}, orders=[seen])
    assert decided.purchase is None
    assert decided.refused is not None


@given(st.sampled_from(DEAD), ages)
def test_new_resource_with_a_dead_order_of_ours_needs_reorder(dead: str, old: float | None) -> None:
    own = reference(declared({"extensions": 250}))
    seen = [order(dead, None if old is None else old / HOUR, references=(own,), extensions=200)]
    decided = decide({"extensions": 250}, {"extensions": 50}, orders=seen)
    assert decided.purchase is None
    assert decided.refused is not None
    assert "reorder" in decided.refused
    assert decide({"extensions": 250}, {"extensions": 50}, orders=seen, reorder="again").purchase is not None


def test_existing_resource_with_a_dead_order_of_ours_buys_when_raised_again() -> None:
    own = reference(declared({"extensions": 250}))
    seen = [order("failed", 1, references=(own,), extensions=200)]
    assert decide({"extensions": 250}, {"extensions": 50}, {"extensions": 100}, orders=seen).purchase is not None


def test_adopted_order_is_counted_only_when_the_floor_is_reached() -> None:
    declaration = declared({"extensions": 250, "concurrent_calls": 60})
    found = adopted(order("pending", 1, extensions=200, concurrent_calls=48), declaration)
    assert found.order_no == "OQ1"
    assert found.reference == reference(declaration)
    assert found.before == {"extensions": 50, "concurrent_calls": 12}
    assert found.time == iso(NOW - HOUR)
    assert not found.reached({"extensions": 250, "concurrent_calls": 59})
    assert found.reached({"extensions": 250, "concurrent_calls": 60})


# --- unclear attempts: rule 5 --------------------------------------------------------------------------------------

ATTEMPT = record(
    UNCONFIRMED, None, reference="YS-CCCCCCCCCCCC", extensions=200, extensions_before=50, known=("OQ0", "OQ9")
)


@pytest.mark.parametrize(
    ("seen", "have", "hours", "expected"),
    [
        ([], 50, 1, (UNCONFIRMED, None)),
        ([order("succeed", 1, references=("YS-CCCCCCCCCCCC",))], 50, 1, ("succeed", "OQ1")),
        ([order("pending", 1, references=("YS-CCCCCCCCCCCC",))], 250, 1, ("pending", "OQ1")),
        ([order("failed", 1, references=("YS-CCCCCCCCCCCC",))], 50, 1, ("failed", "OQ1")),
        ([order("succeed", 1, extensions=200)], 50, 1, ("succeed", "OQ1")),
        ([order("succeed", 1)], 50, 1, ("succeed", "OQ1")),
        ([order("succeed", 1, extensions=100)], 50, 1, (UNCONFIRMED, None)),
        ([order("succeed", 1, references=("YS-DDDDDDDDDDDD",), extensions=200)], 50, 1, (UNCONFIRMED, None)),
        ([order("succeed", 1, no="OQ9", extensions=200)], 50, 1, (UNCONFIRMED, None)),
        ([order("succeed", 1, no="OQ9", extensions=200)], 250, 1, (COUNTED, None)),
        ([], 250, 1, (COUNTED, None)),
        ([], 249, 1, (UNCONFIRMED, None)),
        ([], 50, 23.9, (UNCONFIRMED, None)),
        ([], 50, 24.1, (NEVER_PLACED, None)),
        ([], 250, 24.1, (COUNTED, None)),
        ([order("succeed", 30, references=("YS-CCCCCCCCCCCC",))], 50, 30, ("succeed", "OQ1")),
    ],
    ids=[
        "no trace",
        "our reference",
        "our reference, pending though counted",
        "our reference, denied",
        "same quantities",
        "nothing readable",
        "other quantities",
        "another reference of ours",
        "known before it was sent",
        "known before, but counted",
        "counted",
        "not all counted",
        "young",
        "too old",
        "too old, but counted",
        "too old, but found",
    ],
)
def test_an_unclear_attempt_is_settled_by_evidence_only(
    seen: list[SeenOrder], have: int, hours: float, expected: tuple[str, str | None]
) -> None:
    attempt = ATTEMPT.model_copy(update={"time": iso(NOW - hours * HOUR)})
    settled = settle(attempt, seen, {"extensions": have}, SETTINGS, NOW)
    assert (settled.status, settled.order_no) == expected
    assert settled.quantities == attempt.quantities
    assert settled.before == attempt.before
    assert settled.reference == attempt.reference
    assert (settled.known is None) is (settled.status != UNCONFIRMED)


def test_an_attempt_of_unknown_time_is_never_given_up() -> None:
    attempt = ATTEMPT.model_copy(update={"time": None})
    assert settle(attempt, [], {"extensions": 50}, SETTINGS, NOW + 1e9).status == UNCONFIRMED


def test_our_reference_wins_over_an_order_that_merely_fits() -> None:
    fits = order("failed", 1, no="OQ1", extensions=200)
    ours = order("pending", 1, no="OQ2", references=("YS-CCCCCCCCCCCC",))
    for seen in ([fits, ours], [ours, fits]):
        assert settle(ATTEMPT, seen, {"extensions": 50}, SETTINGS, NOW).order_no == "OQ2"


@given(orders(own_references=("YS-CCCCCCCCCCCC",)))
def test_an_order_with_another_reference_is_never_taken_for_an_attempts(seen: SeenOrder) -> None:
    if "YS-CCCCCCCCCCCC" in seen.references:
        assert same_purchase(seen, ATTEMPT)
    elif seen.references:
        assert not same_purchase(seen, ATTEMPT)
    else:
        assert same_purchase(seen, ATTEMPT) is (seen.quantities in ({}, ATTEMPT.quantities))


def test_records_follow_the_portals_statuses() -> None:
    records = (record("pending", "OQ1"), record("pending", "OQ2"), record(COUNTED, None))
    fresh = up_to_date(records, [order("failed", no="OQ1")], {}, SETTINGS, NOW)
    assert [each.status for each in fresh] == ["failed", "pending", COUNTED]


def test_one_order_settles_one_attempt_only() -> None:
    first, second = ATTEMPT, ATTEMPT.model_copy(update={"reference": "YS-EEEEEEEEEEEE"})
    fresh = up_to_date((first, second), [order("succeed", 1, extensions=200)], {"extensions": 50}, SETTINGS, NOW)
    assert [each.order_no for each in fresh] == ["OQ1", None]
    assert fresh[1].status == UNCONFIRMED


def test_an_order_that_is_recorded_settles_no_attempt() -> None:
    records = (ATTEMPT, record("succeed", "OQ1"))
    fresh = up_to_date(records, [order("succeed", 1, extensions=200)], {"extensions": 50}, SETTINGS, NOW)
    assert fresh[0].status == UNCONFIRMED


def test_an_attempt_that_was_never_placed_takes_no_order_of_a_later_one() -> None:
    # Lowered and raised again, a declaration has the same reference as before.
    given_up = record(NEVER_PLACED, None, 60, reference="YS-CCCCCCCCCCCC", extensions=200, extensions_before=50)
    seen = [order("pending", 1, references=("YS-CCCCCCCCCCCC",), extensions=200)]
    fresh = up_to_date((given_up, ATTEMPT), seen, {"extensions": 50}, SETTINGS, NOW)
    assert [(each.status, each.order_no) for each in fresh] == [(NEVER_PLACED, None), ("pending", "OQ1")]


def test_an_attempt_given_up_too_early_is_found_by_its_reference() -> None:
    given_up = record(NEVER_PLACED, None, 60, reference="YS-CCCCCCCCCCCC", extensions=200, extensions_before=50)
    ours = order("succeed", 60, references=("YS-CCCCCCCCCCCC",))
    other = order("succeed", 60, extensions=200)
    assert up_to_date((given_up,), [other], {"extensions": 50}, SETTINGS, NOW) == (given_up,)
    assert up_to_date((given_up,), [ours], {"extensions": 50}, SETTINGS, NOW)[0].order_no == "OQ1"


def test_records_may_come_from_an_iterator() -> None:
    records = (record("pending", "OQ1"), record("pending", "OQ2"))
    seen = [order("failed", no="OQ1")]
    assert len(up_to_date(iter(records), seen, {}, SETTINGS, NOW)) == 2


@given(st.lists(orders(own_references=("YS-CCCCCCCCCCCC",)), max_size=3, unique_by=lambda each: each.order_no), haves)
def test_bringing_up_to_date_loses_and_invents_no_record(seen: list[SeenOrder], have: dict[CountName, int]) -> None:
    records = (record("pending", "OQ7"), ATTEMPT, record(NEVER_PLACED, None))
    once = up_to_date(records, seen, have, SETTINGS, NOW)
    assert len(once) == 3
    assert [each.quantities for each in once] == [each.quantities for each in records]
    assert up_to_date(once, seen, have, SETTINGS, NOW) == once


# --- status --------------------------------------------------------------------------------------------------------

records_of_any_kind = st.lists(
    st.builds(
        lambda order_status, hours, quantities: record(order_status, "OQ1", hours, **quantities),
        statuses | st.sampled_from([UNCONFIRMED, COUNTED, NEVER_PLACED]),
        st.none() | st.floats(0, 100),
        st.fixed_dictionaries({}, optional=dict.fromkeys([*COUNTS, *(f"{n}_before" for n in COUNTS)], live)),
    ),
    max_size=3,
)


@given(declarations, st.fixed_dictionaries({}, optional=dict.fromkeys(COUNTS, live)), records_of_any_kind)
def test_status_is_satisfied_only_if_every_count_reached_its_floor(
    declaration: Declaration, have: dict[CountName, int], records: list[OrderRecord]
) -> None:
    said = status(declaration, have, records, SETTINGS, NOW)
    reached = all(name in have and have[name] >= floor for name, floor in declaration.want.items())
    unclear = any(each.status == UNCONFIRMED for each in records)
    assert (said == "unconfirmed") is unclear
    assert (said == "satisfied") is (reached and not unclear)


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([], "short"),
        ([record("succeed", hours=1, extensions=200, extensions_before=50)], "ordered"),
        ([record("succeed", hours=None, extensions=200, extensions_before=50)], "ordered"),
        ([record("succeed", hours=25, extensions=200, extensions_before=50)], "short"),
        ([record("pending", hours=1, extensions=200, extensions_before=50)], "awaiting_payment"),
        ([record("pending", hours=999, extensions=200, extensions_before=50)], "awaiting_payment"),
        ([record("failed", hours=1, extensions=200, extensions_before=50)], "short"),
        ([record(NEVER_PLACED, None, 30, extensions=200, extensions_before=50)], "short"),
        ([record(COUNTED, None, 1, extensions=200, extensions_before=50)], "short"),
        ([record("failed"), record(UNCONFIRMED, None, 1)], "unconfirmed"),
    ],
)
def test_status_of_a_short_pbx(records: list[OrderRecord], expected: str) -> None:
    assert status(declared({"extensions": 250}), {"extensions": 50}, records, SETTINGS, NOW) == expected


def test_an_order_in_settled_orders_is_open_no_more() -> None:
    pending = record("pending", extensions=200, extensions_before=50)
    assert is_open(pending, {"extensions": 50}, SETTINGS)
    assert not is_open(pending, {"extensions": 50}, Settings(settled_orders=("OQ1",)))


# --- limits: rule 7 ------------------------------------------------------------------------------------------------


@given(haves, st.none() | live, st.none() | live)
def test_an_order_above_a_limit_is_refused(
    quantities: dict[CountName, int], extensions: int | None, concurrent_calls: int | None
) -> None:
    limits = Limits(extensions=extensions, concurrent_calls=concurrent_calls)
    problem = over_limit(quantities, limits)
    above = (extensions is not None and quantities["extensions"] > extensions) or (
        concurrent_calls is not None and quantities["concurrent_calls"] > concurrent_calls
    )
    assert (problem is not None) is above


def test_limits_refuse_in_preview_and_name_the_setting() -> None:
    settings = Settings(limits=Limits(extensions=100))
    decided = decide({"extensions": 250}, {"extensions": 50}, settings=settings)
    assert decided.purchase is None
    assert decided.refused == "200 extensions is above the limit of 100 per order (yspartner:limits)"
    assert decide({"extensions": 150}, {"extensions": 50}, settings=settings).purchase is not None


def test_a_limit_of_zero_refuses_every_order() -> None:
    settings = Settings(limits=Limits(extensions=0))
    assert decide({"extensions": 51}, {"extensions": 50}, settings=settings).refused is not None


def test_a_limit_on_money_with_an_unknown_price_refuses() -> None:
    settings = Settings(limits=Limits.model_validate({"amount": "1250.00 USD"}))
    decided = decide({"extensions": 250}, {"extensions": 50}, settings=settings)
    assert decided.purchase is None
    assert decided.refused is not None
    assert "1250.00 USD" in decided.refused


@pytest.mark.parametrize("price", ["1250.01 USD", "9999 USD", "1 EUR", "1250", "free", ""])
def test_a_price_that_is_not_certainly_within_the_limit_refuses(price: str) -> None:
    settings = Settings(limits=Limits.model_validate({"amount": "1250.00 USD"}))
    assert decide({"extensions": 250}, {"extensions": 50}, settings=settings, price=price).purchase is None


@pytest.mark.parametrize("price", ["1250.00 USD", "1250 USD", "0.00 USD"])
def test_a_price_within_the_limit_is_bought_at(price: str) -> None:
    settings = Settings(limits=Limits.model_validate({"amount": "1250.00 USD"}))
    assert decide({"extensions": 250}, {"extensions": 50}, settings=settings, price=price).purchase is not None


def test_a_refusal_for_an_unknown_price_says_why_it_is_unknown() -> None:
    settings = Settings(limits=Limits.model_validate({"amount": "1250.00 USD"}))
    decided = decide({"extensions": 250}, {"extensions": 50}, settings=settings, unpriced="the portal said no")
    assert decided.refused == (
        "the price is unknown and so not within the limit of 1250.00 USD per order (yspartner:limits): "
        "the portal said no"
    )


def test_the_price_of_all_that_is_short_is_not_the_price_of_a_part() -> None:
    settings = Settings(limits=Limits.model_validate({"amount": "1250.00 USD"}))
    want: dict[CountName, int] = {"extensions": 60, "concurrent_calls": 20}
    # Only extensions are raised; concurrent calls were lost, and are not bought again by themselves.
    old: dict[CountName, int] = {"extensions": 50, "concurrent_calls": 20}
    decided = decide(want, {"extensions": 50, "concurrent_calls": 12}, old, settings=settings, price="1.00 USD")
    assert decided.purchase is None
    assert decided.refused is not None
    assert "(yspartner:limits): it was read for all that the PBX lacks" in decided.refused


# --- words ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "number", "expected"),
    [
        ("extensions", 1, "1 extension"),
        ("extensions", 2, "2 extensions"),
        ("extensions", 0, "0 extensions"),
        ("concurrent_calls", 1, "1 concurrent call"),
        ("concurrent_calls", 48, "48 concurrent calls"),
    ],
)
def test_counts_in_words(name: CountName, number: int, expected: str) -> None:
    assert amount(name, number) == expected


def test_summary_says_what_is_bought_and_where_it_leads() -> None:
    decided = decide({"extensions": 250, "concurrent_calls": 13}, {"extensions": 50, "concurrent_calls": 12})
    assert decided.purchase is not None
    assert decided.purchase.summary == "buy 200 extensions (50 -> 250), 1 concurrent call (12 -> 13)"


@given(situations())
def test_words_hold_no_fractions(situation: tuple[Declaration, Before | None, Reading]) -> None:
    # Counts come back from the engine as floats.
    declaration, before, seen = situation
    floats = {name: float(count) for name, count in seen.counts.items()}
    again = Reading.model_validate({**seen.dump(), **floats})
    floors_as_floats = {name: float(floor) for name, floor in declaration.want.items()}
    decided = plan(Declaration.model_validate({**declaration.dump(), **floors_as_floats}), before, again, SETTINGS, NOW)
    assert decided == plan(declaration, before, seen, SETTINGS, NOW)
    said = decided.purchase.summary if decided.purchase else decided.refused or ""
    assert ".0" not in said


def test_several_counts_in_words() -> None:
    assert amounts({"concurrent_calls": 1, "extensions": 200}) == "200 extensions, 1 concurrent call"
    assert amounts({}) == "nothing"
    assert amounts_named(["extensions", "concurrent_calls"]) == "extensions and concurrent calls"
    assert steps({"extensions": 0, "concurrent_calls": 3}, {"concurrent_calls": 1}) == "3 concurrent calls (1 -> 4)"


def test_shortage_in_words() -> None:
    want: dict[CountName, int] = {"extensions": 250, "concurrent_calls": 1}
    assert shortage(want, {"extensions": 50, "concurrent_calls": 1}) == "50 of 250 extensions"
    assert shortage(want, {"extensions": 250, "concurrent_calls": 0}) == "0 of 1 concurrent call"
    assert shortage(want, {"extensions": 250, "concurrent_calls": 12}) == ""


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0 min old"), (-60, "0 min old"), (7199, "119 min old"), (7200, "2 h old"), (48 * HOUR, "2 days old")],
)
def test_age_in_words(seconds: float, expected: str) -> None:
    assert age(NOW - seconds, NOW) == expected


def test_unknown_age_in_words() -> None:
    assert age(None, NOW) == "of unknown age"


@given(st.integers(1_000_000_000, 9_999_999_999))
def test_times_survive_being_written(seconds: int) -> None:
    assert unix(iso(seconds)) == seconds
