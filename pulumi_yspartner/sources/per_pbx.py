"""Counts of each PBX from the place that is configured for it, compared with what the portal lists."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Collection
from typing import Any

import anyio

from ..errors import ReadingError, YsPartnerError
from ..model import COUNTS, Counts
from ..partner import Account
from ..partner.answers import Found, counts
from ..partner.client import run_all
from ..settings import Settings
from ..wording import amounts
from .pbx import PbxSource
from .portal import PortalSource
from .protocol import CountsRead

_log = logging.getLogger(__name__)


class PerPbxSource:
    """The PBXs that `pbxs` names from their own API; the others from the portal, or refused (`capacitySource: pbx`).

    What fails in one place leaves the PBXs of the other alone.
    """

    def __init__(self, account: Account, portal: PortalSource, own: PbxSource, settings: Settings) -> None:
        self._account = account
        self._portal = portal
        self._own = own
        self._settings = settings
        self._compares = True

    async def read(self, serial_numbers: Collection[str], max_age: float | None = None) -> dict[str, CountsRead]:
        own = [serial for serial in serial_numbers if serial in self._settings.pbxs]
        others = [serial for serial in serial_numbers if serial not in self._settings.pbxs]
        read: dict[str, CountsRead] = {}
        listed: dict[str, Counts] = {}

        async def from_pbxs(_: Any) -> None:
            read.update(await self._own.read(own, max_age))

        async def from_elsewhere(_: Any) -> None:
            if self._settings.capacity_source == "mixed":
                read.update(await self._from_portal(others, max_age))
            else:
                read.update({serial: CountsRead({}, _not_configured(serial)) for serial in others})

        async def from_list(_: Any) -> None:
            listed.update(await self._listed(own))

        calls: list[tuple[Any, Any]] = [(from_pbxs, None)] if own else []
        calls += [(from_elsewhere, None)] if others else []
        if own and max_age is None:  # right before an order, what counts has been said already
            calls.append((from_list, None))
        await run_all(calls)
        for serial in own:
            if difference := disagreement(serial, read[serial].counts, listed.get(serial, {}), "pbx"):
                _log.warning("%s", difference)
        return read

    async def _from_portal(self, serial_numbers: Collection[str], max_age: float | None) -> dict[str, CountsRead]:
        try:
            return await self._portal.read(serial_numbers, max_age)
        except YsPartnerError as error:
            unreadable = CountsRead({}, f"the portal could not be read: {error}")
            return dict.fromkeys(serial_numbers, unreadable)

    async def _listed(self, serial_numbers: Collection[str]) -> dict[str, Counts]:
        """The counts in the portal's product list, as far as it states any. A portal that can't be read, or is slow,
        is no obstacle: it is not asked again."""
        listed: dict[str, Counts] = {}
        if not self._compares:
            return listed
        products: dict[str, Found] = {}
        with anyio.move_on_after(self._settings.pbx_timeout):
            try:
                products = (await self._account.products()).by_serial_number
            except YsPartnerError as error:
                _log.info("the portal's counts could not be compared: %s", error)
        self._compares = bool(products)
        for serial in serial_numbers:
            with contextlib.suppress(ReadingError):
                if serial in products:
                    listed[serial] = counts(products[serial].value, serial, self._settings.capacity_fields)
        return listed


def disagreement(serial_number: str, own: Counts, portal: Counts, decides: str) -> str | None:
    """What to say where a PBX and the portal state different counts; `decides` is the source that is used."""
    names = [name for name in COUNTS if name in own and name in portal and own[name] != portal[name]]
    if not names:
        return None
    return (
        f"{serial_number}: the PBX itself says {amounts({name: own[name] for name in names})}, the portal says "
        f"{amounts({name: portal[name] for name in names})}; the {'portal' if decides == 'portal' else 'PBX'}'s "
        f"numbers are used (yspartner:capacitySource)"
    )


def _not_configured(serial_number: str) -> str:
    return (
        f"serial number {serial_number} is not in yspartner:pbxs, and yspartner:capacitySource is pbx; add its url, "
        f"clientId and clientSecret there, or set yspartner:capacitySource to mixed to read it from the portal"
    )
