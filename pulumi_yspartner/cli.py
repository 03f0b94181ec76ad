"""The command `yspartner`."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.metadata
import json
import os
import re
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from .errors import YsPartnerError

if TYPE_CHECKING:
    from .sandbox import Order, Portal, SandboxServer

_T = TypeVar("_T")

DEFAULT_PBX = "3651D3296882=50/12"


def _version() -> str:
    try:
        return importlib.metadata.version("pulumi_yspartner")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="yspartner")
def main() -> None:
    """Companion to the Pulumi provider for PBX capacity."""


@main.command()
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0 takes a free one.")
@click.option(
    "--pbx",
    "pbxs",
    multiple=True,
    metavar="SN=EXT/CC",
    help=f"A PBX with its extensions and concurrent calls; may be repeated.  [default: {DEFAULT_PBX}]",
)
@click.option("--client-id", default="sandbox", show_default=True, help="The client id to accept.")
@click.option("--client-secret", default="sandbox-secret", show_default=True, help="The client secret to accept.")
@click.option("--latency", type=click.FloatRange(min=0), default=0.0, help="Seconds that every answer takes.")
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="ENDPOINT:KIND[=VALUE][@FIRST][xTIMES]",
    help="Something that goes wrong, for instance order.save:cut_after or order.save:status=503@2, "
    "which strikes the second order; may be given several times. An unknown kind lists all kinds.",
)
@click.option("--order-status", default="succeed", show_default=True, help="The status that new orders get.")
@click.option(
    "--dialect", default="default", show_default=True, help="The shape of answers. An unknown name lists all."
)
def sandbox(
    port: int,
    pbxs: tuple[str, ...],
    client_id: str,
    client_secret: str,
    latency: float,
    faults: tuple[str, ...],
    order_status: str,
    dialect: str,
) -> None:
    """Run a Partner API on this machine, to try things without buying anything."""
    with _sandbox_extra():
        from .sandbox import DIALECTS, Behaviour, Portal, SandboxServer

    if dialect not in DIALECTS:
        raise click.ClickException(f"unknown dialect {dialect!r}; there are: {', '.join(DIALECTS)}")
    portal = Portal(
        behaviour=Behaviour(order_status=order_status, latency=latency),
        dialect=DIALECTS[dialect],
        client_id=client_id,
        client_secret=client_secret,
    )
    for text in pbxs or (DEFAULT_PBX,):
        _add_pbx(portal, text)
    for spec in faults:
        try:
            portal.faults.add(spec)
        except ValueError as error:
            raise click.ClickException(f"--fault {spec}: {error}") from None
    portal.on_order = _report

    stop = threading.Event()
    server = SandboxServer(portal, port=port)
    with _signals(stop):
        try:
            server.start()
        except OSError as error:
            raise click.ClickException(f"port {port}: {error.strerror or error}") from None
        try:
            _greet(server)
            stop.wait()
        finally:
            server.stop()


_pbx_option = click.option(
    "--pbx", "pbxs", multiple=True, metavar="SN", help="Only this PBX, by its serial number; may be repeated."
)


@main.command()
@_pbx_option
@click.option(
    "--most", type=click.IntRange(1), default=20, show_default=True, help="PBXs to look at where none is named."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
@click.option(
    "--save-answers",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    help="Write every answer into DIR, with names, addresses, ids, serial numbers, tokens and codes replaced, so that "
    "it can be sent to others.",
)
def doctor(pbxs: tuple[str, ...], most: int, as_json: bool, folder: Path | None) -> None:
    """Look at the configured account, and say what would stop a purchase. Only reads.

    The settings come from the environment (YSPARTNER_CLIENT_ID, YSPARTNER_CLIENT_SECRET and so on); a stack's
    configuration is not read, because its secrets are encrypted.

    The exit code is 0 when a purchase could be made, 1 when something would stop it, and 2 for wrong usage.
    """
    from .doctor import ENDPOINTS, Doctor
    from .settings import load

    folder = _empty_folder(folder)
    chosen = _serial_numbers(pbxs)
    settings = _or_message(lambda: load({}, os.environ))
    examination = Doctor(settings, os.environ, time.time())
    report = _run(lambda: examination.examine(chosen, most))
    if as_json:
        click.echo(json.dumps({"could_buy": not report.would_stop, **dataclasses.asdict(report)}, indent=2))
    else:
        from rich.console import Console

        from .doctor.table import show

        # Without a terminal, rich takes 80 columns.
        show(report, Console(highlight=False, markup=False, emoji=False, soft_wrap=False))
    if folder is not None:
        from .doctor.saved_answers import save

        try:
            written = save(examination.recorder.exchanges, folder, ENDPOINTS)
        except OSError as error:
            raise click.ClickException(f"--save-answers {folder}: {error.strerror or error}") from None
        click.echo(
            f"{len(written)} answers are in {folder}, with everything personal replaced. Look before you send.",
            err=True,
        )
    sys.exit(1 if report.would_stop else 0)


@main.command()
@_pbx_option
def export(pbxs: tuple[str, ...]) -> None:
    """Print the fleet as it is, as the YAML file of examples/fleet. Only reads.

    Declared like this, the first preview says that there is nothing to buy. The settings come from the environment.
    A PBX that can't be read stands in the file as a comment, and the exit code is 1.
    """
    from .export import as_yaml, read_fleet
    from .settings import load

    chosen = _serial_numbers(pbxs)
    settings = _or_message(lambda: load({}, os.environ))
    fleet = _run(lambda: read_fleet(settings, chosen))
    click.echo(as_yaml(fleet, time.strftime("%Y-%m-%d")), nl=False)
    for problem in fleet.problems:
        click.echo(f"left out: {problem}", err=True)
    if not fleet.pbxs:
        click.echo("the account has no P-Series Software Edition PBX", err=True)
    sys.exit(1 if fleet.problems or not fleet.pbxs else 0)


@main.command()
@click.argument("up", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="UP.jsonl")
@click.option(
    "--plan",
    "plan_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PLAN.json",
    help="The plan that the update was given: its purchases are listed also where the run never reached them.",
)
def outcome(up: Path, plan_file: Path | None) -> None:
    """Say in words what an update ordered, what it refused and why, and what to do next.

    UP.jsonl is what `pulumi up --json` printed. The words are Markdown, for the log and the summary of a CI job.

    The exit code is 0 when everything that was approved was ordered, 1 when something was not or is not known, and 2
    when a file can't be read.
    """
    from .review.outcome import UnreadableError, read_outcome, read_plan
    from .review.outcome_markdown import as_markdown

    file = plan_file
    try:
        plan = read_plan(plan_file.read_bytes()) if plan_file else None
        file = up
        found = read_outcome(up.read_text(encoding="utf-8", errors="replace"), plan)
    except (UnreadableError, OSError) as error:
        click.echo(f"Error: {file}: {error}. What was bought can't be told from it.", err=True)
        sys.exit(2)
    click.echo(as_markdown(found), nl=False)
    sys.exit(1 if found.failed else 0)


def _run(work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
    """Run asynchronous work; what this package refuses is a message, and Ctrl-C ends it quietly."""
    import anyio

    return _or_message(lambda: anyio.run(work))


def _or_message(work: Callable[[], _T]) -> _T:
    try:
        return work()
    except YsPartnerError as error:
        raise click.ClickException(str(error)) from None


def _serial_numbers(texts: tuple[str, ...]) -> list[str]:
    from .model import normalised_serial_number

    chosen = []
    for text in texts:
        try:
            chosen.append(normalised_serial_number(text))
        except ValueError as error:
            raise click.BadParameter(f"{text!r} {error}", param_hint="--pbx") from None
    return chosen


def _empty_folder(folder: Path | None) -> Path | None:
    """A folder to write into: made before anything is asked, and without files of an earlier time."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise click.BadParameter(f"{folder} is not empty", param_hint="--save-answers")
    except OSError as error:
        raise click.BadParameter(f"{folder}: {error.strerror or error}", param_hint="--save-answers") from None
    return folder


