"""`yspartner doctor`."""

from __future__ import annotations

import dataclasses
import json
import os
import sys
import time
from pathlib import Path

import click

from .extras import extra
from .failing import os_message
from .serial_number import chosen_pbxs

EPILOG = """\b
Examples:
  yspartner doctor
  yspartner doctor --pbx 3651D3296882
  yspartner doctor --json > doctor.json
  yspartner doctor --save-answers answers
"""


@click.command("doctor", short_help="Say what would stop a purchase.", epilog=EPILOG)
@chosen_pbxs
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
def command(pbxs: tuple[str, ...], most: int, as_json: bool, folder: Path | None) -> None:
    """Look at the configured account, and say what would stop a purchase. Only reads.

    The settings come from the environment (YSPARTNER_CLIENT_ID, YSPARTNER_CLIENT_SECRET and so on); a stack's
    configuration is not read, because its secrets are encrypted.

    The exit code is 0 when a purchase could be made, 1 when something would stop it, and 2 for wrong usage.
    """
    if not as_json:
        with extra("doctor"):
            from rich.console import Console

            from ..doctor.table import show
    import anyio

    from ..doctor import ENDPOINTS, Doctor
    from ..settings import load

    folder = _empty(folder)
    examination = Doctor(load({}, os.environ), os.environ, time.time())
    report = anyio.run(lambda: examination.examine(list(pbxs), most))
    if as_json:
        click.echo(json.dumps({"could_buy": not report.would_stop, **dataclasses.asdict(report)}, indent=2))
    else:
        # Without a terminal, rich takes 80 columns.
        show(report, Console(highlight=False, markup=False, emoji=False, soft_wrap=False))
    if folder is not None:
        from ..doctor.saved_answers import save

        try:
            written = save(examination.recorder.exchanges, folder, ENDPOINTS)
        except OSError as error:
            raise click.ClickException(f"--save-answers {folder}: {error.strerror or error}") from None
        click.echo(
            f"{len(written)} answers are in {folder}, with everything personal replaced. Look before you send.",
            err=True,
        )
    sys.exit(1 if report.would_stop else 0)


def _empty(folder: Path | None) -> Path | None:
    """A folder to write into: made before anything is asked, and without files of an earlier time."""
    if folder is None:
        return None
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise click.BadParameter(f"{folder} is not empty", param_hint="--save-answers")
    except OSError as error:
        raise click.BadParameter(os_message(error), param_hint="--save-answers") from None
    return folder
