"""What a user can cause ends as one message and an exit code, never as a traceback."""

from __future__ import annotations

import contextlib
import errno
import sys
from collections.abc import Iterator
from typing import Any

import click

from ..errors import YsPartnerError

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it: 128 + SIGINT."""


class Group(click.Group):
    """A group of commands whose expected failures are messages: those of this package, of files, and Ctrl-C."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        """Read the command line; `--help` and `--version` write already here."""
        with _as_messages():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        if sys.stdout is None:  # otherwise what is printed would be lost without a word
            raise click.ClickException("standard output is closed")
        with _as_messages():
            return super().invoke(ctx)


@contextlib.contextmanager
def _as_messages() -> Iterator[None]:
    try:
        yield
    except YsPartnerError as error:
        raise click.ClickException(str(error)) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # whoever read the output has enough: click ends quietly
            raise
        raise click.ClickException(os_message(error)) from None
    except KeyboardInterrupt:
        click.echo(err=True)  # the terminal shows ^C without a line's end
        raise click.exceptions.Exit(INTERRUPTED) from None


def os_message(error: OSError) -> str:
    """What the system said, with the file it said it of."""
    reason = error.strerror or str(error) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def unusable(message: str) -> click.ClickException:
    """An error with the exit code of wrong usage, its text fit for the log of a CI job."""
    from ..review.escaping import visible

    return _Unusable(visible(message))


class _Unusable(click.ClickException):
    exit_code = 2
