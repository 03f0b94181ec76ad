"""The command `yspartner`: a module for each verb, and what they share.

A verb is a click command named `command` in its own module. What a verb needs beyond click is imported when it runs, so
that `--help` and shell completion are quick and no verb needs another's extra.

`failing` turns what a user can cause into a message; `extras` says which packages to install; `serial_number` reads
the option `--pbx`.
"""

from __future__ import annotations

import importlib.metadata

import click

from . import doctor, export, outcome, review, sandbox
from .failing import Group


def _version() -> str:
    try:
        return importlib.metadata.version("pulumi_yspartner")
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


EPILOG = """\b
Exit codes of every command:
  0    it did what was asked, and found nothing wrong
  1    it could not, or what it looked at is not in order
  2    wrong usage: an option, a value or a file's place
  130  ended by Ctrl-C

\b
Examples:
  yspartner sandbox
  yspartner doctor --pbx 3651D3296882
  yspartner review preview.json --plan plan.json
  yspartner export > fleet.yaml

\b
Completion of commands and options, for this shell:
  eval "$(_YSPARTNER_COMPLETE=bash_source yspartner)"     bash
  eval "$(_YSPARTNER_COMPLETE=zsh_source yspartner)"      zsh
  _YSPARTNER_COMPLETE=fish_source yspartner | source      fish
"""


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]}, epilog=EPILOG)
@click.version_option(_version(), prog_name="yspartner")
def main() -> None:
    """Companion to the Pulumi provider for PBX capacity.

    No command buys anything: only `pulumi up` does, where purchases are allowed.
    """


for _verb in (sandbox, doctor, export, review, outcome):
    main.add_command(_verb.command)
