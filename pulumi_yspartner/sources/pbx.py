"""Counts from the PBX's own Open API, which is documented in full.

SEEN (query-pbx-capacity.html, get-access-token.html): `POST get_token` with `username` and `password` as JSON,
`User-Agent` compulsory, answers `access_token` and `access_token_expire_time`; `GET system/capacity` with the token in
the query answers `data` with `extension_capacity`, `extension_used`, `cc_capacity`, `cc_used`, all whole numbers;
`errcode` is 0 on success. UNKNOWN: the `errcode` of a token that has ended, so a refusal of a kept token is asked once
more with a new one.

The token stands in the address, so an address never goes into a message or a log.
"""

from __future__ import annotations

import json
import logging
import ssl
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Any

import anyio
import httpx

from ..errors import (
    NoAnswerError,
    NotSentError,
    PartnerError,
    PortalFailedError,
    ReadingError,
    RequestRefusedError,
    SettingsError,
    UnreadableAnswerError,
)
from ..model import CountName
from ..partner.answers import keys_of
from ..partner.client import run_all
from ..partner.connection import RENEW_BEFORE
from ..partner.http import exchange, http_client, public_authorities, repeated
from ..settings import PbxAccess, Settings
from .protocol import CountsRead

Listener = Callable[[httpx.Response], Awaitable[None]]
"""Hears every answer, in its order."""

TOKEN = "get_token"  # noqa: S105 - a path
CAPACITY = "system/capacity"
_API = "/openapi/v1.0"

_CAPACITY_NAMES: dict[CountName, str] = {"extensions": "extension_capacity", "concurrent_calls": "cc_capacity"}
_USED_NAMES: dict[CountName, str] = {"extensions": "extension_used", "concurrent_calls": "cc_used"}


class PbxSource:
    """Counts of the PBXs in `pbxs`, each read from itself; a PBX that can't be read is in its own `CountsRead`."""

    def __init__(self, settings: Settings, listener: Listener | None = None) -> None:
        self._settings = settings
        self._listener = listener
        self._tls = _trust(settings.pbx_ca_file)
        self._limiter = anyio.CapacityLimiter(settings.max_connections)
        self._tokens: dict[str, _Token] = {}

    async def read(self, serial_numbers: Collection[str], _max_age: float | None = None) -> dict[str, CountsRead]:
        """The counts of each PBX, read now."""
        read: dict[str, CountsRead] = {}

        async def read_one(serial: str) -> None:
            try:
                read[serial] = counts_of(await self._capacity(serial))
            except (PartnerError, ReadingError) as error:
                read[serial] = CountsRead({}, f"the counts of PBX {serial} could not be read from itself: {error}")

        await run_all([(read_one, serial) for serial in dict.fromkeys(serial_numbers)])
        return read

    async def _capacity(self, serial: str) -> Any:
        """The answer about capacity, within `pbxTimeout`, repeats included."""
        failed: list[PartnerError] = []
        async with self._limiter:
            with anyio.move_on_after(self._settings.pbx_timeout):
                return await self._repeatedly(serial, failed)
        if failed:
            raise failed[-1]
        raise _no_answer("GET", CAPACITY, self._settings.pbx_timeout)

    async def _repeatedly(self, serial: str, failed: list[PartnerError]) -> Any:
        access, seconds = self._settings.pbxs[serial], self._settings.pbx_timeout / 2
        # For this reading only, so that nothing is left to be closed.
        async with http_client(access.url + _API, self._tls, timeout=seconds, connections=1) as client:
            client.event_hooks = {"response": [self._listener] if self._listener else []}

            async def ask() -> Any:
                try:
                    return await self._ask(serial, _Api(access, client, seconds))
                except PartnerError as error:
                    failed.append(error)
                    raise

            return await repeated(ask)

    async def _ask(self, serial: str, api: _Api) -> Any:
        kept = self._tokens.get(serial)
        if kept is not None and time.monotonic() < kept.renew_at:
            try:
                return await api.capacity(kept)
            except RequestRefusedError:
                pass  # it may have ended early
        token = self._tokens[serial] = await api.new_token()
        return await api.capacity(token)


@dataclass(frozen=True)
class _Token:
    text: str
    renew_at: float


