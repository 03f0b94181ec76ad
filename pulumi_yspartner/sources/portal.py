"""Counts from the portal. Which field of its answers holds them is UNKNOWN: `partner.answers` looks for them."""

from __future__ import annotations

from collections.abc import Collection

from ..errors import PartnerError, ReadingError
from ..model import COUNTS
from ..partner import Account
from ..partner.answers import Found, counts, no_count
from ..partner.client import run_all
from ..settings import Settings
from .protocol import CountsRead


class PortalSource:
    """Counts from the portal: from the product list where it states them, else from each PBX's details."""

    def __init__(self, account: Account, settings: Settings) -> None:
        self._account = account
        self._fields = settings.capacity_fields

    async def read(self, serial_numbers: Collection[str], max_age: float | None = None) -> dict[str, CountsRead]:
        # The list tells which PBXs there are. Only where it also states counts must it be as fresh as they.
        listed = (await self._account.products()).by_serial_number
        if any(self._states_a_count(serial, listed.get(serial)) for serial in serial_numbers):
            listed = (await self._account.products(max_age, serial_numbers)).by_serial_number
        elif any(serial not in listed for serial in serial_numbers):
            listed = (await self._account.products(_NEW_PBX_SEEN_AFTER)).by_serial_number

        read: dict[str, CountsRead] = {}

        async def read_one(serial: str) -> None:
            read[serial] = await self._read_one(serial, listed.get(serial))

        await run_all([(read_one, serial) for serial in dict.fromkeys(serial_numbers)])
        return read

    def _states_a_count(self, serial: str, found: Found | None) -> bool:
        if found is None:
            return False
        try:
            return bool(counts(found.value, serial, self._fields))
        except ReadingError:
            return True

    async def _read_one(self, serial: str, listed: Found | None) -> CountsRead:
        if listed is None:
            return CountsRead(
                {},
                f"serial number {serial} is not among the P-Series Software Edition PBXs of this account; "
                f"is it spelled right?",
            )
        try:
            in_list = counts(listed.value, serial, self._fields)
            if len(in_list) == len(COUNTS):
                return CountsRead(in_list)
            details = await self._account.product(serial)
            in_details = counts(details, serial, self._fields)
        except (PartnerError, ReadingError) as error:
            return CountsRead({}, f"its counts could not be read: {error}")
        for name in COUNTS:
            if name in in_list and in_details.get(name, in_list[name]) != in_list[name]:
                return CountsRead(
                    {},
                    f"its counts could not be read: {name} is {in_list[name]} in the product list and "
                    f"{in_details[name]} in the product's details",
                )
        stated = {**in_list, **in_details}
        absent = [name for name in COUNTS if name not in stated]
        return CountsRead(stated, no_count(absent, details, self._fields) if absent else None)


_NEW_PBX_SEEN_AFTER = 60.0
"""Seconds after which the product list is read again for a PBX that was not in it."""
