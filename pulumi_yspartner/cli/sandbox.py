"""`yspartner sandbox`."""

from __future__ import annotations

import contextlib
import re
import shlex
import signal
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from .extras import extra

if TYPE_CHECKING:
    from ..sandbox import Order, Portal, SandboxServer

DEFAULT_PBX = "3651D3296882=50/12"

EPILOG = """\b
Examples:
  yspartner sandbox
  yspartner sandbox --port 8321 --pbx 3651D3296882=50/12 --pbx 3651D3296883=100/25
  yspartner sandbox --order-status pending
  yspartner sandbox --fault order.save:cut_after@1
"""


@click.command("sandbox", short_help="Run a Partner API on this machine.", epilog=EPILOG)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Port on loopback; 0 takes a free one.")
@click.option(
    "--pbx",
    "pbxs",
    multiple=True,
    metavar="SN=EXT/CC",
    help=f"A PBX with its extensions and concurrent calls; may be repeated.  [default: {DEFAULT_PBX}]",
)
@click.option(
    "--contact",
    "contacts",
    multiple=True,
    metavar="COMPANY=E-MAIL",
    help="A billing contact; may be repeated. Without any there is one.",
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
def command(
    port: int,
    pbxs: tuple[str, ...],
    contacts: tuple[str, ...],
    client_id: str,
    client_secret: str,
    latency: float,
    faults: tuple[str, ...],
    order_status: str,
    dialect: str,
) -> None:
    """Run a Partner API on this machine, to try things without buying anything.

    Its address in a browser shows the PBXs and the orders. There a pending order is paid or cancelled, as a person does
    in the real portal.
    """
    with extra("sandbox"):
        from ..sandbox import DIALECTS, Behaviour, Portal, SandboxServer

    if dialect not in DIALECTS:
        raise click.BadParameter(
            f"unknown dialect {dialect!r}; there are: {', '.join(DIALECTS)}", param_hint="--dialect"
        )
    portal = Portal(
        behaviour=Behaviour(order_status=order_status, latency=latency),
        dialect=DIALECTS[dialect],
        client_id=client_id,
        client_secret=client_secret,
    )
    for text in pbxs or (DEFAULT_PBX,):
        _add_pbx(portal, text)
    _add_contacts(portal, contacts)
    for spec in faults:
        try:
            portal.faults.add(spec)
        except ValueError as error:
            raise click.BadParameter(f"{spec}: {error}", param_hint="--fault") from None
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
        raise click.BadParameter(
            f"{text}: must look like {DEFAULT_PBX} (serial number=extensions/calls)", param_hint="--pbx"
        )
    serial_number = match[1].upper()
    if serial_number in portal.pbxs:
        raise click.BadParameter(f"{serial_number} is given twice", param_hint="--pbx")
    portal.add_pbx(serial_number, int(match[2]), int(match[3]))


def _add_contacts(portal: Portal, texts: tuple[str, ...]) -> None:
    if not texts:
        return
    first = portal.contacts[0].contact_id
    portal.contacts.clear()
    for number, text in enumerate(texts):
        company, _, email_address = (part.strip() for part in text.partition("="))
        if not company or not email_address:
            raise click.BadParameter(f"{text}: must look like ACME=billing@acme.example", param_hint="--contact")
        portal.add_contact(first + number, company, email_address)


def _greet(server: SandboxServer) -> None:
    portal = server.portal
    lines = [
        f"Partner API sandbox on {server.url} (Ctrl-C ends it). Nothing here costs anything.",
        f"{server.url}/ shows the PBXs and the orders, and pays or cancels those that are pending.",
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
