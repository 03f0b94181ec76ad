"""Settings: stack configuration in the namespace `yspartner`, each with an environment variable that wins over it.

The variables win so that rotated credentials work on `pulumi destroy` and `pulumi refresh`, which run with the
configuration of the last update, and so that a protected CI job can allow purchases without editing the
configuration between review and apply (a saved plan binds the stack's configuration).
"""

from __future__ import annotations

import ipaddress
import json
import re
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


_HOST = re.compile(r"[A-Za-z0-9.-]+|[0-9A-Fa-f:.]+")


def _base_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("must be a URL such as https://host") from None
    if parts.scheme not in ("https", "http") or not _HOST.fullmatch(host) or any(map(str.isspace, url)):
        raise ValueError("must be a URL such as https://host")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must hold no user, password, query or fragment")
    if parts.scheme == "http" and not is_loopback(host):
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


def _by_serial_number(pbxs: dict[str, PbxAccess]) -> dict[str, PbxAccess]:
    """Serial numbers as they are used everywhere. A PBX, or an address, that stands there twice is a slip."""
    read: dict[str, PbxAccess] = {}
    for key, access in pbxs.items():
        serial = key.strip().upper()
        if not serial:
            raise ValueError("must have a serial number as each key")
        if serial in read:
            raise ValueError(f"has {serial} twice")
        twin = next((other for other, its in read.items() if its.url == access.url), None)
        if twin is not None:
            raise ValueError(f"has the same url for {twin} and {serial}")
        read[serial] = access
    return read


def _jmespath(expression: str) -> str:
    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError:
        raise ValueError("is not a JMESPath expression") from None
    return expression


def _amount(value: object) -> object:
    money = money_of(value) if isinstance(value, str) else None
    if money is None:
        raise ValueError('must be text such as "1250.00 USD"')
    return money


def money_of(text: str) -> Money | None:
    """Text such as `1250.00 USD` as money; None for anything else."""
    number, _, currency = text.strip().partition(" ")
    try:
        amount = Decimal(number)
    except InvalidOperation:
        return None
    if not amount.is_finite() or amount < 0 or not re.fullmatch("[A-Z]{3}", currency):
        return None
    return Money(amount=amount, currency=currency)


def within(price: str | None, limit: Money) -> bool:
    """Whether a price is certainly within a limit: it is known, in the same currency, and not above."""
    money = money_of(price) if price is not None else None
    return money is not None and money.currency == limit.currency and money.amount <= limit.amount


def _dead(statuses: tuple[str, ...]) -> tuple[str, ...]:
    if any(status.strip().casefold() == "succeed" for status in statuses):
        raise ValueError("must not hold succeed: such an order adds capacity")
    return statuses


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


class PbxAccess(_Model):
    """How one PBX's own API is reached."""

    url: Annotated[str, AfterValidator(_base_url)]
    """Such as `https://pbx.example.com:8088`, without `/openapi/v1.0`. Plain http only to this machine."""
    client_id: str = Field(min_length=1)
    """The Client ID of the PBX's API page (Integrations > API)."""
    client_secret: SecretStr = Field(min_length=1)
    """The Client Secret of the same page."""


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
    capacity_source: Literal["portal", "pbx", "mixed"] = "portal"
    """Where current counts are read. `portal`: all from the portal. `pbx`: all from the PBXs' own API; a PBX that is
    not in `pbxs` is refused. `mixed`: those in `pbxs` from their own API, the others from the portal."""
    capacity_fields: Annotated[CapacityFields, BeforeValidator(_json)] = CapacityFields()
    """JMESPath for `extensions` and `concurrentCalls` in the portal's product answer."""
    pbxs: Annotated[dict[str, PbxAccess], BeforeValidator(_json), AfterValidator(_by_serial_number)] = {}
    """Per serial number the `url`, `clientId` and `clientSecret` of a PBX's own API; set it with `--secret`."""
    pbx_ca_file: str | None = None
    """A file of certificates (PEM) that PBXs are trusted by, besides the public authorities: of a private authority,
    or of the PBXs themselves. There is no way to switch the check off."""
    pbx_timeout: float = Field(10, gt=0, le=120)
    """Seconds for all that is read from one PBX at a time, repeats included."""
    dead_order_statuses: Annotated[_Names, AfterValidator(_dead)] = ("failed", "invalid", "cancelled", "refunded")
    """Order statuses of which nothing more is to come."""
    settled_orders: _Names = ()
    """Order numbers that a person has checked; they no longer block."""
    settle_hours: float = Field(24, gt=0, le=24 * 365)
    """Age after which a succeeded order no longer blocks, and an attempt without a trace was never placed."""
    max_connections: int = Field(24, ge=1, le=256)
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
    elif error["type"] == "missing":
        reason = "is missing"
    elif error["msg"].startswith("Input should be "):
        reason = f"should be {reason}"
    return f"setting {where} (or {variable(key)}) {reason}"


def _missing(key: str) -> SettingsError:
    secret = " --secret" if key == "clientSecret" else ""
    return SettingsError(
        f"setting {NAMESPACE}:{key} is missing: run `pulumi config set{secret} {NAMESPACE}:{key} ...` "
        f"or set the environment variable {variable(key)}"
    )
