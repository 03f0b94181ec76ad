"""`yspartner review`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

import click

from .failing import unusable

EPILOG = """\b
Exit codes:
  0  fine
  1  something of --fail-on; or a preview failed, a PBX was refused, a plan buys something else than its
     preview shows, or two stacks declare the same PBX
  2  wrong usage, or a file that can't be read

\b
Examples:
  pulumi preview --json --show-sames --save-plan plan.json > preview.json
  yspartner review preview.json --plan plan.json
  yspartner review */preview.json --markdown review.md --limits '{"extensions": 500, "amount": "5000.00 USD"}'
"""

REASONS = ("short", "unconfirmed", "limits")

_read = click.Path(exists=True, dir_okay=False, path_type=Path)
_write = click.Path(dir_okay=False, path_type=Path)


def _reasons(_: click.Context, __: click.Parameter, text: str) -> frozenset[str]:
    reasons = frozenset(each.strip() for each in text.split(",") if each.strip())
    if unknown := sorted(reasons - set(REASONS)):
        raise click.BadParameter(f"{', '.join(unknown)}; there are: {', '.join(REASONS)}")
    return reasons


@click.command("review", short_help="Say what previews would buy, for who approves it.", epilog=EPILOG)
@click.argument("previews", nargs=-1, required=True, type=_read, metavar="PREVIEW.json...")
@click.option(
    "--plan",
    "plans",
    multiple=True,
    type=_read,
    metavar="PLAN.json",
    help="The plan that was saved with a preview; may be repeated. It must buy what the preview shows.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(["markdown", "html", "json"]),
    help="What to print. [default: markdown, or nothing where a file is written]",
)
@click.option("--markdown", "markdown_file", type=_write, metavar="FILE", help="Write the comment to a file.")
@click.option("--html", "html_file", type=_write, metavar="FILE", help="Write the page to a file.")
@click.option("--json", "json_file", type=_write, metavar="FILE", help="Write the data to a file.")
@click.option(
    "--limits",
    envvar="YSPARTNER_RUN_LIMITS",
    metavar="JSON",
    help='The most that all PBXs may buy together: {"extensions": 500, "concurrentCalls": 100, "amount": '
    '"5000.00 USD"}. With an amount, a price that is unknown fails. Also the variable YSPARTNER_RUN_LIMITS.',
)
@click.option(
    "--fail-on",
    default="limits",
    show_default=True,
    callback=_reasons,
    metavar="LIST",
    help="What makes the exit code 1: short, unconfirmed, limits, separated by commas.",
)
@click.option("--quiet", is_flag=True, help="Write nothing at all where nothing is bought, removed or wrong.")
def command(
    previews: tuple[Path, ...],
    plans: tuple[Path, ...],
    format_: str | None,
    markdown_file: Path | None,
    html_file: Path | None,
    json_file: Path | None,
    limits: str | None,
    fail_on: frozenset[str],
    quiet: bool,
) -> None:
    """Say what the previews of one or many stacks would buy, for the person who approves it.

    Each PREVIEW.json is the output of `pulumi preview --json`. With --show-sames in that command, PBXs that don't
    change are listed too. Nothing is asked of the portal, and no credentials are needed.
    """
    from ..errors import YsPartnerError
    from ..review.limits import RunLimits
    from ..review.reading import load
    from ..review.rendering import FORMS, Form, render

    files = dict(zip(FORMS, (markdown_file, html_file, json_file), strict=True))
    printed = cast("Form | None", format_) or ("markdown" if not any(files.values()) else None)
    try:
        run_limits = RunLimits.parse(limits, "--limits (or YSPARTNER_RUN_LIMITS)") if limits is not None else None
        review = load(previews, plans, run_limits)
        silent = quiet and not review.worth_telling
        texts = {form: "" if silent else render(review, form) for form in FORMS if files[form] or form == printed}
    except YsPartnerError as error:
        raise unusable(str(error)) from None
    for form, file in files.items():
        if file is not None:
            _put(file, None if silent else texts[form])
    if printed is not None:
        click.echo(texts[printed], nl=False)
    failing = {
        "short": review.counts["short"] > 0,
        "unconfirmed": review.counts["unconfirmed"] > 0,
        "limits": not review.limits_hold,
    }
    sys.exit(0 if review.ok and not any(failing[reason] for reason in fail_on) else 1)


def _put(file: Path, text: str | None) -> None:
    """Write a file. With nothing to tell there is none, also none of an earlier run."""
    try:
        if text is None:
            file.unlink(missing_ok=True)
        else:
            file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unusable(f"{file} can't be written: {error.strerror or error}") from None
