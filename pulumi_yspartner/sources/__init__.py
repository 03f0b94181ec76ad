"""Where current counts are read, by the setting `capacitySource`.

- `portal`: every PBX's counts from the portal. Which field of the portal holds them is UNKNOWN, so this is replaceable.
- `pbx`: every PBX's counts from its own API, which is documented in full (SEEN). A PBX that is not in `pbxs` is
  refused: nothing falls back to another source by itself.
- `mixed`: the PBXs in `pbxs` from their own API, all others from the portal.

With `pbx` and `mixed`, a PBX that the portal's product list gives other counts is warned about, with both numbers; the
PBX's own decide. The list is one request per hundred PBXs; nothing is asked of the portal per PBX just to compare.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..partner import Account
from ..settings import Settings
from .ahead import ReadingAhead
from .portal import PortalSource
from .protocol import CapacitySource, CountsRead

if TYPE_CHECKING:
    from .pbx import Listener

__all__ = ["CapacitySource", "CountsRead", "PortalSource", "capacity_source", "capacity_source_ahead"]


def capacity_source(account: Account, settings: Settings, listener: Listener | None = None) -> CapacitySource:
    """The source that the settings name; raises `SettingsError` for certificates that can't be read.

    `listener` hears every answer of a PBX's own API.
    """
    portal = PortalSource(account, settings)
    if settings.capacity_source == "portal":
        return portal
    # Imported where they are used: most programs read from the portal only, and wait for every import.
    from .pbx import PbxSource
    from .per_pbx import PerPbxSource

    return PerPbxSource(account, portal, PbxSource(settings, listener), settings)


def capacity_source_ahead(account: Account, settings: Settings) -> CapacitySource:
    """As `capacity_source`, for who asks for one PBX after the other: from the portal, the next are read ahead."""
    source = capacity_source(account, settings)
    if settings.capacity_source != "portal":
        return source  # a PBX is not bothered before it is asked for

    async def listed() -> list[str]:
        return list((await account.products()).by_serial_number)

    return ReadingAhead(source, listed, settings.max_connections)
