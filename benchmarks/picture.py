"""A picture of how long previews take, by the size of the fleet: one panel per operation, bars to one scale."""

from __future__ import annotations

from html import escape

from .cases import Kind, Operation
from .measuring import Measured

PANELS: dict[Operation, str] = {
    "buying preview": "Preview of a new fleet, a purchase each",
    "unchanged preview": "Preview of an unchanged fleet",
    "refresh": "Refresh",
}
KINDS: dict[Kind, tuple[str, str]] = {
    "floor": ("no-op stack", "#8a94a6"),
    "ours": ("pulumi_yspartner", "#2563eb"),
    "naive": ("naive version", "#c2410c"),
}
WIDTH, LEFT, BAR, GAP = 760, 130, 16, 5


def picture(measured: list[Measured]) -> str:
    """An SVG that can be read in a light and in a dark page."""
    shown = [each for each in measured if each.title in PANELS]
    scale = (WIDTH - LEFT - 70) / max((each.seconds for each in shown), default=1)
    parts: list[str] = []
    y = 28
    for kind, (name, colour) in KINDS.items():
        x = LEFT + list(KINDS).index(kind) * 170
        parts.append(f'<rect x="{x}" y="{y - 11}" width="12" height="12" fill="{colour}"/>')
        parts.append(_text(x + 18, y, name))
    for operation, title in PANELS.items():
        y += 40
        parts.append(_text(10, y, title, bold=True))
        for pbxs in sorted({each.pbxs for each in shown if each.operation == operation}):
            bars = [each for each in shown if (each.operation, each.pbxs) == (operation, pbxs)]
            y += 12
            parts.append(_text(10, y + BAR * len(bars) / 2 + 4, f"{pbxs:,} PBXs"))
            for each in sorted(bars, key=lambda each: list(KINDS).index(each.kind)):
                colour = KINDS[each.kind][1]
                length = max(1, each.seconds * scale)
                parts.append(
                    f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR - 2}" rx="2" fill="{colour}"/>'
                )
                parts.append(_text(LEFT + length + 6, y + BAR - 5, f"{each.seconds:.1f} s"))
                y += BAR
            y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 16}" role="img" '
        f'font-family="system-ui, sans-serif" font-size="12">\n'
        f"<title>Seconds of a preview and a refresh by the size of the fleet</title>\n"
        f"<style>text {{ fill: #1f2937 }} @media (prefers-color-scheme: dark) {{ text {{ fill: #e5e7eb }} }}</style>\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, words: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{x:.0f}" y="{y:.0f}"{weight}>{escape(words)}</text>'
