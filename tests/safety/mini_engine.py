"""A small model of what the Pulumi engine and a program do with `PbxCapacity`, in process and without a CLI.

The provider, the program's reading, the client and the portal's HTTP are real. Modelled is what the engine does: which
calls it makes with which values (numbers as doubles, nothing absent), and that a state is kept only when a call
returned. Every run is a fresh provider, as in a fresh process; its clock is the portal's.
"""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import io
import json
import logging
import os
import socket
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Literal

import anyio
import httpx
import pulumi
import pytest
from pulumi.dynamic import Config, ConfigureRequest
from pydantic import ValidationError

from pulumi_yspartner import fleet as fleet_module
from pulumi_yspartner import ordering as ordering_module
from pulumi_yspartner import provider as provider_module
from pulumi_yspartner import runtime as runtime_module
from pulumi_yspartner import settings as settings_module
from pulumi_yspartner.connected_account import ConnectedAccount
from pulumi_yspartner.fleet import Fleet, Member, Said
from pulumi_yspartner.model import Declaration, OrderRecord, Purchase, Reading, State
from pulumi_yspartner.ordering import Ordering
from pulumi_yspartner.partner import PartnerClient
from pulumi_yspartner.partner import connection as connection_module
from pulumi_yspartner.partner import http as http_module
from pulumi_yspartner.partner import pacing as pacing_module
from pulumi_yspartner.provider import PbxCapacityProvider
from pulumi_yspartner.sandbox import Portal

HQ = "3651D3296882"
PROVIDER = "__provider"
COMPUTED = ("observed", "purchase", "refused", "capacity", "orders", "status")

CrashPoint = Literal["before_sending", "order_taken", "confirming", "answer_read", "state_not_written"]
Step = Literal["create", "update", "replace", "same", "failed", "refused_by_plan"]
Declared = Mapping[str, Mapping[str, Any]]
"""The declared inputs by resource name, as a program writes them."""


class Crash(asyncio.CancelledError):
    """The end of the provider's process at this point: nothing that handles errors gets hold of it."""


def wire(value: Any) -> Any:
    """A value as it arrives on the other side of the engine: numbers are doubles, what is None is not there."""
    match value:
        case bool() | str():
            return value
        case int() | float():
            assert float(value) == value, f"{value} does not survive as a double"
            return float(value)
        case Mapping():
            assert all(isinstance(key, str) for key in value)
            return {key: wire(each) for key, each in value.items() if each is not None}
        case list() | tuple():
            return [wire(each) for each in value]
    raise AssertionError(f"{type(value).__name__} can't be sent to the engine")


@dataclass
class Resource:
    """What the engine keeps of one resource, as it stands in the state's JSON."""

    id: str
    inputs: dict[str, Any]
    outputs: dict[str, Any]

    @property
    def state(self) -> State:
        return State.from_outputs(json.loads(json.dumps(self.outputs)))

    @property
    def status(self) -> str:
        return self.state.status

    @property
    def orders(self) -> tuple[OrderRecord, ...]:
        return self.state.orders