@contextlib.contextmanager
def _sandbox_extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("starlette", "uvicorn", "h11", "anyio"):
            raise
        raise click.ClickException("the sandbox needs more packages: pip install 'pulumi_yspartner[sandbox]'") from None


@contextlib.contextmanager
def _signals(stop: threading.Event) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the command quietly."""

    def end(*_: Any) -> None:
        stop.set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _add_pbx(portal: Portal, text: str) -> None:
    match = re.fullmatch(r"\s*(\w+)\s*=\s*(\d+)\s*/\s*(\d+)\s*", text, re.ASCII)
    if match is None:
        raise click.ClickException(f"--pbx {text}: must look like {DEFAULT_PBX} (serial number=extensions/calls)")
    serial_number = match[1].upper()
    if serial_number in portal.pbxs:
        raise click.ClickException(f"--pbx {text}: {serial_number} is given twice")
    portal.add_pbx(serial_number, int(match[2]), int(match[3]))


def _greet(server: SandboxServer) -> None:
    portal = server.portal
    lines = [
        f"Partner API sandbox on {server.url} (Ctrl-C ends it). Nothing here costs anything.",
        "",
        f"export YSPARTNER_BASE_URL={server.url}",
        f"export YSPARTNER_CLIENT_ID={shlex.quote(portal.client_id)}",
        f"export YSPARTNER_CLIENT_SECRET={shlex.quote(portal.client_secret)}",
        "",
        *(
            f"{pbx.serial_number}: {pbx.extensions} extensions, {pbx.concurrent_calls} concurrent calls"
            for pbx in portal.all_pbxs()
        ),
        "",
    ]
    click.echo("\n".join(lines))


def _report(order: Order) -> None:
    bought = [
        f"{quantity} {words}"
        for quantity, words in (
            (order.extensions, "extensions"),
            (order.concurrent_calls, "concurrent calls"),
        )
        if quantity
    ]
    # Nobody may be reading any more; the order stands all the same.
    with contextlib.suppress(OSError):
        click.echo(f"order {order.order_no} for {order.serial_number}: {', '.join(bought)} ({order.status})")
