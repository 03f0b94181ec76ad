"""What is measured: an operation on a fleet of one size, and what the portal is like meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["floor", "naive", "ours"]
"""A stack that does nothing, the obvious first version, and this package."""
Operation = Literal["adopting preview", "buying preview", "unchanged preview", "refresh", "buying up"]

ORDERS = 5000
TOO_MANY = "any:status=429/5x*"
"""Every fifth answer says that there were too many requests."""


@dataclass(frozen=True)
class Case:
    """One line of the results."""

    operation: Operation
    pbxs: int
    name: str = ""
    dialect: dict[str, Any] = field(default_factory=dict)
    """How the portal answers, where that is not the sandbox's default."""
    orders: int = 0
    """Orders of past years in the account."""
    fault: str | None = None
    kinds: tuple[Kind, ...] = ("floor", "ours")
    """Those that are run; the others' figures are those of the same operation and size without a name."""

    @property
    def title(self) -> str:
        return f"{self.operation}, {self.name}" if self.name else self.operation


def cases(sizes: list[int], naive_up_to: int) -> list[Case]:
    """All cases, small fleets first."""
    found = []
    for pbxs in sorted(sizes):
        kinds: tuple[Kind, ...] = ("floor", "naive", "ours") if pbxs <= naive_up_to else ("floor", "ours")
        found += [Case("adopting preview", pbxs, kinds=kinds), Case("buying preview", pbxs, kinds=kinds)]
        if pbxs <= naive_up_to:
            found += [
                Case("buying preview", pbxs, f"{ORDERS} old orders", orders=ORDERS, kinds=("ours",)),
                Case("buying preview", pbxs, "1 in 5 answers a 429", fault=TOO_MANY, kinds=("ours",)),
            ]
        found += [
            Case("unchanged preview", pbxs, kinds=kinds),
            Case("unchanged preview", pbxs, "counts in the list", dialect={"counts": "list"}, kinds=("ours",)),
            Case("refresh", pbxs, kinds=kinds),
        ]
    found.append(Case("buying up", 100))
    return found
