"""Answers with everything personal replaced, so that they can be sent to the people who work on this package.

What is kept is listed; all else is replaced, character by character: a letter by a letter, a digit by a digit, never by
itself. So the shape, the names of fields, the types and the number of digits stay, and the same text becomes the same
replacement in every answer of one run: an id still refers to what it referred to. The key of the replacement is thrown
away with the process. Pure but for that key and `save`.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import string
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

from ..partner.recording import Exchange

_VENDORS = """
    active activated additional agent ai annual annually appliance basic bearer billing call calls cancelled capacity
    center central change closed cloud confirmed confirming concurrent consigned create created current customer days
    disaster done edition enduser enterprise error expansion expired extension extensions failed failure false
    forbidden free high hosted hotel in integration invalid invalidated linkus management minute minutes monthly new not
    none ok old once on-site open order outbound package parameter partner pay pce pending plan pms premium pro
    processing product pse p-series pbx purchase queue recording recovery recurring refunded refused remote renew
    request reseller rm rmb scheduled self-hosted series service sip software standard standby subscription succeed
    success switch switchtrial system token trial true trunk turnkey ultimate unactivated unauthorized unknown unpaid
    usd user users validation white yearly yeastar
"""
_VENDOR_WORDS = frozenset(_VENDORS.split())
"""Words of which the vendor's own names are made: statuses, plans, services, codes. A text of nothing else is kept."""

_PERSONAL_PARTS = re.compile(
    "activation_?code|address|amount|comment|company|contact|cost|country|custom_?ref|discount|domain|fee|first_?name"
    "|full_?name|host|invoice|last_?name|mail|message|mobile|money|nick_?name|owner|password|person|phone|po_?number"
    "|post_?code|price|product_?no|province|remark|secret|serial|street|token$|user_?name|zip_?code",
    re.IGNORECASE,
)
_WORDS = "addr city county fax first ip last mac nick note notes postal sn tax tel url vat zip"
_PERSONAL_WORDS = frozenset(_WORDS.split())
"""Keys with these parts, or these words, have values that are replaced whatever they look like."""

_NUMBER_KEYS = """
    access_token_expire_time cc_capacity cc_used code concurrentCallCapacity count errcode expiresIn extensionCapacity
    extension_capacity extension_used pageNo pageSize productId quantity refresh_token_expire_time status total
    totalConcurrentCalls totalExtensions totalPage
"""
_NUMBERS = frozenset(_NUMBER_KEYS.split())
"""Keys whose numbers are kept."""

_TIME_KEY = re.compile("(time|date|_at)$", re.IGNORECASE)
_EPOCH = re.compile(r"1\d{9}(\d{3}|\d{6})?")
_DATE = re.compile(r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?)?")
_KEY = re.compile(r"[a-z_][A-Za-z_]*\d{0,2}[A-Za-z_]*")
_WORD = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
_SHORT = 4
"""Digits up to which a number is taken for a count, where its key does not say otherwise."""
_MOST_KEY = 40


