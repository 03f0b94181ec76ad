"""The dynamic provider: Pulumi's calls, translated. Thin; the rules are in `planning`, orders in `ordering`.

The path `pulumi_yspartner.provider.PbxCapacityProvider` is frozen: the state of every stack refers to it by name.
Nothing may be stored on the instance before `configure`, because instances are pickled into the program's requests.
"""

from __future__ import annotations

import logging
import os
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from pulumi.dynamic import (
    CheckFailure,
    CheckResult,
    ConfigureRequest,
    CreateResult,
    DiffResult,
    ReadResult,
    ResourceProvider,
    UpdateResult,
)
from pulumi.dynamic.dynamic import PROVIDER_KEY
from pulumi.output import contains_unknowns
from pydantic import ValidationError

from .errors import RefusedError, YsPartnerError
from .model import COUNTS, DECLARED, UNCONFIRMED, Declaration, Purchase, Reading, State
from .planning import Before, plan
from .settings import NAMESPACE, Settings, load
from .wording import NOTHING_BOUGHT, amounts

if TYPE_CHECKING:
    from .ordering import Ordering
    from .runtime import Runtime

_T = TypeVar("_T")
_P = ParamSpec("_P")


class _Message(YsPartnerError):
    """An error as the engine shows it. The servicer sends the last line of a traceback, `class: message`; named like
    this it reads `yspartner: message`."""


_Message.__module__ = "builtins"
_Message.__qualname__ = NAMESPACE


def _plain_errors(method: Callable[_P, _T]) -> Callable[_P, _T]:
    """Errors as one message, without a traceback; the trace of an unexpected one goes into a file."""

    @wraps(method)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return method(*args, **kwargs)
        except YsPartnerError as error:
            raise _Message(str(error)) from None
        except Exception as error:  # noqa: BLE001 - the boundary to the engine
            raise _Message(_unexpected(error)) from None

    return call


def _unexpected(error: Exception) -> str:
    with tempfile.NamedTemporaryFile("w", prefix="yspartner-error-", suffix=".txt", delete=False) as file:
        traceback.print_exception(error, limit=100, file=file)  # the process's limit is 0
    return (
        f"unexpected {type(error).__name__} in pulumi_yspartner; its trace is in {file.name}. If an order was about to "
        f"be placed, look at the PBX's orders in the portal before you run again"
    )


