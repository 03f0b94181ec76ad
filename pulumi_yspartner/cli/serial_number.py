"""The option `--pbx`, which names PBXs by their serial numbers."""

from __future__ import annotations

import click


def _serial_number(text: str) -> str:
    from ..model import normalised_serial_number

    try:
        return normalised_serial_number(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} {error}") from None


chosen_pbxs = click.option(
    "--pbx",
    "pbxs",
    multiple=True,
    metavar="SN",
    callback=lambda _ctx, _param, texts: tuple(map(_serial_number, texts)),
    help="Only this PBX, by its serial number; may be repeated.",
)
"""Adds the argument `pbxs`: normalised serial numbers, none where none was named."""
