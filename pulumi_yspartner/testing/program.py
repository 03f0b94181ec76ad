"""Running a program as a preview would, with Pulumi's mocks in place of the engine."""

from __future__ import annotations

import asyncio
import contextvars
import json
import logging
import runpy
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pulumi
import yaml
from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks
from pulumi.runtime.rpc import unwrap_rpc_secret
from pulumi.runtime.settings import set_root_resource

from ..connected_account import ConnectedAccount
from ..errors import SettingsError
from ..fleet import Fleet, PbxsRefusedError, new_fleet
from ..model import Purchase
from ..partner import BillingContact
from ..provider import checked
from ..settings import NAMESPACE, CapacityFields, PriceFields, Settings, load
from .account import CONTACT, DescribedAccount, Pbx

PBX_CAPACITY = "pulumi-python:dynamic/yspartner:PbxCapacity"

Program = Callable[[], object]
"""Declares resources; may be asynchronous. What else it returns makes no difference."""


@dataclass(frozen=True)
class Preview:
    """What `pulumi preview` would have shown, by the names of the resources."""

    purchases: Mapping[str, Purchase]
    """What would be bought: `summary`, `extensions`, `concurrent_calls`, `quantities`, `billing_contact_id`,
    `plan_id`. A PBX for which nothing would be bought is absent."""
    refused: Mapping[str, str]
    """Why a PBX can't be bought for, in words. A real preview shows all of these, and then fails."""
    messages: tuple[str, ...]
    """Every line that would be shown, in no particular order but that totals come last."""


def preview(
    program: Program | str | Path,
    pbxs: Iterable[Pbx],
    *,
    contacts: Iterable[BillingContact] = (CONTACT,),
    config: Mapping[str, Any] | None = None,
    mocks: Mocks | None = None,
    stack: str = "dev",
) -> Preview:
    """Run a program as its first preview would, in which every resource is new, and say what it would buy.

    :param program: A function that declares resources, or a project's folder, whose `__main__.py` is run.
    :param pbxs: The PBXs that the account has.
    :param contacts: Its billing contacts; the account has one unless said otherwise.
    :param config: The stack's configuration, by key as in `pulumi config set`: `file`, `yspartner:limits`. A value that
        is no text is given as structured configuration.
    :param mocks: Pulumi's mocks for all other resources and functions; without them each resource has its inputs as
        outputs.
    :param stack: The stack's name.
    :raises pulumi.RunError: if a declaration or a setting is malformed, or the program raises it. Whatever else the
        program raises comes through, too.
    """
    folder = None if callable(program) else Path(program).resolve()
    project = _project_name(folder) if folder else "project"
    texts = {key if ":" in key else f"{project}:{key}": _text(value) for key, value in (config or {}).items()}
    settings = _settings(texts)
    account = DescribedAccount(pbxs, contacts)
    engine = _Engine(settings, mocks or _InputsAsOutputs())
    log = _Log()
    raised: list[Exception] = []

    def run_program() -> Awaitable[None] | None:
        try:
            if callable(program):
                return cast("Awaitable[None] | None", program())
            runpy.run_path("__main__.py", run_name="__main__")
            return None
        except Exception as error:
            raised.append(error)  # Pulumi would put what becomes of the resources before it
            raise

    def run() -> None:
        pulumi.runtime.reset_options(project=project, stack=stack, organization="organization", preview=True)
        pulumi.runtime.set_all_config(texts)
        new_fleet.set(lambda: Fleet(settings, ConnectedAccount(settings, account.connect)))
        with _event_loop() as loop, _in_folder(folder):
            pulumi.runtime.set_mocks(engine, project, stack, preview=True, logger=log, organization="organization")
            set_root_resource(None)  # type: ignore[arg-type]  # the program's run makes its own
            loop.run(pulumi.runtime.run_in_stack(run_program), context=contextvars.copy_context())

    # In a thread and a context of its own: event loops and Pulumi's settings stay outside as they are.
    with suppress(PbxsRefusedError), ThreadPoolExecutor(1) as pool:  # what is refused is said in `refused`
        pool.submit(contextvars.copy_context().run, run).result()
    if raised:
        raise raised[0]
    if engine.malformed:
        raise pulumi.RunError("\n".join(engine.malformed))
    return Preview(engine.purchases, engine.refused, tuple(log.messages))


