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
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
)
from pydantic.alias_generators import to_camel, to_snake

from .errors import SettingsError
from .money import Money

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
    except (ValueError, ArithmeticError, RecursionError):
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
    import jmespath  # here, because few accounts need it, and every program waits for it
    import jmespath.exceptions

    try:
        jmespath.compile(expression)
    except jmespath.exceptions.JMESPathError:
        raise ValueError("is not a JMESPath expression") from None
    return expression


def _amount(value: object) -> object:
    money = Money.parse(value) if isinstance(value, str) else None
    if money is None:
        raise ValueError('must be text such as "1250.00 USD"')
    return money


def _dead(statuses: tuple[str, ...]) -> tuple[str, ...]:
    if any(status.strip().casefold() == "succeed" for status in statuses):
        raise ValueError("must not hold succeed: such an order adds capacity")
    return statuses


class _Model(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", alias_generator=to_camel, populate_by_name=True, hide_input_in_errors=True
    )


class Limits(_Model):
    """The most that one order may hold."""

    extensions: int | None = Field(None, ge=0)
    """Extensions."""
    concurrent_calls: int | None = Field(None, ge=0)
    """Concurrent calls."""
    amount: Annotated[Money, BeforeValidator(_amount), PlainSerializer(str)] | None = None
    """Money, in the currency that the portal uses. With it, a purchase whose price is not known is refused."""


class CapacityFields(_Model):
    """Where the portal's product answer holds the counts, as JMESPath; an unset one uses the known spellings."""

    extensions: Annotated[str, AfterValidator(_jmespath)] | None = None
    """The extensions that the PBX has."""
    concurrent_calls: Annotated[str, AfterValidator(_jmespath)] | None = None
    """The concurrent calls that it has."""


class PriceFields(_Model):
    """Where the portal's answer about a price holds it, as JMESPath; an unset one uses the known spellings."""

    amount: Annotated[str, AfterValidator(_jmespath)] | None = None
    """The amount of the whole purchase."""
    currency: Annotated[str, AfterValidator(_jmespath)] | None = None
    """Its currency code. A code of your own stands in single quotes: `'USD'`."""


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
    """Client id of the portal's API page (System > API)."""
    client_secret: SecretStr | None = None
    """Client secret of the same page; set it with `--secret`."""
    base_url: Annotated[str, AfterValidator(_base_url)] = DEFAULT_BASE_URL
    """The API's address. Plain http only to this machine."""
    purchases: Literal["deny", "allow"] = "deny"
    """`allow` is the one switch that lets `pulumi up` buy."""
    limits: Annotated[Limits, BeforeValidator(_json)] = Limits()
    """The most that one order may hold: any of `extensions`, `concurrentCalls` and `amount`."""
    billing_contact_id: str | None = None
    """The billing contact to order with; needed where the account has several."""
    capacity_source: Literal["portal", "pbx", "mixed"] = "portal"
    """Where current counts are read. `portal`: all from the portal. `pbx`: all from the PBXs' own API; a PBX that is
    not in `pbxs` is refused. `mixed`: those in `pbxs` from their own API, the others from the portal."""
    capacity_fields: Annotated[CapacityFields, BeforeValidator(_json)] = CapacityFields()
    """Where the portal's product answer holds the counts, as JMESPath for `extensions` and `concurrentCalls`. One that
    is left out is looked for under the vendor's known spellings."""
    price_fields: Annotated[PriceFields, BeforeValidator(_json)] = PriceFields()
    """Where the portal's answer about a price holds it, as JMESPath for `amount` and `currency`. Without it, an amount
    with a currency code beside it is looked for."""
    pbxs: Annotated[dict[str, PbxAccess], BeforeValidator(_json), AfterValidator(_by_serial_number)] = {}
    """How PBXs are reached: per serial number the `url`, `clientId` and `clientSecret` of its own API; set it with
    `--secret`."""
    pbx_ca_file: str | None = None
    """A file of certificates (PEM) that PBXs are trusted by, besides the public authorities: of a private authority,
    or of the PBXs themselves. There is no way to switch the check off."""
    pbx_timeout: float = Field(10, gt=0, le=120)
    """Seconds for all that is read from one PBX at a time, repeats included."""
    dead_order_statuses: Annotated[_Names, AfterValidator(_dead)] = ("failed", "invalid", "cancelled", "refunded")
    """Statuses of orders from which nothing more is to come."""
    settled_orders: _Names = ()
    """Numbers of orders that a person has checked; they no longer block."""
    settle_hours: float = Field(24, gt=0, le=24 * 365)
    """Hours after which a succeeded order no longer blocks, and an attempt without a trace counts as never placed."""
    max_connections: int = Field(24, ge=1, le=256)
    """The most requests under way at once, in each of the two processes."""
    timeout: float = Field(30, gt=0, le=600)
    """Seconds for one request, and for finding out about an order whose answer was lost."""

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
