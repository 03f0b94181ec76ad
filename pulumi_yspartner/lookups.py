"""Look-ups: what a program may ask of the account, to choose by names what the portal knows by 19-digit ids.

A look-up blocks until it is answered, and returns plain values. So they are known in preview, and can be declared.
`get_billing_contact_output` is for arguments that are outputs, such as those of another stack.

The account's lists are read once per run, and shared with the reading of all `PbxCapacity`. Nothing is kept in the
state but what a program declares or exports itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import pulumi

from .connected_account import Work
from .errors import ReadingError, YsPartnerError
from .fleet import Fleet
from .partner import Account, BillingContact, answers

__all__ = [
    "BillingContact",
    "ListedPbx",
    "get_billing_contact",
    "get_billing_contact_output",
    "get_billing_contacts",
    "get_pbxs",
]

_T = TypeVar("_T")


@dataclass(frozen=True)
class ListedPbx:
    """A PBX of the account.

    It holds no counts on purpose: a floor that is computed from what the PBX has would rise with every purchase, and
    buy again in every run.
    """

    serial_number: str
    """Upper case, as `PbxCapacity` wants it."""
    label: str
    """What people call it in the portal: its comment. May be empty, and may be changed there by anybody."""
    activation_status: str
    """`activated`, `unactivated`, `unknown`; empty where the portal doesn't state it."""


def get_billing_contact(company: str | None = None, email_address: str | None = None) -> BillingContact:
    """The one billing contact of the account that fits; without arguments, the account's only one.

    :param company: Its company, in whole; upper and lower case are the same.
    :param email_address: Its e-mail address, in whole; upper and lower case are the same.
    :raises pulumi.RunError: if none fits or several do (the error lists the account's contacts), or if the portal can't
        be read. Nothing is bought then.
    """
    return _now(_the_contact(company, email_address))


def get_billing_contact_output(
    company: pulumi.Input[str | None] = None, email_address: pulumi.Input[str | None] = None
) -> pulumi.Output[BillingContact]:
    """As `get_billing_contact`, for arguments that are outputs. Where one is unknown in preview, so is the result."""

    async def look_up(given: dict[str, str | None]) -> BillingContact:
        return await _later(_the_contact(given["company"], given["email_address"]))

    return pulumi.Output.all(company=company, email_address=email_address).apply(look_up)


def get_billing_contacts() -> list[BillingContact]:
    """All billing contacts of the account, in the portal's order.

    :raises pulumi.RunError: if the portal can't be read. Nothing is bought then.
    """
    return _now(_contacts)


def get_pbxs() -> list[ListedPbx]:
    """All P-Series Software Edition PBXs of the account, by serial number.

    :raises pulumi.RunError: if the portal can't be read. Nothing is bought then.
    """
    return _now(_pbxs)


# --- asking --------------------------------------------------------------------------------------------------------


def _now(read: Work[_T]) -> _T:
    """Ask while the program's text runs: its event loop runs nothing meanwhile, so no resource gets ahead."""
    fleet = Fleet.of_this_program()
    try:
        return fleet.account.ask(read)
    except YsPartnerError as error:
        raise _failure(error) from None
    finally:
        asyncio.get_event_loop().call_soon(fleet.close_if_unused)  # when all that the program declares is known


async def _later(read: Work[_T]) -> _T:
    fleet = Fleet.of_this_program()
    try:
        return await fleet.account.asked(read)
    except YsPartnerError as error:
        raise _failure(error) from None
    finally:
        fleet.close_if_unused()


def _failure(error: YsPartnerError) -> pulumi.RunError:
    return pulumi.RunError(f"{error}. Nothing was bought.")


# --- reading -------------------------------------------------------------------------------------------------------


async def _contacts(account: Account) -> list[BillingContact]:
    return list(await account.contacts())


def _the_contact(company: str | None, email_address: str | None) -> Work[BillingContact]:
    wanted = {
        name: value.strip()
        for name, value in (("company", company), ("email_address", email_address))
        if value is not None
    }

    async def read(account: Account) -> BillingContact:
        contacts = await account.contacts()
        fitting = [contact for contact in contacts if _fits(contact, wanted)]
        if len(fitting) == 1:
            return fitting[0]
        words = " and ".join(f"{name} {value!r}" for name, value in wanted.items())
        if fitting:
            what = f"several billing contacts have {words}" if words else "the account has several billing contacts"
            raise ReadingError(f"{what}; choose one by company or email_address: {_listed(fitting)}")
        what = f"no billing contact has {words}" if words else "the account has no billing contact"
        raise ReadingError(f"{what}; the account has: {_listed(contacts)}")

    return read


def _fits(contact: BillingContact, wanted: dict[str, str]) -> bool:
    return all(str(getattr(contact, name)).casefold() == value.casefold() for name, value in wanted.items())


def _listed(contacts: Sequence[BillingContact]) -> str:
    """Contacts as a person tells them apart: this is what the look-up chooses by."""
    return (
        ", ".join(f"{contact.id} ({contact.name}, {contact.email_address or 'no e-mail'})" for contact in contacts)
        or "none"
    )


async def _pbxs(account: Account) -> list[ListedPbx]:
    listed = (await account.products()).by_serial_number
    return [
        ListedPbx(serial, answers.label(found), answers.text(found.value.get(answers.ACTIVATION_STATUS)) or "")
        for serial, found in sorted(listed.items())
    ]
