"""The documented envelope: what an answer means, from its HTTP status and its body. Pure.

SEEN (response-results.html): `code` is `success`, `detailMessage`, `requestId`, `result`, `status`. Whether errors also
carry their status in the HTTP status line is UNKNOWN, so both are read.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, NoReturn

from ..errors import PortalFailedError, RequestRefusedError, UnreadableAnswerError

UNCLEAR_STATUSES = frozenset({408, 409, 425, 429})
"""Among 400 to 499, those that do not say that the request was not, and will not be, carried out."""


def result(method: str, path: str, http_status: int, body: bytes, *, retry_after: float | None = None) -> Any:
    """The `result` of a successful answer.

    Raises `RequestRefusedError` for a clear no, `PortalFailedError` for a status that leaves it open, and
    `UnreadableAnswerError` for anything that is not the envelope.
    """
    envelope = _parse(body)
    if envelope is None:
        kind: type[PortalFailedError | UnreadableAnswerError] = UnreadableAnswerError
        if 300 <= http_status < 400 or http_status >= 500 or http_status in UNCLEAR_STATUSES:
            kind = PortalFailedError
        raise kind(
            "the portal's answer is not the documented JSON",
            method=method,
            path=path,
            status=http_status,
            retry_after=retry_after,
        )
    status = envelope.get("status")
    status = status if isinstance(status, int) and not isinstance(status, bool) else http_status
    code = envelope.get("code")
    code = code if isinstance(code, str) else None
    request_id = envelope.get("requestId")
    request_id = request_id if isinstance(request_id, str) else None

    def fail(kind: type[Any], what: str) -> NoReturn:
        raise kind(
            what,
            method=method,
            path=path,
            status=status,
            code=_printable(code),
            request_id=_printable(request_id),
            retry_after=retry_after,
        )

    if 300 <= http_status < 400:
        fail(PortalFailedError, "the portal answered with a redirect")
    if status == 200 and http_status == 200:
        if code == "success":
            return envelope.get("result")
        fail(UnreadableAnswerError, "the portal answered neither success nor an error status")
    if 400 <= status < 500 and status not in UNCLEAR_STATUSES:
        if code is None:
            fail(UnreadableAnswerError, "the portal's answer is not the documented envelope")
        fail(RequestRefusedError, "the portal refused the request")
    return fail(PortalFailedError, "the portal could not answer")


def _parse(body: bytes) -> dict[str, Any] | None:
    try:
        # Decimal: money must never become a float. Python's integers keep all digits of an id.
        document = json.loads(body.decode(), parse_float=Decimal)
    except (ValueError, ArithmeticError, RecursionError):  # also numbers that no Decimal can hold
        return None
    if isinstance(document, dict) and ("code" in document or "status" in document):
        return document
    return None


def _printable(text: str | None) -> str | None:
    """Vendor text that goes into a message: short, and on one line."""
    return None if text is None else "".join(char for char in text[:80] if char.isprintable())
