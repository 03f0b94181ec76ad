"""Settings: stack configuration in the namespace `yspartner`, each with an environment variable that wins over it.

The variables win so that rotated credentials work on `pulumi destroy` and `pulumi refresh`, which run with the
configuration of the last update, and so that a protected CI job can allow purchases without editing the
configuration between review and apply (a saved plan binds the stack's configuration).
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import jmespath
import jmespath.exceptions
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
)
from pydantic.alias_generators import to_camel, to_snake

from .errors import SettingsError

NAMESPACE = "yspartner"

DEFAULT_BASE_URL = "https://openapi.partner.yeastar.com"
"""SEEN: request-structure.html."""


def is_loopback(host: str) -> bool:
    """Whether a URL's host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _base_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError("must be a URL such as https://host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError("plain http is allowed to this machine only (127.0.0.1, ::1, localhost); use https")
    return url.rstrip("/")


def _json(value: object) -> object:
    """Structured configuration and JSON variables both arrive as text."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value, parse_float=Decimal)
    except json.JSONDecodeError:
        raise ValueError("must be JSON") from None


def _jmespath(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError:
        raise ValueError("is not a JMESPath expression") from None
    return expression


def _amount(value: object) -> object:
    if not isinstance(value, str):
        raise ValueError('must be text such as "1250.00 USD"')
    number, _, currency = value.strip().partition(" ")
    try:
        amount = Decimal(number)
    except InvalidOperation:
        amount = Decimal("NaN")
    if not amount.is_finite() or amount < 0 or not (currency.isalpha() and currency.isupper() and len(currency) == 3):
        raise ValueError('must be text such as "1250.00 USD"')
    return Money(amount=amount, currency=currency)


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class Money(_Model):
    """An amount of money. Decimal, never float."""

    amount: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}"


class Limits(_Model):
    """The most that one order may hold."""

    extensions: int | None = Field(None, ge=0)
    concurrent_calls: int | None = Field(None, ge=0)
    amount: Annotated[Money, BeforeValidator(_amount)] | None = None


class CapacityFields(_Model):
    """Where the portal's product answer holds the counts, as JMESPath; an unset one uses the known spellings."""

    extensions: Annotated[str, AfterValidator(_jmespath)] | None = None
    concurrent_calls: Annotated[str, AfterValidator(_jmespath)] | None = None


_Names = Annotated[tuple[str, ...], BeforeValidator(_json)]


class Settings(_Model):
    """Everything that can be configured. Keys are spelled in camel case in the stack's configuration."""

    client_id: str | None = None
    """Client ID of the portal's API page (System > API)."""
    client_secret: SecretStr | None = None
    """Client secret of the same page; set it with `--secret`."""
    base_url: Annotated[str, AfterValidator(_base_url)] = DEFAULT_BASE_URL
    """The API's address. Plain http only to this machine."""
    purchases: Literal["deny", "allow"] = "deny"
    """`allow` is the one switch that lets `pulumi up` spend."""
    limits: Annotated[Limits, BeforeValidator(_json)] = Limits()
    """The most that one order may hold: `extensions`, `concurrentCalls`, `amount`."""
    billing_contact_id: str | None = None
    """The billing contact to order with; needed where the account has several."""
    capacity_source: Literal["portal"] = "portal"
    """Where current counts are read."""
    capacity_fields: Annotated[CapacityFields, BeforeValidator(_json)] = CapacityFields()
    """JMESPath for `extensions` and `concurrentCalls` in the portal's product answer."""
    dead_order_statuses: _Names = ("failed", "invalid", "cancelled", "refunded")
    """Order statuses of which nothing more is to come."""
    settled_orders: _Names = ()
    """Order numbers that a person has checked; they no longer block."""
    settle_hours: float = Field(24, gt=0, le=24 * 365)
    """Age after which a succeeded order no longer blocks, and an attempt without a trace was never placed."""
    max_connections: int = Field(16, ge=1, le=256)
    """The most requests under way at once, in each of the two processes."""
    timeout: float = Field(30, gt=0, le=600)
    """Seconds for one request, and for confirming an order whose answer was lost."""

    @classmethod
    def keys(cls) -> list[str]:
        """The configuration keys, without the namespace."""
        return [field.alias or name for name, field in cls.model_fields.items()]

    def credentials(self) -> tuple[str, str]:
        """The client id and secret; raises `SettingsError` where one is missing."""
        if not self.client_id:
            raise _missing("clientId")
        if self.client_secret is None or not self.client_secret.get_secret_value():
            raise _missing("clientSecret")
        return self.client_id, self.client_secret.get_secret_value()


def variable(key: str) -> str:
    """The environment variable of a configuration key: `clientId` is `YSPARTNER_CLIENT_ID`."""
    return f"YSPARTNER_{to_snake(key).upper()}"


def load(config: Mapping[str, str], environment: Mapping[str, str]) -> Settings:
    """Build the settings.

    `config` holds the stack's configuration of the namespace `yspartner`, keys without the namespace, values as text.
    Raises `SettingsError`, which names each bad key and never shows a value.
    """
    unknown = sorted(set(config) - set(Settings.keys()))
    if unknown:
        names = ", ".join(f"{NAMESPACE}:{key}" for key in unknown)
        raise SettingsError(f"unknown configuration: {names}. Known keys: {', '.join(Settings.keys())}")
    values: dict[str, Any] = {key: value for key, value in config.items() if value != ""}
    for key in Settings.keys():  # noqa: SIM118 - a classmethod, not a mapping
        if environment.get(variable(key), "") != "":
            values[key] = environment[variable(key)]
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError("; ".join(_problem(dict(each)) for each in error.errors())) from None


def _problem(error: dict[str, Any]) -> str:
    key, *rest = (str(part) for part in error["loc"])
    where = ".".join([f"{NAMESPACE}:{key}", *rest])
    reason = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    if error["type"] == "extra_forbidden":
        reason = "is not known"
    elif error["msg"].startswith("Input should be "):
        reason = f"should be {reason}"
    return f"setting {where} (or {variable(key)}) {reason}"


def _missing(key: str) -> SettingsError:
    secret = " --secret" if key == "clientSecret" else ""
    return SettingsError(
        f"setting {NAMESPACE}:{key} is missing: run `pulumi config set{secret} {NAMESPACE}:{key} ...` "
        f"or set the environment variable {variable(key)}"
    )
