"""The results as text for a terminal."""

from __future__ import annotations

from .bounds import Bound
from .measuring import Measured


def results_table(measured: list[Measured]) -> str:
    """A line for each case and kind of stack."""
    lines = [
        f"{'PBXs':>5}  {'operation':<41}{'stack':<6}{'seconds':>8}{'x floor':>8}"
        f"{'program MB':>12}{'CPU s':>6}{'provider MB':>13}{'CPU s':>6}{'sandbox CPU s':>15}  requests"
    ]
    for each in measured:
        requests = ", ".join(f"{name} {number}" for name, number in sorted(each.requests.items()))
        lines.append(
            f"{each.pbxs:>5}  {each.title:<41}{each.kind:<6}{each.seconds:>8.2f}{each.times_floor:>8.2f}"
            f"{each.megabytes.get('program', ''):>12}{each.cpu_seconds.get('program', ''):>6}"
            f"{each.megabytes.get('provider', ''):>13}{each.cpu_seconds.get('provider', ''):>6}"
            f"{each.cpu_seconds['sandbox']:>15}  "
            f"{f'{sum(each.requests.values())}: {requests}' if requests else 'none'}"
        )
    return "\n".join(lines)


def verdict_table(bounds: list[Bound]) -> str:
    """A line for each bound that was agreed on."""
    lines = [f"{'agreed bound':<58}{'bound':>9}{'measured':>10}  {'unit':<28}"]
    for each in bounds:
        bound = f"{'at least' if each.at_least else 'at most'} {each.bound:g}"
        lines.append(
            f"{each.what:<52}{bound:>15}{each.measured:>10g}  {each.unit:<28}{'holds' if each.holds else 'BROKEN'}"
        )
    broken = sum(not bound.holds for bound in bounds)
    return "\n".join([*lines, f"{len(bounds) - broken} of {len(bounds)} bounds hold."])
