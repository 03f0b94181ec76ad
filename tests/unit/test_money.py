"""Amounts of money: text and decimals, never floats, never 0 for what is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_yspartner.money import Money, amount_of, currency_of, sums, within
from pulumi_yspartner.wording import priced

amounts = st.decimals(0, 10**11, places=2)
moneys = st.builds(Money, amounts, st.sampled_from(["EUR", "RMB", "USD"]))


def usd(text: str) -> Money:
    return Money(Decimal(text), "USD")


@given(moneys)
def test_money_survives_being_written(money: Money) -> None:
    assert Money.parse(str(money)) == money


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1250",
        "USD",
        "1250.00",
        "1250 usd",
        "1250 US",
        "1250  USD x",
        "-1 USD",
        "+1 USD",
        "1e3 USD",
        "1,250 USD",
        "NaN USD",
        "Infinity USD",
        ".5 USD",
        "1. USD",
        "١٢ USD",
        "1250 USD EUR",
        "$1250",
        "1_000 USD",
        "9999999999999 USD",
    ],
)
def test_what_is_not_plainly_money_is_none(text: str) -> None:
    assert Money.parse(text) is None


@pytest.mark.parametrize(
    ("value", "amount"),
    [
        (1250, "1250"),
        (0, "0"),
        ("1250.50", "1250.50"),
        (" 7 ", "7"),
        (Decimal("1250.10"), "1250.10"),
        (Decimal("1.25E+3"), "1250"),
    ],
)
def test_numbers_and_decimal_texts_are_amounts(value: Any, amount: str) -> None:
    assert amount_of(value) == Decimal(amount)


@pytest.mark.parametrize(
    "value",
    [
        *[None, True, False, 1250.5, -1, "-1", "1e3", "", "free", [1], {}, 10**400, -(10**400)],
        *[Decimal(each) for each in ("-0.01", "NaN", "sNaN", "Infinity", "1E+999999999", "1E-999999999")],
    ],
)
def test_what_is_no_amount_is_none(value: Any) -> None:
    assert amount_of(value) is None


@pytest.mark.parametrize("value", [None, "", "usd", "US", "USDT", "$", 840, ["USD"], "US D"])
def test_what_is_no_currency_code_is_none(value: Any) -> None:
    assert currency_of(value) is None


@given(st.lists(moneys))
def test_a_sum_per_currency_loses_no_cent(prices: list[Money]) -> None:
    totals = sums(prices)
    assert [total.currency for total in totals] == sorted({price.currency for price in prices})
    for total in totals:
        cents = sum(int(price.amount * 100) for price in prices if price.currency == total.currency)
        assert total.amount * 100 == cents


@pytest.mark.parametrize(
    ("price", "inside"),
    [
        (usd("1250.00"), True),
        (usd("1250"), True),
        (usd("0.00"), True),
        (usd("1250.01"), False),
        (Money(Decimal(1), "EUR"), False),
        (None, False),
    ],
)
def test_within_a_limit_is_only_what_certainly_is(price: Money | None, inside: bool) -> None:
    assert within(price, usd("1250.00")) is inside


@pytest.mark.parametrize(
    ("prices", "words"),
    [
        ([usd("1250.00")], "price 1250.00 USD"),
        ([usd("0.00")], "price 0.00 USD"),
        ([None], "price unknown"),
        ([], "price unknown"),
        ([None, None], "price unknown"),
        ([usd("1250.00"), None, None], "price 1250.00 USD and 2 unknown"),
        ([usd("1250.00"), usd("0.10")], "price 1250.10 USD"),
        ([usd("5.00"), Money(Decimal("80.00"), "EUR"), None], "price 80.00 EUR, 5.00 USD and 1 unknown"),
    ],
)
def test_prices_in_words(prices: list[Money | None], words: str) -> None:
    assert priced(prices) == words
