"""Faults that a request to the sandbox runs into: lost answers, errors, nonsense, held requests."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

ENDPOINTS = (
    "token",
    "product.list",
    "product.detail",
    "purchase_info",
    "contacts",
    "price",
    "order.save",
    "order.list",
    "order.get",
    "pbx.token",
    "pbx.capacity",
)
"""The names of the endpoints that a fault can be put on, besides `any`."""

BEFORE: dict[str, str] = {
    "status": "an error with this status, for instance status=503",
    "timeout_before": "no answer at all",
    "cut_before": "the connection is closed without an answer",
    "html_before": "200 with a web page",
    "gateway_before": "502 with a web page",
    "not_success_before": "200 with a code other than success",
    "redirect": "307 to the same address",
    "retry_after": "429 with Retry-After, for instance retry_after=2",
    "expired_token": "401, and the token that was used stops working",
    "hold_before": "held until released, then answered as usual",
}
"""Kinds that strike before the portal does anything: no order is taken."""

AFTER: dict[str, str] = {
    "status_after": "an error with this status, for instance status_after=500",
    "timeout_after": "no answer at all",
    "cut_after": "the connection is closed without an answer",
    "truncated": "the connection is closed in the middle of the answer",
    "html": "200 with a web page",
    "gateway_after": "502 with a web page",
    "not_success": "200 with a code other than success",
    "garbage": "JSON of another shape",
    "empty": "200 without a body",
    "hold_after": "held until released, then answered as usual",
}
"""Kinds that strike after the portal did what it was asked: an order is taken."""

ORDER_ONLY: dict[str, str] = {
    "no_order_number": "success, without the number of the order",
    "unknown_status": "success, with a status that nobody documented, for instance unknown_status=consigned",
}
"""Kinds that make sense only where an order is placed; the order is taken."""

KINDS: dict[str, str] = {**BEFORE, **AFTER, **ORDER_ONLY}

_DEFAULT_VALUES = {
    "status": "500",
    "status_after": "500",
    "retry_after": "1",
    "unknown_status": "consigned",
}


@dataclass(eq=False)
class Fault:
    """Something that goes wrong for the next `times` requests to `endpoint`, after the first `skip`, or for each
    `every`-th of them only.

    `kind` is one of `KINDS`, with its value where it has one: `Fault("order.save", "status=503")`.
    With `serial_number`, only requests about that PBX count.

    A held request waits for `release()`; `reached.wait(timeout)` tells when it got there. If the client goes
    away meanwhile, nothing more happens than what the kind says.
    """

    endpoint: str
    kind: str
    times: int | None = 1
    """How many requests it strikes; None for all of them."""
    skip: int = 0
    every: int = 1
    serial_number: str | None = None
    value: str = ""
    reached: threading.Event = field(default_factory=threading.Event, repr=False)
    """Set once a request ran into the fault."""
    hits: int = 0
    """How many requests ran into it."""

    def __post_init__(self) -> None:
        self.kind, _, value = self.kind.partition("=")
        if self.kind not in KINDS:
            raise ValueError(f"unknown fault kind {self.kind!r}; there are: {', '.join(sorted(KINDS))}")
        if self.endpoint not in (*ENDPOINTS, "any"):
            raise ValueError(f"unknown endpoint {self.endpoint!r}; there are: {', '.join((*ENDPOINTS, 'any'))}")
        if self.kind in ORDER_ONLY and self.endpoint != "order.save":
            raise ValueError(f"{self.kind} is possible only for order.save")
        if value and self.kind not in _DEFAULT_VALUES:
            raise ValueError(f"{self.kind} takes no value")
        self.value = self.value or value or _DEFAULT_VALUES.get(self.kind, "")
        if self.kind in ("status", "status_after") and not re.fullmatch(r"[2-5]\d\d", self.value):
            raise ValueError(f"{self.kind} needs an HTTP status, for instance {self.kind}=503")
        if self.kind == "retry_after" and not self.value.isdigit():
            raise ValueError("retry_after needs whole seconds, for instance retry_after=2")
        self._seen = 0
        self._released = threading.Event()

    @classmethod
    def parse(cls, spec: str) -> Fault:
        """A fault from text: `endpoint:kind[=value][@first][/every][xtimes]`.

        `order.save:status=503@2` strikes the second order, `product.list:cut_beforex*` every product list,
        `any:status=429/5x*` every fifth request.
        """
        endpoint, colon, rest = spec.partition(":")
        match = re.fullmatch(
            r"(?P<kind>[^@=/]+?(=[^@/]+?)?)(@(?P<first>[1-9]\d*))?(/(?P<every>[1-9]\d*))?(x(?P<times>[1-9]\d*|\*))?",
            rest,
        )
        if not colon or match is None:
            raise ValueError(f"{spec!r} isn't of the form endpoint:kind[=value][@first][/every][xtimes]")
        times = match["times"] or "1"
        return cls(
            endpoint.strip(),
            match["kind"].strip(),
            times=None if times == "*" else int(times),
            skip=int(match["first"] or 1) - 1,
            every=int(match["every"] or 1),
        )

    @property
    def before(self) -> bool:
        """Whether it strikes before the portal does anything."""
        return self.kind in BEFORE

    @property
    def released(self) -> bool:
        """Whether held requests may go on."""
        return self._released.is_set()

    def release(self) -> None:
        """Let the held requests go on, and those that come later."""
        self._released.set()

    def strikes(self, endpoint: str, serial_number: str | None) -> bool:
        """Whether this request runs into the fault; counts it."""
        if self.endpoint not in (endpoint, "any"):
            return False
        if self.serial_number not in (None, serial_number):
            return False
        self._seen += 1
        if self._seen <= self.skip or (self.times is not None and self.hits >= self.times):
            return False
        if (self._seen - self.skip) % self.every:
            return False
        self.hits += 1
        self.reached.set()
        return True


class Faults:
    """The faults that are switched on; a request runs into the first that fits."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._faults: list[Fault] = []

    def add(self, fault: Fault | str) -> Fault:
        """Switch a fault on, also by its text form; returns it, for its `reached` and `release`."""
        fault = Fault.parse(fault) if isinstance(fault, str) else fault
        with self._lock:
            self._faults.append(fault)
        return fault

    def clear(self) -> None:
        """Switch all off and let go what is held."""
        with self._lock:
            gone, self._faults = self._faults, []
        for fault in gone:
            fault.release()

    def release(self) -> None:
        """Let go everything that is held."""
        with self._lock:
            held = list(self._faults)
        for fault in held:
            fault.release()

    def take(self, endpoint: str, serial_number: str | None) -> Fault | None:
        """The fault that this request runs into."""
        with self._lock:
            return next((f for f in self._faults if f.strikes(endpoint, serial_number)), None)