@dataclass(frozen=True)
class _Api:
    """The two documented requests to one PBX."""

    access: PbxAccess
    client: httpx.AsyncClient
    seconds: float

    async def new_token(self) -> _Token:
        body = {"username": self.access.client_id, "password": self.access.client_secret.get_secret_value()}
        try:
            answer = await self._exchange("POST", TOKEN, json=body)
        except RequestRefusedError as error:
            raise RequestRefusedError(
                "it did not accept its clientId and clientSecret in yspartner:pbxs",
                method="POST",
                path=TOKEN,
                status=error.status,
                code=error.code,
            ) from None
        text, life = answer.get("access_token"), answer.get("access_token_expire_time")
        if not isinstance(text, str) or not text:
            raise UnreadableAnswerError("the answer holds no access_token", method="POST", path=TOKEN)
        if type(life) is not int or life < 0:
            life = 1800  # SEEN
        return _Token(text, time.monotonic() + life - min(RENEW_BEFORE, life / 2))

    async def capacity(self, token: _Token) -> dict[str, Any]:
        return await self._exchange("GET", CAPACITY, params={"access_token": token.text})

    async def _exchange(self, method: str, path: str, **request: Any) -> dict[str, Any]:
        """One request; the answer, if it says success."""
        try:
            answer = await exchange(self.client, method, path, within=self.seconds, **request)
        except NotSentError as error:
            if untrusted := _certificate_problem(error):
                raise _UntrustedError(untrusted, method=method, path=path) from None
            what = "no connection to its url in yspartner:pbxs could be made"
            raise NotSentError(what, method=method, path=path) from None
        return _success(method, path, answer.status, answer.body, answer.retry_after)


def _success(method: str, path: str, status: int, body: bytes, retry_after: float | None) -> dict[str, Any]:
    """The answer, if it is the documented envelope and `errcode` is 0. Pure."""
    where: dict[str, Any] = {"method": method, "path": path, "status": status}
    if status >= 500 or status in (408, 425, 429):
        raise PortalFailedError("it could not answer", **where, retry_after=retry_after)
    if 300 <= status < 400:
        raise RequestRefusedError("it answered with a redirect; its url in yspartner:pbxs may be wrong", **where)
    try:
        answer = json.loads(body.decode())
    except (ValueError, RecursionError):
        answer = None
    code = answer.get("errcode") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or type(code) is not int:
        raise UnreadableAnswerError("the answer is not the documented JSON with an errcode", **where)
    if code != 0 or status != 200:
        raise RequestRefusedError("it refused the request", **where, code=f"errcode {code}")
    return answer


def counts_of(answer: Any) -> CountsRead:
    """The counts in an answer about capacity; raises `ReadingError` for one that is missing, negative or no number.

    Their names and type are SEEN, so unlike in the portal's answers nothing else is accepted.
    """
    data = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(data, dict):
        raise ReadingError(f"its answer about capacity holds no data; fields found: {keys_of(answer)}")
    counts = {}
    for count, name in _CAPACITY_NAMES.items():
        value = data.get(name)
        if value is None:
            raise ReadingError(f"its answer about capacity holds no {name}; fields found: {keys_of(answer)}")
        if type(value) is not int or value < 0:
            shown = f"{value!r:.40}" if isinstance(value, str | int | float) else type(value).__name__
            raise ReadingError(f"{name} is no count: {shown}")
        counts[count] = value
    used = {count: value for count, name in _USED_NAMES.items() if type(value := data.get(name)) is int and value >= 0}
    return CountsRead(counts, used=used)


# --- trust ---------------------------------------------------------------------------------------------------------


class _UntrustedError(NotSentError):
    """A certificate that does not hold now does not hold a second later."""

    transient = False


def _trust(ca_file: str | None) -> ssl.SSLContext:
    """The public authorities, and those of the file. Nothing switches the check off."""
    tls = public_authorities()
    if ca_file is not None:
        try:
            tls.load_verify_locations(cafile=ca_file)
        except ssl.SSLError:
            raise SettingsError(f"setting yspartner:pbxCaFile: {ca_file} holds no certificates (PEM)") from None
        except OSError as error:
            raise SettingsError(f"setting yspartner:pbxCaFile: {ca_file}: {error.strerror or error}") from None
    return tls


def _certificate_problem(error: BaseException) -> str | None:
    """Why a certificate was not trusted, in words; None where the connection failed for another reason."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            reason = cause.verify_message or "not trusted"
            return (
                f"its certificate is not trusted ({reason}); let its url in yspartner:pbxs name the host that the "
                f"certificate is for, and put a private authority's certificate into the file yspartner:pbxCaFile"
            )
        cause = cause.__cause__ or cause.__context__
    return None


def _no_answer(method: str, path: str, seconds: float) -> NoAnswerError:
    return NoAnswerError(f"no answer within {seconds:g} s", method=method, path=path)


# --- logs ----------------------------------------------------------------------------------------------------------


class _WithoutQuery(logging.Filter):
    """httpx logs addresses; this takes the query away, where the token stands."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                arg.copy_with(query=None) if isinstance(arg, httpx.URL) and arg.query else arg for arg in record.args
            )
        return True


logging.getLogger("httpx").addFilter(_WithoutQuery())
