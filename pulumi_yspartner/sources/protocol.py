"""What every source of counts gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..model import CountName, Counts


@dataclass(frozen=True)
class CountsRead:
    """The counts of one PBX, or why there are none."""

    counts: Counts
    unreadable: str | None = None
    """In words, when `counts` is empty or a count is missing from it."""
    used: Mapping[CountName, int] = field(default_factory=dict)
    """How many of them are in use, where the source tells. For reports: it decides nothing and is no input."""


class CapacitySource(Protocol):
    """Reads the counts of PBXs."""

    async def read(self, serial_numbers: Collection[str], max_age: float | None = None) -> dict[str, CountsRead]:
        """The counts of each PBX. An error that concerns one PBX is in its `CountsRead`; only what makes every PBX
        unreadable (credentials, an unreachable portal) is raised, as `YsPartnerError`.

        `max_age` is in seconds; None accepts what was read earlier in this process.
        """
        ...
