"""The figures of docs/scale.md, written by the benchmarks themselves."""

from __future__ import annotations

from pathlib import Path

from .bounds import Bound
from .measuring import Measured
from .stacks import ROOT

PAGE = ROOT / "docs" / "scale.md"
PICTURE = ROOT / "docs" / "images" / "previews.svg"


def figures(measured: list[Measured], bounds: list[Bound], machine: str, runs: int) -> str:
    """What `make bench` found: a picture, a table of times, and the agreed bounds."""
    return "\n".join(
        [
            f"{machine}; medians of {runs} runs, of the naive version one.",
            "",
            "![Seconds of a preview and a refresh by the size of the fleet](images/previews.svg)",
            "",
            table(
                ["PBXs", "operation", "floor", "ours", "times the floor", "naive", "requests of ours"],
                [
                    [
                        f"{ours.pbxs:,}",
                        ours.title,
                        _seconds(measured, ours, "floor"),
                        f"{ours.seconds:.1f} s",
                        f"{ours.times_floor:.2f}",
                        _seconds(measured, ours, "naive"),
                        f"{sum(ours.requests.values()):,}",
                    ]
                    for ours in measured
                    if ours.kind == "ours"
                ],
            ),
            "",
            "What was agreed on before it was measured:",
            "",
            table(
                ["what", "bound", "measured", "of", ""],
                [
                    [
                        each.what,
                        f"{'at least' if each.at_least else 'at most'} {each.bound:,g}",
                        f"{each.measured:,g}",
                        each.unit,
                        "holds" if each.holds else "**broken**",
                    ]
                    for each in bounds
                ],
            ),
        ]
    )


def insert(name: str, text: str, page: Path = PAGE) -> None:
    """Put text between the two comments of that name."""
    before, begin, rest = page.read_text().partition(f"<!-- {name} -->\n")
    _, end, after = rest.partition(f"<!-- /{name} -->\n")
    if not begin or not end:
        raise SystemExit(f"{page} has no place for {name}")
    page.write_text(f"{before}{begin}\n{text}\n\n{end}{after}")


def _seconds(measured: list[Measured], ours: Measured, kind: str) -> str:
    """Those of another kind of stack, for the same operation on as many PBXs."""
    found = (each for each in measured if (each.title, each.pbxs, each.kind) == (ours.title, ours.pbxs, kind))
    return next((f"{each.seconds:.1f} s" for each in found), "")


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(_row(cells) for cells in (head, ["---"] * len(head), *rows))
