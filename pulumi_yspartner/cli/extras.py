"""What a command needs that a bare installation does not bring."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import click


@contextlib.contextmanager
def extra(name: str) -> Iterator[None]:
    """Import inside of this what the extra `name` brings; where it is missing, the message says how to get it.

    Raises `click.ClickException`.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("pulumi_yspartner"):
            raise  # one of ours: a broken installation, which no extra mends
        raise click.ClickException(
            f"this needs a package that is not installed ({error.name}): pip install 'pulumi_yspartner[{name}]'"
        ) from None