class PbxCapacityProvider(ResourceProvider):
    """Pulumi's provider of `PbxCapacity`. Not for direct use."""

    _settings: Settings | None = None
    _runtime: Runtime | None = None

    @_plain_errors
    def configure(self, req: ConfigureRequest) -> None:
        """Read the settings; called once per process, before the first other call, also in a preview."""
        if _is_provider_process():
            # The SDK answers an exception with its whole traceback; ours are messages for people.
            sys.tracebacklimit = 0
            logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stdout)
        config = {}
        for key in Settings.keys():  # noqa: SIM118 - a classmethod, not a mapping
            value = req.config.get(f"{NAMESPACE}:{key}")
            if value is not None:
                config[key] = str(value)
        self._settings = load(config, os.environ)

    @_plain_errors
    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Validate the declaration and add what it would buy, or why that is refused. Pure and instant."""
        return checked(olds, news, self._configured())

    @_plain_errors
    def diff(self, id_: str, olds: dict[str, Any], news: dict[str, Any]) -> DiffResult:
        """A change is a changed declaration, a purchase, a refusal, or an attempt of ours that is unconfirmed."""
        replaces = ["serial_number"] if olds.get("serial_number") != news.get("serial_number") else []
        if any(olds.get(name) != news.get(name) for name in DECLARED):
            # The engine compares the old inputs with the new, and shows what changed.
            return DiffResult(changes=None, replaces=replaces)
        recorded = {order.get("reference") for order in olds.get("orders") or []}
        purchase = news.get("purchase")
        acts = "refused" in news or (isinstance(purchase, dict) and purchase.get("reference") not in recorded)
        unconfirmed = any(order.get("status") == UNCONFIRMED for order in olds.get("orders") or [])
        if unconfirmed:
            _say(f"{id_}: the outcome of an order is unconfirmed; an update looks for it, and buys nothing meanwhile.")
        return DiffResult(changes=acts or unconfirmed)

    @_plain_errors
    def create(self, props: dict[str, Any]) -> CreateResult:
        """Order the purchase that `check` put in, or take note of a PBX that has what is declared."""
        state = self._fulfil(props, None)
        return CreateResult(state.declaration.serial_number, state.outputs())

    @_plain_errors
    def update(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> UpdateResult:
        """As `create`, with the orders that the state remembers."""
        return UpdateResult(self._fulfil(news, State.from_outputs(olds)).outputs())

    @_plain_errors
    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Bring `capacity`, `orders` and `status` up to date. Never drops a PBX, never returns inputs."""
        state = State.from_outputs(props)
        try:
            state = self._run(lambda ordering: ordering.refresh(state))
        except YsPartnerError as error:
            _say(f"warning: {id_}: {error}. Its state is kept as it was.")
        return ReadResult(id_, state.outputs())

    @_plain_errors
    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Forget the PBX. Nothing can be given back through the API, so no request is made."""
        state = State.from_outputs(props)
        _say(
            f"{id_}: no longer managed here. Nothing was cancelled: it keeps its capacity "
            f"({amounts(state.capacity)} as of the last change or refresh) and stays billed; "
            f"to end that, contact the vendor."
        )

    def _fulfil(self, inputs: dict[str, Any], state: State | None) -> State:
        declaration = Declaration.model_validate(declared_inputs(inputs))
        if "refused" in inputs:
            raise RefusedError(f"{declaration.serial_number}: {inputs['refused']}. {NOTHING_BOUGHT}")
        purchase = Purchase.model_validate(inputs["purchase"]) if "purchase" in inputs else None
        observed = Reading.model_validate(inputs.get("observed") or {}).counts
        try:
            return self._run(lambda ordering: ordering.fulfil(declaration, purchase, observed, state))
        except YsPartnerError as error:
            raise YsPartnerError(f"{declaration.serial_number}: {error}") from None

    def _run(self, work: Callable[[Ordering], Awaitable[State]]) -> State:
        settings = self._configured()
        with _start:
            if self._runtime is None:
                from .runtime import Runtime  # here, because no preview needs it

                self._runtime = Runtime(settings, _engine_address())
        return self._runtime.run(work)

    def _configured(self) -> Settings:
        if self._settings is None:
            raise YsPartnerError("the provider was not configured")
        return self._settings


_start = threading.Lock()
"""Held while a provider makes its runtime, because the host calls from several threads."""


def checked(olds: Mapping[str, Any], news: Mapping[str, Any], settings: Settings) -> CheckResult:
    """What `check` answers: the inputs with their purchase or refusal, or what is malformed in them."""
    if failures := _unknowns(news):
        return CheckResult(_without_provider(news), failures)
    try:
        declaration = Declaration.model_validate(declared_inputs(news))
    except ValidationError as error:
        return CheckResult(_without_provider(news), _malformed(error))
    before = _before(olds, declaration)
    reading = Reading.model_validate(news["observed"]) if isinstance(news.get("observed"), dict) else None
    decided = plan(declaration, before, reading, settings, time.time())
    inputs: dict[str, Any] = declaration.dump()
    if decided.purchase is not None and reading is not None:
        inputs["observed"] = {name: reading.counts[name] for name in COUNTS if name in declaration.want}
        inputs["purchase"] = decided.purchase.dump()
    if decided.refused is not None:
        inputs["refused"] = decided.refused
    return CheckResult(inputs, [])


def declared_inputs(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs that a program declares, of all that are there."""
    return {name: inputs[name] for name in DECLARED if inputs.get(name) is not None}


def _before(olds: Mapping[str, Any], declaration: Declaration) -> Before | None:
    """What the engine remembers; None for a new resource, or when it is about another PBX (a replace)."""
    if "serial_number" not in olds:
        return None
    old = Declaration.model_validate(declared_inputs(olds))
    if old.serial_number != declaration.serial_number:
        return None
    if "purchase" not in olds:
        return Before(old)
    return Before(
        old, Purchase.model_validate(olds["purchase"]), Reading.model_validate(olds.get("observed") or {}).counts
    )


def _unknowns(news: Mapping[str, Any]) -> list[CheckFailure]:
    return [
        CheckFailure(
            name,
            "is not known in preview, so the purchase could not be reviewed. Nothing was bought. Declare a value that "
            "is known before the update: a literal, configuration, or an output of another stack",
        )
        for name in DECLARED
        if contains_unknowns(news.get(name))
    ]


def _malformed(error: ValidationError) -> list[CheckFailure]:
    failures = []
    for each in error.errors():
        name = str(each["loc"][0]) if each["loc"] else "extensions"
        reason = "is missing" if each["type"] == "missing" else each["msg"].removeprefix("Value error, ")
        failures.append(CheckFailure(name, f"{name} {reason}. Nothing was bought"))
    return failures


def _without_provider(inputs: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in inputs.items() if name != PROVIDER_KEY}


def _is_provider_process() -> bool:
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "pulumi.dynamic.__main__"


def _engine_address() -> str | None:
    """The address of the engine that started this provider: the first argument of a provider process."""
    return sys.argv[1] if _is_provider_process() and len(sys.argv) > 1 else None


def _say(text: str) -> None:
    """A line that Pulumi shows under the stack: what a provider writes to its standard output."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
