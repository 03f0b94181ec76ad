"""Saved answers hold nothing personal, and keep what a developer needs."""

from __future__ import annotations

import json
import re
import string
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pulumi_yspartner.doctor.saved_answers import Replacer, saved
from pulumi_yspartner.partner.recording import Exchange

# --- what people's answers hold -------------------------------------------------------------------------------------

LETTERS = st.text(string.ascii_letters + "äöüßéñ李明Жо", min_size=5, max_size=12).filter(
    lambda text: not _made_of_vendor_words(text)
)
NAMES = st.one_of(
    LETTERS,
    st.builds("{} {}".format, LETTERS, LETTERS),
    st.builds("{} & {} GmbH".format, LETTERS, LETTERS),
    st.sampled_from(["Alice Call", "Hope Software Ltd", "Mark Extension-Smith", "O'Brien", "Plan B Partners", "alice"]),
)
DIGITS = st.text(string.digits, min_size=5, max_size=19).map(lambda digits: f"9{digits}")
PERSONAL = st.one_of(
    NAMES,
    st.builds("{}@{}.com".format, LETTERS, LETTERS),
    st.builds("+{} {} {}".format, DIGITS, DIGITS, DIGITS),  # phones
    st.builds("{} Street {}".format, LETTERS, st.integers(1, 99999)),
    st.from_regex(r"36[0-9]{2}[A-Z][0-9]{7}", fullmatch=True),  # serial numbers
    st.from_regex(r"[A-Z0-9]{5}(-[A-Z0-9]{5}){3}", fullmatch=True),  # activation codes
    st.from_regex(r"eyJ[A-Za-z0-9_-]{20,40}\.[A-Za-z0-9_-]{20,40}", fullmatch=True),  # tokens
    st.builds("OQ{}".format, DIGITS),  # order numbers
    st.builds("{} ({})".format, LETTERS, DIGITS),
    st.builds("https://{}.example.com/{}".format, LETTERS, DIGITS),
    st.builds("10.{}.{}.77".format, st.integers(100, 255), st.integers(100, 255)),
)
PERSONAL_NUMBERS = st.integers(10**5, 10**19)
"""Ids, phone and tax numbers."""

DOCUMENTED_KEYS = st.sampled_from(
    [
        *[
            "activationCode",
            "activationStatus",
            "comment",
            "productNo",
            "billingContactId",
            "city",
            "company",
            "country",
        ],
        *[
            "emailAddress",
            "firstName",
            "lastName",
            "phoneNumber",
            "remark",
            "stateProvince",
            "street",
            "taxNum",
            "zipCode",
        ],
        *[
            "customReferenceNo",
            "id",
            "invoiceNo",
            "orderNo",
            "orderStatus",
            "planName",
            "serviceName",
            "name",
            "poNumber",
        ],
        *[
            "code",
            "detailMessage",
            "requestId",
            "createTime",
            "currentPlanExpireDate",
            "token",
            "refreshToken",
            "currentPlan",
        ],
        *["tokenHead", "access_token", "productName", "transactionNo", "instanceId", "errmsg", "sn", "host", "planId"],
    ]
)
KEYS = st.one_of(DOCUMENTED_KEYS, st.from_regex(r"[a-z]{2,8}([A-Z][a-z]{2,6}){0,2}", fullmatch=True))
HARMLESS = st.one_of(
    st.none(), st.booleans(), st.integers(-99, 9999), st.sampled_from(["succeed", "Enterprise Plan", "", "12", "USD"])
)


