"""Limits for a whole run. The provider sees one PBX at a time, so what all buy together is judged here. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ..errors import SettingsError
from ..model import CountName
from ..money import Money
from .model import Limit, LimitName, Totals

VARIABLE = "YSPARTNER_RUN_LIMITS"

_COUNTS: dict[LimitName, CountName] = {"extensions": "extensions", "concurrentCalls": "concurrent_calls"}


@dataclass(frozen=True)
class RunLimits:
    """The most that all PBXs of a run may buy together; None is no limit."""

    extensions: int | None = None
    concurrent_calls: int | None = None
    amount: Money | None = None

    @classmethod
    def parse(cls, text: str, origin: str) -> RunLimits:
        """JSON such as `{"extensions": 500, "amount": "5000.00 USD"}`; `origin` says where it comes from. Raises
        `SettingsError`: a limit that is not understood must not be taken for none."""
        try:
            given = json.loads(text, parse_float=Decimal)
        except ValueError:
            raise SettingsError(f"{origin} must be JSON, such as {_EXAMPLE}") from None
        if not isinstance(given, dict) or not given:
            raise SettingsError(f"{origin} must be an object, such as {_EXAMPLE}")
        if unknown := sorted(set(given) - {*_COUNTS, "amount"}):
            raise SettingsError(
                f"{origin} has unknown limits: {', '.join(unknown)}. There are: extensions, concurrentCalls, amount"
            )
        counts = {name: _count(given.get(key), f"{origin}: {key}") for key, name in _COUNTS.items()}
        return cls(**counts, amount=_amount(given.get("amount"), f"{origin}: amount"))

    def judge(self, totals: Totals, all_is_known: bool) -> Iterator[Limit]:
        """Each limit that is set, held against what would be bought. In doubt a limit fails: an unknown price, another
        currency, a preview that did not show everything."""
        for key, name in _COUNTS.items():
            most = getattr(self, name)
            if most is not None:
                bought = totals.quantities.get(name, 0)
                reasons = [f"above the limit by {bought - most}"] if bought > most else []
                yield _limit(key, str(most), str(bought), reasons, all_is_known)
        if self.amount is not None:
            price = totals.price
            yield _limit("amount", str(self.amount), price.words, _above(self.amount, totals), all_is_known)


_EXAMPLE = '{"extensions": 500, "concurrentCalls": 100, "amount": "5000.00 USD"}'


def _above(most: Money, totals: Totals) -> Iterable[str]:
    price = totals.price
    if price.unknown:
        yield "a price that is unknown can't be held against it"
    for sum_ in price.known:
        if sum_.currency != most.currency:
            yield f"{sum_} is in another currency"
        elif sum_.amount > most.amount:
            yield f"above the limit by {Money(sum_.amount - most.amount, most.currency)}"


def _limit(name: LimitName, limit: str, bought: str, reasons: Iterable[str], all_is_known: bool) -> Limit:
    why = list(reasons)
    if not all_is_known:
        why.append("a preview failed, so what would be bought is not all known")
    return Limit(name=name, limit=limit, bought=bought, passed=not why, reason="; ".join(why) or None)


def _count(value: Any, what: str) -> int | None:
    if value is None:
        return None
    if type(value) is not int or value < 0:
        raise SettingsError(f"{what} must be a whole number, such as 500")
    return value


def _amount(value: Any, what: str) -> Money | None:
    if value is None:
        return None
    money = Money.parse(value) if isinstance(value, str) else None
    if money is None:
        raise SettingsError(f'{what} must be text such as "5000.00 USD"')
    return money
