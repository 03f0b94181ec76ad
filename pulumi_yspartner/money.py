"""Amounts of money: decimals with a currency code, written as text. Never a float, and never 0 for "unknown". Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

_AMOUNT = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")
_CURRENCY = re.compile("[A-Z]{3}")


@dataclass(frozen=True)
class Money:
    """An amount in one currency. `str()` writes it as `1250.00 USD`, and `parse` reads that."""

    amount: Decimal
    currency: str
    """Three upper-case letters, as the portal spells it (`USD`, `RMB`)."""

    @classmethod
    def parse(cls, text: str) -> Money | None:
        """Text such as `1250.00 USD` as money; None for anything else."""
        number, _, code = text.strip().partition(" ")
        amount, currency = amount_of(number), currency_of(code)
        return None if amount is None or currency is None else cls(amount, currency)

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


def amount_of(value: object) -> Decimal | None:
    """A number or plain decimal text as an amount; None for anything else: negative, an exponent, a thousands
    separator, a float."""
    if isinstance(value, Decimal):
        value = format(value, "f") if value.is_finite() and abs(value.adjusted()) < 20 else ""
    elif isinstance(value, int) and not isinstance(value, bool):
        value = str(value) if abs(value) < 10**20 else ""
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value.strip()):
        return None
    return Decimal(value.strip())


def currency_of(value: object) -> str | None:
    """A currency code; None for anything else."""
    return value.strip() if isinstance(value, str) and _CURRENCY.fullmatch(value.strip()) else None


def sums(prices: Iterable[Money]) -> list[Money]:
    """One sum per currency, by the currency's code."""
    totals: dict[str, Decimal] = {}
    for price in prices:
        totals[price.currency] = totals.get(price.currency, Decimal(0)) + price.amount
    return [Money(totals[currency], currency) for currency in sorted(totals)]


def within(price: Money | None, limit: Money) -> bool:
    """Whether a price is certainly within a limit: it is known, in the same currency, and not above."""
    return price is not None and price.currency == limit.currency and price.amount <= limit.amount