def documents(personal: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Random answers: personal values anywhere, also as the keys of a map."""
    leaves = st.one_of(personal, HARMLESS, st.floats(allow_nan=False).map(lambda number: Decimal(str(number))))
    as_keys = st.from_regex(r"36[0-9]{2}[A-Z][0-9]{7}|[0-9]{6,19}|[a-z]{5,9}@[a-z]{5,9}\.com", fullmatch=True)
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4),
            st.dictionaries(KEYS, inner, max_size=5),
            st.dictionaries(as_keys, inner, max_size=2),
        ),
        max_leaves=12,
    )


def strings(document: Any) -> list[str]:
    """All that is personal in what we generated: long texts and numbers, wherever they stand."""
    if isinstance(document, dict):
        found = [name for name in document if re.search(r"\d{4}|@", name)]
        return found + [each for value in document.values() for each in strings(value)]
    if isinstance(document, list):
        return [each for value in document for each in strings(value)]
    if isinstance(document, bool) or document is None or isinstance(document, Decimal):
        return []
    text = str(document)
    return [] if text.casefold() in ("succeed", "enterprise plan", "usd") or len(text) < 5 else [text]


def written(document: Any) -> list[str]:
    """All texts and numbers of what was replaced, and keys that name no field; not what is meant to be kept."""
    if isinstance(document, dict):
        keys = [key for key in document if not re.fullmatch("[a-z][A-Za-z_]*", key)]
        return keys + [each for value in document.values() for each in written(value)]
    if isinstance(document, list):
        return [each for value in document for each in written(value)]
    return [] if document in ("succeed", "Enterprise Plan", "USD") else [str(document)]


def shape(document: Any) -> Any:
    if isinstance(document, dict):
        return sorted((str(shape(value)) for value in document.values()), key=str)
    if isinstance(document, list):
        return [shape(value) for value in document]
    if isinstance(document, str | int) and not isinstance(document, bool):
        return type(document).__name__, len(str(document))
    return "fraction" if isinstance(document, Decimal | float) else repr(document)


def _made_of_vendor_words(text: str) -> bool:
    return Replacer().text(text, "anything") == text


# --- the properties --------------------------------------------------------------------------------------------------


@settings(max_examples=150)
@given(documents(st.one_of(PERSONAL, PERSONAL_NUMBERS)))
def test_nothing_personal_is_left(document: Any) -> None:
    replaced = "\n".join(written(Replacer().document(document)))

    for text in strings(document):
        assert text not in replaced, text
        for part in re.findall(r"[^\W_]{6,}", text):
            if not _made_of_vendor_words(part):
                assert part not in replaced, (part, text)


@settings(max_examples=60)
@given(documents(st.one_of(PERSONAL, PERSONAL_NUMBERS)))
def test_shape_types_and_lengths_stay(document: Any) -> None:
    assert shape(Replacer().document(document)) == shape(document)


@settings(max_examples=40)
@given(st.lists(st.one_of(PERSONAL, PERSONAL_NUMBERS), min_size=1, max_size=6))
def test_the_same_becomes_the_same_everywhere(values: list[Any]) -> None:
    replacer = Replacer()
    once = replacer.document({"results": values, "company": values[0]})
    again = replacer.document([{"comment": value} for value in values])

    assert [each["comment"] for each in again] == once["results"]
    assert once["company"] == once["results"][0]


@settings(max_examples=40)
@given(PERSONAL)
def test_another_run_replaces_otherwise(text: str) -> None:
    many = {Replacer().replaced(text) for _ in range(6)}

    assert len(many) > 1
    assert text not in many


@settings(max_examples=40)
@given(PERSONAL, PERSONAL, documents(PERSONAL))
def test_a_saved_file_holds_nothing_of_the_request(serial: str, token: str, document: Any) -> None:
    exchange = Exchange(
        method="GET",
        path=f"/pbx/{serial}/openapi/v1.0/system/capacity",
        query={"productNo": serial, "access_token": token, "pageNo": "1"},
        status=200,
        seconds=0.1,
        size=10,
        is_json=True,
        answer={"code": "success", "result": document},
    )

    document = saved(exchange, Replacer())
    assert serial not in json.dumps(document, ensure_ascii=False)
    assert token not in json.dumps(document, ensure_ascii=False)
    assert document["request"]["query"]["pageNo"] == "1"
    assert document["answer"]["code"] == "success"


# --- what stays ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("orderStatus", "succeed"),
        ("orderStatus", "confirming"),
        ("activationStatus", "unactivated"),
        ("code", "parameter_validation_failed"),
        ("planName", "Enterprise Plan"),
        ("serviceName", "Concurrent Call Expansion"),
        ("name", "Hotel PMS Integration"),
        ("productName", "Software PBX (PSE Self-hosted)"),
        ("productName", "P-Series Software Edition"),
        ("operationType", "purchase_service"),
        ("currencyCode", "USD"),
        ("tokenHead", "Bearer "),
        ("expiresIn", "1800"),
        ("productId", "12"),
        ("lineQuota", 50),
        ("extensionCapacity", "250"),
        ("refresh_token_expire_time", 86400),
        ("total", 12345),
        ("status", 200),
        ("errmsg", "FAILURE"),
        ("poNumber", ""),
        ("isCurrent", True),
        ("comment", None),
    ],
)
def test_what_a_developer_needs_is_kept(key: str, value: Any) -> None:
    assert Replacer().document({key: value}) == {key: value}


@pytest.mark.parametrize("value", [1795463516890, 1795463516, 1795463516890123, "1795463516890"])
def test_a_time_keeps_its_unit(value: Any) -> None:
    replaced = Replacer().document({"createTime": value})["createTime"]

    assert replaced != value
    assert type(replaced) is type(value)
    assert str(replaced)[:1] == "1"
    assert len(str(replaced)) == len(str(value))


@pytest.mark.parametrize(
    "value", ["2024-07-31", "2024-07-31 22:59:58", "2024-07-31T22:59:58.123Z", "2024-07-31T22:59+02:00"]
)
def test_a_date_stays_a_date(value: str) -> None:
    replaced = Replacer().document({"currentPlanExpireDate": value})["currentPlanExpireDate"]

    assert replaced.startswith("2026-01-01")
    assert len(replaced) == len(value)
    assert re.sub(r"\d", "9", replaced) == re.sub(r"\d", "9", value)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("zipCode", "8004"),
        ("zipCode", 8004),
        ("street", "12"),
        ("company", "Call Center"),
        ("firstName", "Pro"),
        ("tel", 117),
        ("totalPrice", 1250),
        ("payAmount", "1250"),
        ("price", "6.25"),
        ("cost", 5),
    ],
)
def test_short_personal_values_go_by_their_key(key: str, value: Any) -> None:
    assert Replacer().document({key: value})[key] != value


def test_a_huge_fraction_costs_nothing() -> None:
    assert Replacer().document({"price": Decimal("1e999999999")}) == {"price": 0.5}
