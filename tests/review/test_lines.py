"""Each line of a run is read back as it was written, and never taken for another kind of line."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pulumi_yspartner import lines
from pulumi_yspartner.lines import (
    Buy,
    Nothing,
    OnOrder,
    Problem,
    Refusals,
    Refused,
    Rest,
    Short,
    Total,
    Unpriced,
    Unreadable,
)
from pulumi_yspartner.model import COUNTS, SeenOrder
from pulumi_yspartner.money import Money
from pulumi_yspartner.wording import age, describe, priced, steps

KINDS: tuple[Any, ...] = (Buy, Short, Nothing, Refused, Unreadable, Problem, Rest, Total, Refusals, Unpriced)

numbers = st.integers(0, 1_000_000)
counts = st.dictionaries(st.sampled_from(COUNTS), st.integers(1, 1_000_000), min_size=1).map(
    lambda found: {name: found[name] for name in COUNTS if name in found}
)
used = st.one_of(st.just({}), counts)
serials = st.text(st.characters(categories=("L", "N", "P", "S")), min_size=1, max_size=64)
words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Zl", "Zp")), min_size=1).map(
    lambda text: text.replace("in use ", "")
)
money = st.builds(
    Money, st.decimals(0, 10**9, places=2).map(lambda number: Decimal(f"{number:.2f}")), st.sampled_from(["USD", "EUR"])
)
portal_words = st.text(st.characters(categories=("L", "N"), include_characters="-_."), min_size=1, max_size=30)


def steps_of(quantities: Any) -> str:
    return f"buy {steps(quantities, dict.fromkeys(COUNTS, 50))}"


buys = st.builds(Buy, counts.map(steps_of), st.one_of(st.none(), money), serials, used)
orders = st.builds(
    SeenOrder,
    order_no=portal_words,
    status=portal_words,
    created=st.one_of(st.none(), st.floats(0, 2e9)),
    extensions=st.one_of(st.none(), numbers),
    concurrent_calls=st.one_of(st.none(), numbers),
)


@st.composite
def shorts(draw: st.DrawFn) -> Short:
    want = draw(counts)
    have = {name: draw(st.integers(0, floor - 1)) for name, floor in want.items()}
    waiting = draw(st.lists(orders, max_size=3))
    why = lines.on_order([describe(order, 2e9) for order in waiting]) if waiting else draw(words)
    return Short(have, want, why, draw(serials), draw(used))


@st.composite
def nothings(draw: st.DrawFn) -> Nothing:
    want = draw(counts)
    return Nothing({name: floor + draw(numbers) for name, floor in want.items()}, want, draw(serials), draw(used))


@given(
    st.one_of(
        buys,
        shorts(),
        nothings(),
        st.builds(Refused, words, serials),
        st.builds(Unreadable, words, serials),
        st.builds(Problem, words),
        st.builds(Unpriced, words),
        st.builds(
            Rest,
            st.lists(
                st.tuples(
                    words.map(lambda text: " ".join(text.split()).replace(": ", ":")),
                    st.one_of(buys, shorts(), nothings()).map(str),
                ),
                min_size=1,
            ).map(tuple),
        ),
        st.builds(Refusals, numbers, numbers),
        st.builds(
            Total,
            numbers,
            numbers,
            counts,
            st.lists(st.one_of(st.none(), money), min_size=1).map(priced),
            st.booleans(),
        ),
    )
)
def test_every_line_is_read_as_it_was_written(line: Any) -> None:
    assert type(line).parse(str(line)) == line


@given(st.one_of(buys, shorts(), nothings()))
def test_a_line_about_a_pbx_is_of_one_kind_only(line: Any) -> None:
    assert [kind for kind in KINDS if kind.parse(str(line)) is not None] == [type(line)]


@given(st.lists(orders, min_size=1, max_size=4), shorts())
def test_the_orders_that_a_pbx_waits_for_are_read_from_its_line(waiting: list[SeenOrder], line: Short) -> None:
    now = 2e9
    why = lines.on_order([describe(order, now) for order in waiting])
    read = Short.parse(str(Short(line.have, line.want, why, line.serial_number)))

    assert read is not None
    assert read.on_order == tuple(
        OnOrder(order.order_no, order.status, age(order.created, now), order.quantities) for order in waiting
    )
    assert [str(order) for order in read.on_order] == [describe(order, now) for order in waiting]


@given(words)
def test_any_other_text_is_no_line(text: str) -> None:
    said = f"somebody says: {text}"
    assert [kind for kind in (Buy, Short, Nothing, Refused, Total, Refusals, Rest, Unpriced) if kind.parse(said)] == []


def test_a_price_that_is_no_amount_is_unknown() -> None:
    for price in ("unknown", "0", "-5.00 USD", "1e3 USD", "12,50 EUR"):
        line = Buy.parse(f"buy 1 extension (50 -> 51); price {price}; 3651D3296882")
        assert line is not None
        assert line.price is None, price
