"""`yspartner outcome`."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .failing import unusable

EPILOG = """\b
Exit codes:
  0  everything that was approved was ordered
  1  something was not, or is not known
  2  wrong usage, or a file that can't be read

\b
Example:
  pulumi up --yes --skip-preview --plan plan.json --continue-on-error --json > up.jsonl
  yspartner outcome up.jsonl --plan plan.json
"""

_read = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("outcome", short_help="Say what an update ordered, and what it refused.", epilog=EPILOG)
@click.argument("up", type=_read, metavar="UP.jsonl")
@click.option(
    "--plan",
    "plan_file",
    type=_read,
    metavar="PLAN.json",
    help="The plan that the update was given. Its purchases are listed also where the update never reached them.",
)
def command(up: Path, plan_file: Path | None) -> None:
    """Say in words what an update ordered, what it refused and why, and what to do next.

    UP.jsonl is what `pulumi up --json` printed. The words are Markdown, for the log and the summary of a CI job.
    Nothing is asked of the portal, and no credentials are needed.
    """
    from ..review.files import UnreadableError
    from ..review.outcome import read_outcome, read_plan
    from ..review.outcome_markdown import as_markdown

    try:
        found = read_outcome(up, read_plan(plan_file) if plan_file else None)
    except UnreadableError as error:
        raise unusable(f"{error}. What was bought can't be told from it") from None
    click.echo(as_markdown(found), nl=False)
    sys.exit(1 if found.failed else 0)
