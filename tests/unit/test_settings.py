"""Settings: where they come from, what is refused, and what a message never shows."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pulumi_yspartner.errors import SettingsError
from pulumi_yspartner.settings import DEFAULT_BASE_URL, Settings, is_loopback, load, variable

KEYS = Settings.keys()

GOOD: dict[str, tuple[str, Any]] = {
    "clientId": ("abc", "abc"),
    "baseUrl": ("https://portal.example", "https://portal.example"),
    "purchases": ("allow", "allow"),
    "billingContactId": ("3197218168379846218", "3197218168379846218"),
    "capacitySource": ("portal", "portal"),
    "deadOrderStatuses": ('["denied"]', ("denied",)),
    "settledOrders": ('["OQ1", "OQ2"]', ("OQ1", "OQ2")),
    "settleHours": ("36.5", 36.5),
    "maxConnections": ("4", 4),
    "timeout": ("2.5", 2.5),
}

MALFORMED = [
    ("purchases", "yes"),
    ("purchases", "ALLOW"),
    ("purchases", "true"),
    ("capacitySource", "guess"),
    ("settleHours", "soon"),
    ("settleHours", "0"),
    ("settleHours", "-1"),
    ("settleHours", "nan"),
    ("settleHours", "inf"),
    ("settleHours", "99999"),
    ("maxConnections", "0"),
    ("maxConnections", "1.5"),
    ("maxConnections", "many"),
    ("maxConnections", "1000"),
    ("timeout", "0"),
    ("timeout", "-1"),
    ("timeout", "nan"),
    ("timeout", "inf"),
    ("timeout", "fast"),
    ("limits", "100"),
    ("limits", "{"),
    ("limits", "[]"),
    ("limits", '{"extensions": -1}'),
    ("limits", '{"extensions": 1.5}'),
    ("limits", '{"extensions": "many"}'),
    ("limits", '{"lines": 5}'),
    ("limits", '{"amount": 1250}'),
    ("limits", '{"amount": "1250"}'),
    ("limits", '{"amount": "1250 usd"}'),
    ("limits", '{"amount": "1250 DOLLARS"}'),
    ("limits", '{"amount": "-1 USD"}'),
    ("limits", '{"amount": "NaN USD"}'),
    ("limits", '{"amount": "Infinity USD"}'),
    ("limits", '{"amount": "1,250.00 USD"}'),
    ("limits", '{"amount": "USD 1250"}'),
    ("capacityFields", '{"extensions": "a["}'),
    ("capacityFields", '{"lines": "a"}'),
    ("capacityFields", "extensions"),
    ("limits", '{"amount": "1e3 USD"}'),
    ("priceFields", '{"amount": "a["}'),
    ("priceFields", '{"price": "a"}'),
    ("priceFields", "amount"),
    ("deadOrderStatuses", "failed"),
    ("deadOrderStatuses", '"failed"'),
    ("deadOrderStatuses", "[1]"),
    ("settledOrders", "OQ1"),
    ("settledOrders", "[3206269349344043008]"),
    ("settledOrders", '{"OQ1": true}'),
    ("baseUrl", "portal.example"),
    ("baseUrl", "ftp://portal.example"),
    ("baseUrl", "https://"),
    ("baseUrl", "https://host:port"),
    ("baseUrl", "https://host:99999"),
    ("baseUrl", "https://ho st"),
    ("baseUrl", "https://host\n"),
]


def problem(config: dict[str, str], environment: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as failed:
        load(config, environment or {})
    return str(failed.value)


# --- where settings come from --------------------------------------------------------------------------------------


def test_everything_has_a_default_but_the_credentials() -> None:
    settings = load({}, {})
    assert settings == Settings()
    assert settings.purchases == "deny"
    assert settings.base_url == DEFAULT_BASE_URL == "https://openapi.partner.yeastar.com"
    assert settings.dead_order_statuses == ("failed", "invalid", "cancelled", "refunded")
    assert (settings.settle_hours, settings.max_connections, settings.timeout) == (24, 24, 30)
    assert settings.limits.amount is None


@pytest.mark.parametrize("key", GOOD)
@pytest.mark.parametrize("source", ["config", "environment"])
def test_each_setting_is_read_from_its_key_and_from_its_variable(key: str, source: str) -> None:
    text, expected = GOOD[key]
    settings = load({key: text}, {}) if source == "config" else load({}, {variable(key): text})
    field = next(name for name, each in Settings.model_fields.items() if each.alias == key)
    assert getattr(settings, field) == expected


def test_keys_are_camel_case_and_variables_upper_case() -> None:
    assert [key for key in KEYS if "_" in key or key != key[0].lower() + key[1:]] == []
    frozen = {
        "clientId": "YSPARTNER_CLIENT_ID",
        "clientSecret": "YSPARTNER_CLIENT_SECRET",
        "baseUrl": "YSPARTNER_BASE_URL",
        "purchases": "YSPARTNER_PURCHASES",
        "limits": "YSPARTNER_LIMITS",
        "billingContactId": "YSPARTNER_BILLING_CONTACT_ID",
        "capacitySource": "YSPARTNER_CAPACITY_SOURCE",
        "capacityFields": "YSPARTNER_CAPACITY_FIELDS",
        "deadOrderStatuses": "YSPARTNER_DEAD_ORDER_STATUSES",
        "settledOrders": "YSPARTNER_SETTLED_ORDERS",
        "settleHours": "YSPARTNER_SETTLE_HOURS",
        "maxConnections": "YSPARTNER_MAX_CONNECTIONS",
        "timeout": "YSPARTNER_TIMEOUT",
    }
    assert {key: variable(key) for key in KEYS if key in frozen} == frozen


def test_the_variable_wins_over_the_configuration() -> None:
    settings = load(
        {"purchases": "allow", "clientSecret": "old"},
        {
            "YSPARTNER_PURCHASES": "deny",
            "YSPARTNER_CLIENT_SECRET": "new",
            "YSPARTNER_CLIENT_ID": "me",
        },
    )
    assert settings.purchases == "deny"
    assert settings.credentials() == ("me", "new")


def test_a_variable_wins_also_over_a_malformed_configuration() -> None:
    assert load({"purchases": "maybe"}, {"YSPARTNER_PURCHASES": "deny"}).purchases == "deny"


def test_an_empty_variable_counts_as_unset() -> None:
    settings = load({"purchases": "allow", "limits": '{"extensions": 5}'}, dict.fromkeys(map(variable, KEYS), ""))
    assert settings.purchases == "allow"
    assert settings.limits.extensions == 5


def test_an_empty_configuration_value_counts_as_unset() -> None:
    assert load(dict.fromkeys(KEYS, ""), {}) == Settings()


def test_other_variables_are_none_of_our_business() -> None:
    assert load({}, {"YSPARTNER_TYPO": "x", "PURCHASES": "allow", "yspartner_purchases": "allow"}) == Settings()


@pytest.mark.parametrize("key", ["purchase", "client_id", "ClientId", "pbx", "limits.extensions"])
def test_unknown_keys_are_refused_by_name(key: str) -> None:
    said = problem({key: "s3cret", "clientId": "x"})
    assert f"yspartner:{key}" in said
    assert "s3cret" not in said
    assert "clientSecret" in said


# --- malformed values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text", ["1e99999999999999999999", "9" * 5000, "[" * 100_000], ids=["exponent", "digits", "deep"]
)
@pytest.mark.parametrize("key", ["limits", "pbxs", "settledOrders"])
def test_json_that_nothing_can_hold_is_malformed_like_any_other(key: str, text: str) -> None:
    said = problem({key: text})
    assert f"yspartner:{key}" in said
    assert "must be JSON" in said


@pytest.mark.parametrize(("key", "text"), MALFORMED)
def test_a_malformed_value_is_named_by_key_and_variable_and_not_shown(key: str, text: str) -> None:
    for said in (problem({key: text}), problem({}, {variable(key): text})):
        assert f"yspartner:{key}" in said
        assert variable(key) in said
        assert "\n" not in said
    marked = text.replace("1250", "987654321").replace("soon", "s3cretvalue").replace("many", "s3cretvalue")
    for token in ("987654321", "s3cretvalue"):
        if token in marked:
            assert token not in problem({key: marked})


def test_several_problems_are_said_at_once() -> None:
    said = problem({"purchases": "yes", "timeout": "0"})
    assert "yspartner:purchases" in said
    assert "yspartner:timeout" in said


STRANGE = st.text("0123456789QZXqzx!§-_", min_size=6, max_size=30).map(lambda text: f"qZ{text}Xq")


@given(st.sampled_from(sorted({key for key, _ in MALFORMED})), STRANGE)
def test_no_message_shows_a_plain_value(key: str, value: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load({key: value, "clientSecret": value}, {})
    assert value not in str(failed.value)


JSONISH = st.recursive(
    STRANGE | st.integers(10**9) | st.floats(1e9, 1e12), lambda inner: st.lists(inner, max_size=3), max_leaves=4
)


@given(st.sampled_from(["extensions", "concurrentCalls", "amount"]), JSONISH)
def test_no_message_shows_a_value_inside_json(name: str, value: Any) -> None:
    for key, whole in (
        ("limits", {name: value}),
        ("capacityFields", {name: value}),
        ("deadOrderStatuses", {"a": value}),
        ("settledOrders", [value, 1]),
    ):
        said = ""
        try:
            load({key: json.dumps(whole)}, {})
        except SettingsError as error:
            said = str(error)
        assert not [leaf for leaf in leaves(value) if leaf in said]


def leaves(value: Any) -> list[str]:
    return [leaf for each in value for leaf in leaves(each)] if isinstance(value, list) else [str(value)]


@given(STRANGE, STRANGE)
def test_no_message_shows_a_password_in_a_url(user: str, password: str) -> None:
    assume(user not in password and password not in user)
    for host in ("portal.example", "ho\u2100st", "[x", "[nonsense]", "h:port", ""):
        said = problem({"baseUrl": f"https://{user}:{password}@{host}/"})
        assert password not in said
        assert user not in said
    assert password not in problem({"baseUrl": f"https://[{password}]/"})


@given(STRANGE)
def test_the_secret_shows_nowhere(secret: str) -> None:
    settings = load({"clientId": "me", "clientSecret": secret}, {})
    for shown in (
        repr(settings),
        str(settings),
        f"{settings}",
        settings.model_dump_json(),
        repr(settings.model_dump()),
    ):
        assert secret not in shown
    assert settings.credentials() == ("me", secret)


# --- base URL ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "https://portal.example",
        "https://portal.example:8443/prefix",
        "http://127.0.0.1:8000",
        "http://127.0.0.2",
        "http://[::1]:8000",
        "http://localhost:1",
        "http://LOCALHOST",
        "HTTPS://portal.example",
    ],
)
def test_urls_that_are_taken(url: str) -> None:
    assert load({"baseUrl": url}, {}).base_url == url


def test_a_slash_at_the_end_is_dropped() -> None:
    assert load({"baseUrl": "https://portal.example/"}, {}).base_url == "https://portal.example"


@pytest.mark.parametrize(
    "url",
    [
        "http://portal.example",
        "HTTP://portal.example",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://evil.com/127.0.0.1",
        "http://evil.com#@127.0.0.1",
        "http://evil.com?@127.0.0.1",
        "http://127.0.0.1@evil.com",
        "http://localhost:80@evil.com",
        "http://evil.com\\@127.0.0.1",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "http://[::]",
        "http://[fe80::1]",
        "http://169.254.169.254",
        "http://2130706433",
        "ht\ntp://evil.com",
        "https://user@portal.example",
        "https://user:password@portal.example",
        "https://:password@portal.example",
        "https://portal.example?x=1",
        "https://portal.example#x",
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    assert "yspartner:baseUrl" in problem({"baseUrl": url})


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.255.0.9", True),
        ("::1", True),
        ("localhost", True),
        ("128.0.0.1", False),
        ("127.0.0.1.evil.com", False),
        ("localhost.example", False),
        ("127.1", False),
        ("", False),
    ],
)
def test_what_is_this_machine(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# --- structured settings -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("source", ["config", "environment"])
def test_limits_are_read_from_json(source: str) -> None:
    text = '{"extensions": 100, "concurrentCalls": 20, "amount": "1250.00 USD"}'
    limits = (load({"limits": text}, {}) if source == "config" else load({}, {"YSPARTNER_LIMITS": text})).limits
    assert (limits.extensions, limits.concurrent_calls) == (100, 20)
    assert limits.amount is not None
    assert limits.amount.amount == Decimal("1250.00")
    assert isinstance(limits.amount.amount, Decimal)
    assert str(limits.amount) == "1250.00 USD"


@given(st.decimals(0, 10**9, places=2), st.sampled_from(["USD", "EUR", "RMB"]))
def test_money_keeps_every_digit(amount: Decimal, currency: str) -> None:
    limits = load({"limits": json.dumps({"amount": f"{amount} {currency}"})}, {}).limits
    assert str(limits.amount) == f"{amount} {currency}"


def test_a_limit_of_zero_is_a_limit() -> None:
    assert load({"limits": '{"extensions": 0}'}, {}).limits.extensions == 0


def test_capacity_fields_are_read_from_json() -> None:
    fields = load({"capacityFields": '{"extensions": "a.b[0].c", "concurrentCalls": "d"}'}, {}).capacity_fields
    assert (fields.extensions, fields.concurrent_calls) == ("a.b[0].c", "d")


def test_an_empty_list_of_dead_statuses_is_taken() -> None:
    assert load({"deadOrderStatuses": "[]"}, {}).dead_order_statuses == ()


# --- credentials ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "key"),
    [
        ({}, "clientId"),
        ({"clientSecret": "s3cret"}, "clientId"),
        ({"clientId": "me"}, "clientSecret"),
        ({"clientId": "me", "clientSecret": ""}, "clientSecret"),
    ],
)
def test_missing_credentials_are_named_with_what_to_do(config: dict[str, str], key: str) -> None:
    with pytest.raises(SettingsError) as failed:
        load(config, {}).credentials()
    said = str(failed.value)
    assert f"yspartner:{key} is missing" in said
    assert variable(key) in said
    assert ("--secret" in said) is (key == "clientSecret")
    assert "s3cret" not in said