@dataclass
class Run:
    """What one command did and said."""

    checked: dict[str, dict[str, Any]] = field(default_factory=dict)
    """The inputs that `check` returned."""
    steps: dict[str, Step] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)
    crashed: bool = False
    said: io.StringIO = field(default_factory=io.StringIO)
    unexpected: list[str] = field(default_factory=list)
    """Traces of errors that nobody raised on purpose."""
    deleted: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that a person reads of this run."""
        return self.said.getvalue() + "".join(f"error: {name}: {text}\n" for name, text in self.errors.items())

    @property
    def ok(self) -> bool:
        return not self.errors and not self.crashed

    def purchase(self, name: str = "hq") -> Purchase | None:
        """The purchase that `check` showed."""
        shown = self.checked.get(name, {}).get("purchase")
        return Purchase.model_validate(shown) if shown else None

    def refused(self, name: str = "hq") -> str | None:
        return self.checked.get(name, {}).get("refused")


class MiniEngine:
    """One stack against one portal."""

    def __init__(self, portal: Portal, url: str) -> None:
        self.portal = portal
        self.resources: dict[str, Resource] = {}
        self.settings: dict[str, str] = {
            "BASE_URL": url,
            "CLIENT_ID": portal.client_id,
            "CLIENT_SECRET": portal.client_secret,
            "TIMEOUT": "20",
        }
        """`YSPARTNER_...` variables of every run."""
        self.runs: list[Run] = []

    def __getitem__(self, name: str) -> Resource:
        return self.resources[name]

    # --- commands --------------------------------------------------------------------------------------------------

    def run(
        self,
        declared: Declared,
        *,
        purchases: str = "allow",
        plan: Mapping[str, dict[str, Any]] | None = None,
        preview: bool = False,
        replace: tuple[str, ...] = (),
        crash: CrashPoint | None = None,
        engine_lives: bool = True,
        looks: int = 2,
        before_order: Callable[[], None] | None = None,
        before_sending: Callable[[], None] | None = None,
        on_look: Callable[[], None] | None = None,
        parallel: bool = False,
        **settings: str,
    ) -> Run:
        """`pulumi up` without a preview of its own, or `pulumi preview`.

        `looks` is how often an unclear order is looked for; `before_order` is called when an order is about to be
        prepared for sending, `before_sending` when the engine was found alive for it, `on_look` after each look
        that found nothing.
        """
        run = Run()
        self.runs.append(run)
        hooks = _Hooks(crash, engine_lives, looks, before_order, before_sending, on_look, preview=preview)
        with self._process(run, hooks, {"PURCHASES": purchases, **settings}) as provider:
            fleet, members = self._program(declared)
            steps: dict[str, Callable[[], None]] = {}
            for name, inputs in declared.items():
                reading = members[name].reading
                steps[name] = self._plan_step(run, provider, name, inputs, reading, name in replace, plan)
                if name in run.errors:
                    steps.clear()  # a failing check stops the run
                    break
            if not preview:
                if parallel:
                    with ThreadPoolExecutor(4) as pool:
                        list(pool.map(lambda step: step(), steps.values()))
                else:
                    for step in steps.values():
                        if not run.crashed:
                            step()
                gone = [name for name in self.resources if name not in declared]
                if run.ok:
                    for name in gone:
                        self._delete(run, provider, name)
            if not run.crashed:
                self._report(run, fleet, members, preview=preview)
        return run

    def preview(self, declared: Declared, **options: Any) -> Run:
        return self.run(declared, preview=True, **options)

    def save_plan(self, declared: Declared, **options: Any) -> dict[str, dict[str, Any]]:
        """`pulumi preview --save-plan`: what `up` may do is bound to these inputs."""
        return json.loads(json.dumps(self.preview(declared, **options).checked))

    def up(self, declared: Declared, plan: Mapping[str, dict[str, Any]], **options: Any) -> Run:
        """`pulumi up --plan`."""
        return self.run(declared, plan=plan, **options)

    def refresh(self, **settings: str) -> Run:
        run = Run()
        self.runs.append(run)
        with self._process(run, _Hooks(), {"PURCHASES": "allow", **settings}) as provider:
            for name, resource in self.resources.items():
                try:
                    result = provider.read(resource.id, self._sent(resource.outputs))
                except Exception as error:  # noqa: BLE001 - as the engine does
                    run.errors[name] = str(error)
                    continue
                assert result.id == resource.id
                assert result.inputs is None, "returned inputs would make the next check see a changed declaration"
                resource.outputs = self._stored(result.outs)
        return run

    def destroy(self, **settings: str) -> Run:
        run = Run()
        self.runs.append(run)
        with self._process(run, _Hooks(), {"PURCHASES": "allow", **settings}) as provider:
            for name in list(self.resources):
                self._delete(run, provider, name)
        return run

    def forget(self, name: str = "hq") -> None:
        """`pulumi state delete`, or a state that was lost."""
        del self.resources[name]

    def rename(self, old: str, new: str) -> None:
        """`pulumi state rename`, or an alias in the program. (A resource under a new name without it is a new one.)"""
        self.resources[new] = self.resources.pop(old)

    # --- the engine ------------------------------------------------------------------------------------------------

    def _plan_step(
        self,
        run: Run,
        provider: PbxCapacityProvider,
        name: str,
        declared: Mapping[str, Any],
        reading: Reading | None,
        forced: bool,
        plan: Mapping[str, dict[str, Any]] | None,
    ) -> Callable[[], None]:
        """`check` and `diff`; returns what `up` then does."""
        old = self.resources.get(name)
        observed = None if reading is None else reading.dump()
        news = self._sent({**declared, **dict.fromkeys(COMPUTED), "observed": observed})
        checked = self._check(run, provider, name, old.inputs if old and not forced else {}, news)
        if checked is None:
            return lambda: None
        run.checked[name] = checked
        kind: Step = "create"
        if old is not None:
            kind = "replace" if forced else self._diff(run, provider, name, old, checked)
            if kind == "replace" and not forced:
                again = self._check(run, provider, name, {}, news)
                assert again is not None
                run.checked[name] = checked = again
        if plan is not None and plan.get(name) != checked:
            run.steps[name] = "refused_by_plan"
            run.errors[name] = "violates plan: properties changed. Nothing was bought."
            return lambda: None
        run.steps[name] = kind
        return lambda: self._apply(run, provider, name, kind, old, checked)

    def _check(
        self, run: Run, provider: PbxCapacityProvider, name: str, olds: dict[str, Any], news: dict[str, Any]
    ) -> dict[str, Any] | None:
        try:
            result = provider.check(self._sent(olds) if olds else {}, news)
        except Exception as error:  # noqa: BLE001 - as the engine does
            run.errors[name] = str(error)
            return None
        if result.failures:
            run.errors[name] = "; ".join(f"{failure.property}: {failure.reason}" for failure in result.failures)
            return None
        checked: dict[str, Any] = wire(result.inputs)
        if "observed" in news:
            again = provider.check(
                self._sent(olds) if olds else {}, self._sent({**checked, "observed": news["observed"]})
            )
            assert wire(again.inputs) == checked, "check is not the same on what it returned"
        return checked

    def _diff(self, run: Run, provider: PbxCapacityProvider, name: str, old: Resource, checked: dict[str, Any]) -> Step:
        result = provider.diff(old.id, self._sent(old.outputs), self._sent(checked))
        if result.replaces:
            return "replace"
        changes = old.inputs != checked if result.changes is None else result.changes
        return "update" if changes else "same"

    def _apply(
        self,
        run: Run,
        provider: PbxCapacityProvider,
        name: str,
        kind: Step,
        old: Resource | None,
        inputs: dict[str, Any],
    ) -> None:
        if kind == "same":
            assert old is not None
            old.inputs = inputs
            return
        try:
            if kind == "update":
                assert old is not None
                id_, outs = old.id, provider.update(old.id, self._sent(old.outputs), self._sent(inputs)).outs
            else:
                created = provider.create(self._sent(inputs))
                id_, outs = created.id, created.outs
        except Exception as error:  # noqa: BLE001 - as the engine does
            if not run.crashed:
                run.errors[name] = str(error)
                run.steps[name] = "failed"
            return
        if run.crashed:
            return
        assert isinstance(id_, str)
        self.resources[name] = Resource(id_, inputs, self._stored(outs))
        if kind == "replace":
            assert old is not None
            provider.delete(old.id, self._sent(old.outputs))

    def _delete(self, run: Run, provider: PbxCapacityProvider, name: str) -> None:
        resource = self.resources[name]
        provider.delete(resource.id, self._sent(resource.outputs))
        run.deleted.append(name)
        del self.resources[name]

    def _sent(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        """Properties as a provider's method gets them."""
        return {**wire(properties), PROVIDER: "pickled"}

    def _stored(self, outs: Mapping[str, Any] | None) -> dict[str, Any]:
        """Outputs as they go into the state; they must be readable by whoever comes next."""
        assert outs is not None
        assert not {"observed", "purchase", "refused"} & set(outs), "old purchases would be shown for ever"
        outputs = json.loads(json.dumps(wire(outs)))
        State.from_outputs(outputs)
        return outputs

    # --- the program -----------------------------------------------------------------------------------------------

    def _program(self, declared: Declared) -> tuple[Fleet, dict[str, Member]]:
        """The reading of the whole fleet in one batch, as the program does it."""
        settings = settings_module.load({}, os.environ)
        fleet = Fleet(settings, ConnectedAccount(settings), started=self.portal.clock.now())
        members = {name: Member() for name in declared}
        for name, inputs in declared.items():
            with contextlib.suppress(ValidationError):
                members[name].declaration = Declaration.model_validate(
                    {k: v for k, v in inputs.items() if v is not None}
                )
        fleet.members.extend(members.values())
        anyio.run(fleet.read, fleet.members)
        return fleet, members

    def _report(self, run: Run, fleet: Fleet, members: Mapping[str, Member], *, preview: bool) -> None:
        """The program's lines, from what the engine answered."""
        for name, member in members.items():
            kind = run.steps.get(name)
            if kind is None or member.declaration is None or kind in ("failed", "refused_by_plan"):
                continue
            known = self.resources.get(name) if not preview or kind == "same" else None
            said = Said(
                purchase=run.purchase(name) if preview else None,
                refused=run.refused(name) if preview else None,
                orders=known.orders if known else (),
                is_new=preview and kind != "same",
            )
            resource = SimpleNamespace(name=name, pulumi_resource_name=name)
            fleet.say(resource, member.declaration, member.reading, said)  # type: ignore[arg-type]
        try:
            anyio.run(fleet.conclude)
        except pulumi.RunError as error:
            run.errors["the program"] = str(error)

    # --- a process -------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _process(self, run: Run, hooks: _Hooks, settings: Mapping[str, str]) -> Iterator[PbxCapacityProvider]:
        """A fresh provider, configured, with its clock and its engine's address."""
        self.portal.clock.advance(seconds=2)  # as long as a command takes: what this run ordered is told by its time
        clock = SimpleNamespace(time=self.portal.clock.now)
        handler = logging.StreamHandler(run.said)
        handler.setLevel(logging.WARNING)
        root = logging.getLogger()
        with pytest.MonkeyPatch.context() as patch, contextlib.redirect_stdout(run.said), hooks.engine() as address:
            for name in [name for name in os.environ if name.startswith("YSPARTNER_")]:
                patch.delenv(name)
            for name, value in {**self.settings, **settings}.items():
                patch.setenv(f"YSPARTNER_{name}", value)
            patch.setattr(provider_module, "time", clock)
            patch.setattr(runtime_module, "time", clock)
            patch.setattr(fleet_module, "time", clock)
            patch.setattr(fleet_module, "pulumi", hooks.sdk(run))
            patch.setattr(provider_module, "_engine_address", lambda: address)
            patch.setattr(provider_module, "_unexpected", lambda error: run.unexpected.append(_trace(error)) or "oops")
            patch.setattr(http_module, "_pause", lambda *_: 0.0)
            patch.setattr(pacing_module.Pace, "turn", _no_pause)
            patch.setattr(httpx, "create_ssl_context", _cached_tls)
            hooks.install(patch, run)
            root.addHandler(handler)
            provider = PbxCapacityProvider()
            try:
                provider.configure(ConfigureRequest(Config(raw_config={}, project_name="fleet")))
                yield provider
            finally:
                _end(provider)
                root.removeHandler(handler)
                if run.crashed:
                    run.unexpected.clear()


