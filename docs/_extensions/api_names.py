"""The names that are looked for in the portal's answers, as a Markdown table, from the module that reads them."""

from __future__ import annotations

from pulumi_yspartner.partner.answers import SOUGHT


def table() -> str:
    """A row for each thing that is looked for by its name alone."""
    rows = [
        f"| {sought.what} | {sought.answer} | {', '.join(f'`{name}`' for name in sought.names)} | {sought.mark} |"
        for sought in SOUGHT
    ]
    return "\n".join(["| what | in which answer | under which names | mark |", "| --- | --- | --- | --- |", *rows, ""])
