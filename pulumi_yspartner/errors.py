"""What can go wrong, as a tree.

```
YsPartnerError
├── SettingsError          a setting is missing, unknown or malformed
├── RefusedError           a rule of this package forbids it; nothing was bought
├── ReadingError           an answer was understood, but what we need is not in it, or twice, or another PBX's
└── PartnerError           an exchange with the Partner API went wrong
    ├── NotSentError       no connection, no TLS: the request never left; always safe to repeat
    ├── RequestRefusedError  the portal clearly said no; nothing was done
    ├── NoAnswerError      sent, but no answer came (timeout, cut connection); it may have been carried out
    ├── PortalFailedError  an answer that says "not now" (5xx, 408, 409, 425, 429) or a redirect
    └── UnreadableAnswerError  an answer that is not the documented envelope
```

Two questions decide the branch of a `PartnerError`: did the request leave this machine, and did the portal clearly
refuse it? Only `NotSentError` and `RequestRefusedError` prove that an order was not placed.

Messages are for the person who reads CI output. They carry the method, path, status, vendor code and `requestId`, and
never a header, a body or a token.
"""

from __future__ import annotations


class YsPartnerError(Exception):
    """Base of every error that this package raises on purpose."""


class SettingsError(YsPartnerError):
    """A setting is missing, unknown or malformed. The message names the key and the variable, never the value."""


class RefusedError(YsPartnerError):
    """A rule of this package forbids what was asked. Nothing was bought."""


class ReadingError(YsPartnerError):
    """An answer was understood, but what is looked for is missing, ambiguous or belongs to another PBX."""


class PartnerError(YsPartnerError):
    """An exchange with the Partner API went wrong.

    `transient` says whether the same request may succeed later. `request_id` is the portal's id of the request where
    one was readable, to be quoted to the vendor's support.
    """

    transient = False

    def __init__(
        self,
        what: str,
        *,
        method: str,
        path: str,
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        details = [f"{method} {path}"]
        if status is not None:
            details.append(f"status {status}")
        if code:
            details.append(f"code {code}")
        if request_id:
            details.append(f"requestId {request_id}")
        super().__init__(f"{what} ({', '.join(details)})")
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after


class NotSentError(PartnerError):
    """No connection could be made: the request never left this machine."""

    transient = True


class RequestRefusedError(PartnerError):
    """The portal answered with a readable error envelope and a status that means "no"; nothing was done."""


class NoAnswerError(PartnerError):
    """The request may have left, but no complete answer came back."""

    transient = True


class PortalFailedError(PartnerError):
    """The portal answered, but with a status that does not say whether the request was carried out."""

    transient = True


class UnreadableAnswerError(PartnerError):
    """The answer is not the documented envelope (HTML, cut JSON, another shape)."""

    transient = True