_make_tls = httpx.create_ssl_context
_tls: Any = None


def _cached_tls(*arguments: Any, **options: Any) -> Any:
    global _tls
    if arguments or options:
        return _make_tls(*arguments, **options)
    if _tls is None:
        _tls = _make_tls()
    return _tls


async def _no_pause(_pace: pacing_module.Pace, _method: str, _path: str) -> None:
    """In place of waiting for the portal to be ready again."""


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _end(provider: PbxCapacityProvider) -> None:
    """What the end of its process does to a provider."""
    runtime = provider._runtime
    if runtime is not None and runtime._portal is not None and runtime._loop is not None:
        runtime._portal.call(runtime._open.aclose)
        runtime._loop.__exit__(None, None, None)


class _Looks:
    """Stands in for `anyio` in `ordering`: an unclear order is looked for this often, however slow the machine is."""

    def __init__(self, looks: int, on_look: Callable[[], None] | None) -> None:
        self._looks = looks
        self._on_look = on_look
        self._scope: contextvars.ContextVar[anyio.CancelScope] = contextvars.ContextVar("scope")
        self._left: contextvars.ContextVar[int] = contextvars.ContextVar("left")

    def __getattr__(self, name: str) -> Any:
        return getattr(anyio, name)

    def move_on_after(self, _seconds: float) -> anyio.CancelScope:
        scope = anyio.move_on_after(60)
        self._scope.set(scope)
        self._left.set(self._looks)
        return scope

    async def sleep(self, _seconds: float) -> None:
        if self._on_look is not None:
            self._on_look()
        self._left.set(self._left.get() - 1)
        if self._left.get() <= 0:
            self._scope.get().cancel()
        await anyio.lowlevel.checkpoint()