class _Engine(Mocks):
    """What the engine and the provider do with a `PbxCapacity` in a preview: `check`, and its answer as outputs."""

    def __init__(self, settings: Settings, others: Mocks) -> None:
        self._settings = settings
        self._others = others
        self.purchases: dict[str, Purchase] = {}
        self.refused: dict[str, str] = {}
        self.malformed: list[str] = []
        self._names: set[str] = set()

    def call(self, args: MockCallArgs) -> Any:
        return self._others.call(args)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ != PBX_CAPACITY:
            return self._others.new_resource(args)
        if args.name in self._names:
            self.malformed.append(f"{args.name}: several resources have this name; a test can't tell them apart")
        self._names.add(args.name)
        # The engine hands a provider the values of secrets.
        inputs = {name: unwrap_rpc_secret(value) for name, value in args.inputs.items()}
        result = checked({}, inputs, self._settings)
        if result.failures:
            self.malformed += [f"{args.name}: {failure.reason}" for failure in result.failures]
        if "purchase" in result.inputs:
            self.purchases[args.name] = Purchase.model_validate(result.inputs["purchase"])
        if "refused" in result.inputs:
            self.refused[args.name] = result.inputs["refused"]
        return f"{args.name}-id", result.inputs


class _InputsAsOutputs(Mocks):
    """Every other resource gets what it is given."""

    def call(self, args: MockCallArgs) -> Any:
        return args.args

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        return f"{args.name}-id", args.inputs


class _Log(logging.Logger):
    """Keeps what Pulumi would show."""

    def __init__(self) -> None:
        super().__init__(__name__, logging.INFO)
        self.messages: list[str] = []
        self.propagate = False

    def handle(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


# --- the program ---------------------------------------------------------------------------------------------------


def _project_name(folder: Path) -> str:
    return str(yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))["name"])


@contextmanager
def _in_folder(folder: Path | None) -> Iterator[None]:
    """A project's folder as Pulumi runs programs: current, and first to import from. What is imported from it is new to
    every run, because it may declare resources."""
    if folder is None:
        yield
        return
    before = dict(sys.modules)
    path = list(sys.path)
    sys.path.insert(0, str(folder))
    try:
        with chdir(folder):
            yield
    finally:
        sys.path[:] = path
        for name in set(sys.modules) - set(before):
            if _is_in(folder, sys.modules[name]):
                del sys.modules[name]


def _is_in(folder: Path, module: object) -> bool:
    """Whether a module is the project's own, and not a package of an environment that stands in its folder."""
    file = getattr(module, "__file__", None)
    return isinstance(file, str) and Path(file).is_relative_to(folder) and "site-packages" not in Path(file).parts


# --- Pulumi's surroundings -----------------------------------------------------------------------------------------


def _text(value: Any) -> str:
    """A configuration value as Pulumi hands it on."""
    return value if isinstance(value, str) else json.dumps(value)


def _settings(config: Mapping[str, str]) -> Settings:
    """The settings of the test's configuration. Where a portal's counts and prices stand is no matter of a test's."""
    prefix = f"{NAMESPACE}:"
    own = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    try:
        settings = load(own, {})
    except SettingsError as error:
        raise pulumi.RunError(f"{error}. Nothing was bought.") from None
    described = {"capacity_source": "portal", "capacity_fields": CapacityFields(), "price_fields": PriceFields()}
    return settings.model_copy(update=described)


@contextmanager
def _event_loop() -> Iterator[asyncio.Runner]:
    """An event loop for one program. Pulumi's mocks make one more in each thread that they run in; all are closed."""
    loops: list[asyncio.AbstractEventLoop] = []

    def one_more() -> None:
        loops.append(asyncio.new_event_loop())
        asyncio.set_event_loop(loops[-1])

    try:
        with asyncio.Runner() as runner:
            # When the program raises, the resources that it had declared are left to themselves.
            runner.get_loop().set_exception_handler(lambda _loop, _context: None)
            runner.get_loop().set_default_executor(ThreadPoolExecutor(initializer=one_more))
            yield runner
    finally:
        for loop in loops:
            loop.close()
