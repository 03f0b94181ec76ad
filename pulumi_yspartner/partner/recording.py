"""The answers of the Partner API, and of PBXs, as they came: what `yspartner doctor` looks at and saves."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl

import httpx

from ..settings import Settings
from .client import PartnerClient
from .connection import open_connection


@dataclass(frozen=True)
class Exchange:
    """One request and its answer. Both may hold secrets and personal data: never shown, saved only with these
    replaced."""

    method: str
    path: str = field(repr=False)
    query: dict[str, str] = field(repr=False)
    status: int
    seconds: float
    size: int
    is_json: bool
    answer: Any = field(repr=False)
    """The JSON; None where it is none."""

    @property
    def result(self) -> Any:
        """The envelope's `result`, of a successful answer of the portal; else None."""
        if isinstance(self.answer, dict) and self.answer.get("code") == "success":
            return self.answer.get("result")
        return None


@dataclass
class Recorder:
    """Keeps every answer that it hears, in their order."""

    exchanges: list[Exchange] = field(default_factory=list)

    async def hear(self, response: httpx.Response) -> None:
        """For the HTTP client's hook `response`."""
        body = await response.aread()
        url = response.request.url
        try:
            answer, is_json = json.loads(body.decode(), parse_float=Decimal), True
        except (ValueError, ArithmeticError, RecursionError):
            answer, is_json = None, False
        self.exchanges.append(
            Exchange(
                method=response.request.method,
                path=url.path,
                query=dict(parse_qsl(url.query.decode(errors="replace"))),
                status=response.status_code,
                seconds=response.elapsed.total_seconds(),
                size=len(body),
                is_json=is_json,
                answer=answer,
            )
        )

    def of(self, path: str) -> list[Exchange]:
        """The exchanges with one endpoint, by a part of its path."""
        return [exchange for exchange in self.exchanges if path in exchange.path]

    def results(self, path: str) -> list[Any]:
        """What one endpoint answered with success."""
        return [exchange.result for exchange in self.of(path) if exchange.result is not None]


@asynccontextmanager
async def connect_recorded(settings: Settings, recorder: Recorder) -> AsyncIterator[PartnerClient]:
    """As `client.connect`, with every read recorded. It is for reading: what an order answers is not recorded."""
    async with open_connection(settings, recorder.hear) as connection:
        yield PartnerClient(connection)