@dataclass
class _Hooks:
    """What happens inside one run that no portal can do."""

    crash: CrashPoint | None = None
    engine_lives: bool = True
    looks: int = 2
    before_order: Callable[[], None] | None = None
    before_sending: Callable[[], None] | None = None
    on_look: Callable[[], None] | None = None
    preview: bool = False

    @contextlib.contextmanager
    def engine(self) -> Iterator[str]:
        """The engine's address: a port where somebody listens, or nobody."""
        with socket.socket() as engine:
            engine.bind(("127.0.0.1", 0))
            self._socket = engine
            if self.engine_lives:
                engine.listen(64)
            yield f"127.0.0.1:{engine.getsockname()[1]}"

    def kill_engine(self) -> None:
        self._socket.close()

    def sdk(self, run: Run) -> SimpleNamespace:
        """The part of the Pulumi SDK that the program's lines need."""

        def log(kind: str) -> Callable[..., None]:
            return lambda text, resource=None: print(f"{kind}: {text}", file=run.said)

        return SimpleNamespace(
            log=SimpleNamespace(info=log("info"), warn=log("warning"), error=log("error")),
            runtime=SimpleNamespace(is_dry_run=lambda: self.preview),
            RunError=pulumi.RunError,
        )

    def install(self, patch: pytest.MonkeyPatch, run: Run) -> None:
        patch.setattr(ordering_module, "anyio", _Looks(self.looks, self.on_look))

        def crash() -> None:
            run.crashed = True
            raise Crash

        def crash_before(owner: type, name: str) -> None:
            async def gone(*_: Any, **__: Any) -> Any:
                crash()

            patch.setattr(owner, name, gone)

        is_alive = runtime_module.Runtime.engine_is_alive
        place = PartnerClient.place

        async def alive(runtime: Any) -> bool:
            lives = await is_alive(runtime)
            if self.before_sending is not None:
                before_sending, self.before_sending = self.before_sending, None  # the check runs twice
                before_sending()
            return lives

        async def placed(client: PartnerClient, *arguments: Any, **options: Any) -> Any:
            try:
                await place(client, *arguments, **options)
            finally:
                crash()

        post_once = connection_module.Connection.post_once

        async def posted(*arguments: Any, **options: Any) -> Any:
            if self.before_order is not None:
                self.before_order()
            return await post_once(*arguments, **options)

        patch.setattr(runtime_module.Runtime, "engine_is_alive", alive)
        patch.setattr(connection_module.Connection, "post_once", posted)
        match self.crash:
            case "before_sending":
                crash_before(PartnerClient, "place")
            case "order_taken":
                patch.setattr(PartnerClient, "place", placed)
            case "confirming":
                crash_before(Ordering, "_confirm")
            case "answer_read":
                crash_before(Ordering, "_counts_if_possible")
            case "state_not_written":
                real_fulfil = Ordering.fulfil

                async def fulfil(ordering: Ordering, *arguments: Any, **options: Any) -> Any:
                    await real_fulfil(ordering, *arguments, **options)
                    crash()

                patch.setattr(Ordering, "fulfil", fulfil)