class Replacer:
    """Replaces what is personal, always the same by the same."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)

    def document(self, value: Any, key: str = "") -> Any:
        """A JSON document without anything personal."""
        if isinstance(value, dict):
            replaced: dict[str, Any] = {}
            for name, inner in value.items():
                shown = self.key(name)
                while shown in replaced:
                    shown += "_"
                replaced[shown] = self.document(inner, name)
            return replaced
        if isinstance(value, list):
            return [self.document(inner, key) for inner in value]
        if isinstance(value, bool) or value is None:
            return value
        if isinstance(value, int):
            return self._number(value, key)
        if isinstance(value, float | Decimal):
            return self._fraction(value)
        return self.text(value, key)

    def key(self, name: str) -> str:
        """A field's name is kept; what is no field's name, such as a serial number used as a key, is replaced."""
        if _KEY.fullmatch(name) and len(name) <= _MOST_KEY:
            return name
        return self.replaced(name)

    def text(self, value: str, key: str = "") -> str:
        """A text, kept if it consists of the vendor's own words, or is a short number."""
        if not _is_personal(key):
            if value.strip().isascii() and value.strip().isdigit():
                if len(value.strip()) <= _SHORT or key in _NUMBERS:
                    return value
            elif _is_vendors(value):
                return value
        if _TIME_KEY.search(key) and _DATE.fullmatch(value):
            return _date_like(value)
        if _TIME_KEY.search(key) and _EPOCH.fullmatch(value):
            return value[:2] + self.replaced(value)[2:]
        return self.replaced(value)

    def _number(self, value: int, key: str) -> int:
        digits = str(abs(value))
        if not _is_personal(key) and (key in _NUMBERS or len(digits) <= _SHORT) and len(digits) <= 6:
            return value
        if _TIME_KEY.search(key) and _EPOCH.fullmatch(digits):
            return int(digits[:2] + self.replaced(digits)[2:])
        replaced = int(self.replaced(digits, leading_zero=False))
        return replaced if value >= 0 else -replaced

    def _fraction(self, value: float | Decimal) -> float:
        # Numbers with a fraction are amounts of money: theirs is nobody's business.
        number = Decimal(str(value))
        if not number.is_finite() or abs(number.adjusted()) > _MOST_KEY:
            return 0.5
        digits = format(abs(number), "f")
        return float(self.replaced(digits if "." in digits else f"{digits}.5"))

    def replaced(self, value: str, *, leading_zero: bool = True) -> str:
        """Every letter by another letter, every digit by another digit; what is neither stays, if it is ASCII."""
        stream = self._stream(value)
        out = []
        for index, char in enumerate(value):
            if char in string.digits:
                others = [each for each in string.digits if each != char]
                if not leading_zero and index == 0 and char != "0":
                    others.remove("0")
                out.append(others[next(stream) % len(others)])
            elif char in string.ascii_uppercase:
                out.append(_other(char, string.ascii_uppercase, next(stream)))
            elif char in string.ascii_lowercase:
                out.append(_other(char, string.ascii_lowercase, next(stream)))
            elif char.isascii() and char.isprintable():
                out.append(char)
            else:
                out.append(string.ascii_lowercase[next(stream) % 26])
        return "".join(out)

    def _stream(self, value: str) -> Iterator[int]:
        block = 0
        while True:
            yield from hmac.digest(self._key, f"{block}:{value}".encode(errors="surrogatepass"), "sha256")
            block += 1


def save(exchanges: Iterable[Exchange], folder: Path, endpoints: Mapping[str, str]) -> list[Path]:
    """Write each answer, replaced, to a file of its own, named by its endpoint. Raises `OSError`."""
    replacer = Replacer()
    written = []
    for number, exchange in enumerate(exchanges, 1):
        name = next((name for name, path in endpoints.items() if path in exchange.path), "other")
        path = folder / f"{number:03}-{name.replace(' ', '-')}.json"
        path.write_text(json.dumps(saved(exchange, replacer), indent=2) + "\n", encoding="ascii")
        written.append(path)
    return written


def saved(exchange: Exchange, replacer: Replacer) -> dict[str, Any]:
    """One answer as it is saved. The path is the documented one: what a PBX's address or an id adds is left out."""
    return {
        "request": {"method": exchange.method, "query": replacer.document(exchange.query)},
        "status": exchange.status,
        "seconds": round(exchange.seconds, 3),
        "bytes": exchange.size,
        "json": exchange.is_json,
        "answer": replacer.document(exchange.answer),
    }


def _is_personal(key: str) -> bool:
    words = re.findall("[A-Z]?[a-z]+|[A-Z]+(?![a-z])", key)
    return _PERSONAL_PARTS.search(key) is not None or any(word.casefold() in _PERSONAL_WORDS for word in words)


def _is_vendors(value: str) -> bool:
    words = re.split(r"[\s_()/,.:]+", value.strip().casefold())
    return all(not word or (_WORD.fullmatch(word) and word in _VENDOR_WORDS) for word in words) and value.isascii()


def _date_like(value: str) -> str:
    pattern = "2026-01-01T00:00:00.000000000"
    head = re.match(r"[\d\-T :.]*?(?=Z|[+-]\d\d:?\d\d$|$)", value)
    length = head.end() if head and head.end() >= 10 else len(value)
    kept = "".join(new if new.isdigit() else old for old, new in zip(value[:length], pattern, strict=False))
    return kept[: min(length, len(pattern))] + value[length:]


def _other(char: str, alphabet: str, draw: int) -> str:
    return alphabet[(alphabet.index(char) + 1 + draw % 25) % 26]
