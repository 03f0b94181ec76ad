"""`yspartner export`."""

from __future__ import annotations

import os
import sys
import time

import click

from .serial_number import chosen_pbxs

EPILOG = """\b
Examples:
  yspartner export > fleet.yaml
  yspartner export --pbx 3651D3296882 --pbx 3651D3296883
"""


@click.command("export", short_help="Print the fleet as it is, as YAML.", epilog=EPILOG)
@chosen_pbxs
def command(pbxs: tuple[str, ...]) -> None:
    """Print the fleet as it is, as the YAML file of examples/fleet. Only reads.

    Declared like this, the first preview says that there is nothing to buy. The settings come from the environment.
    A PBX that can't be read stands in the file as a comment, and the exit code is 1.
    """
    import anyio

    from ..export import as_yaml, read_fleet
    from ..settings import load

    settings = load({}, os.environ)
    fleet = anyio.run(lambda: read_fleet(settings, list(pbxs)))
    click.echo(as_yaml(fleet, time.strftime("%Y-%m-%d")), nl=False)
    for problem in fleet.problems:
        click.echo(f"left out: {problem}", err=True)
    if not fleet.pbxs:
        click.echo("the account has no P-Series Software Edition PBX", err=True)
    sys.exit(1 if fleet.problems or not fleet.pbxs else 0)
