"""Look-ups in programs: what is chosen, what is refused, and what it costs. Over HTTP they run in tests/examples."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import FrozenInstanceError
from typing import Any

import pulumi
import pytest

from pulumi_yspartner import (
    ListedPbx,
    PbxCapacity,
    get_billing_contact,
    get_billing_contact_output,
    get_billing_contacts,
    get_pbxs,
)
from pulumi_yspartner.connected_account import ConnectedAccount
from pulumi_yspartner.errors import SettingsError
from pulumi_yspartner.fleet import Fleet, new_fleet
from pulumi_yspartner.partner import BillingContact, PartnerClient
from pulumi_yspartner.settings import Settings
from pulumi_yspartner.testing import Pbx, Preview, preview
from pulumi_yspartner.testing.account import DescribedAccount

HQ = "3651D3296882"
ACME = BillingContact("3197218168379846218", "ACME", "Sam Example", "billing@acme.example")
GLOBEX = BillingContact("3197218168379846219", "Globex", "Kim Example", "invoices@globex.example")
GLOBEX_ASIA = BillingContact("3197218168379846220", "Globex", "", "asia@globex.example")
CONTACTS = (ACME, GLOBEX, GLOBEX_ASIA)


def looked_up(look_up: Callable[[], Any], contacts: tuple[BillingContact, ...] = CONTACTS) -> Any:
    """What a program gets."""
    got: list[Any] = []
    preview(lambda: got.append(look_up()), [Pbx(HQ, 50, 12, label="Head office")], contacts=contacts)
    return got[0]


def refusal(look_up: Callable[[], Any], contacts: tuple[BillingContact, ...] = CONTACTS) -> str:
    with pytest.raises(pulumi.RunError) as caught:
        looked_up(look_up, contacts)
    return str(caught.value)


def buy_for(**choice: Any) -> Preview:
    """A program that declares a PBX with the contact that was looked up."""

    def program() -> None:
        PbxCapacity("hq", serial_number=HQ, extensions=60, billing_contact_id=get_billing_contact(**choice).id)

    return preview(program, [Pbx(HQ, 50, 12)], contacts=CONTACTS)


# --- contacts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"company": "ACME"}, ACME),
        ({"company": " acme "}, ACME),
        ({"email_address": "ASIA@globex.example"}, GLOBEX_ASIA),
        ({"company": "Globex", "email_address": "invoices@globex.example"}, GLOBEX),
    ],
)
def test_a_contact_is_chosen_by_company_or_address(choice: dict[str, str], expected: BillingContact) -> None:
    assert looked_up(lambda: get_billing_contact(**choice)) == expected


def test_the_accounts_only_contact_needs_no_choice() -> None:
    assert looked_up(get_billing_contact, (GLOBEX,)) == GLOBEX


def test_a_choice_that_fits_none_lists_the_contacts() -> None:
    said = refusal(lambda: get_billing_contact(company="Initech"))

    assert said == (
        "no billing contact has company 'Initech'; the account has: 3197218168379846218 (ACME, billing@acme.example), "
        "3197218168379846219 (Globex, invoices@globex.example), 3197218168379846220 (Globex, asia@globex.example). "
        "Nothing was bought."
    )


def test_a_choice_that_fits_several_lists_these() -> None:
    said = refusal(lambda: get_billing_contact(company="globex"))

    assert said.startswith("several billing contacts have company 'globex'; choose one by company or email_address: ")
    assert GLOBEX.id in said
    assert GLOBEX_ASIA.id in said
    assert ACME.id not in said


def test_of_several_contacts_none_is_chosen_by_itself() -> None:
    assert refusal(get_billing_contact).startswith("the account has several billing contacts; choose one by ")


def test_an_account_without_contacts_says_so() -> None:
    assert refusal(get_billing_contact, ()) == (
        "the account has no billing contact; the account has: none. Nothing was bought."
    )
    assert looked_up(get_billing_contacts, ()) == []


def test_half_a_name_chooses_nobody() -> None:
    assert "no billing contact has company 'Glob'" in refusal(lambda: get_billing_contact(company="Glob"))
    assert "no billing contact has company ''" in refusal(lambda: get_billing_contact(company=""))


def test_all_contacts_can_be_had_and_not_be_changed() -> None:
    contacts = looked_up(get_billing_contacts)

    assert contacts == [ACME, GLOBEX, GLOBEX_ASIA]
    with pytest.raises(FrozenInstanceError):
        contacts[0].id = "1"


def test_a_contact_that_was_looked_up_is_known_in_preview() -> None:
    previewed = buy_for(company="acme")

    assert previewed.refused == {}
    assert previewed.purchases["hq"].billing_contact_id == ACME.id


def test_an_address_stays_out_of_what_is_declared() -> None:
    assert "acme.example" not in json.dumps([each.dump() for each in buy_for(company="acme").purchases.values()])


@pytest.mark.parametrize("known", [True, False])
def test_an_output_chooses_where_it_is_known(known: bool) -> None:
    def program() -> None:
        company = pulumi.Output.from_input("Acme" if known else pulumi.UNKNOWN)
        contact = get_billing_contact_output(company=company)
        PbxCapacity("hq", serial_number=HQ, extensions=60, billing_contact_id=contact.id)

    def run() -> Preview:
        return preview(program, [Pbx(HQ, 50, 12)], contacts=CONTACTS)

    if known:
        assert run().purchases["hq"].billing_contact_id == ACME.id
    else:
        with pytest.raises(pulumi.RunError, match="hq: is not known in preview"):
            run()


def test_an_output_that_chooses_none_ends_the_run() -> None:
    def program() -> None:
        get_billing_contact_output(email_address=pulumi.Output.from_input("nobody@acme.example"))

    with pytest.raises(pulumi.RunError, match="no billing contact has email_address 'nobody@"):
        preview(program, [], contacts=CONTACTS)


# --- PBXs ----------------------------------------------------------------------------------------------------------


def test_pbxs_come_with_what_people_call_them() -> None:
    assert looked_up(get_pbxs) == [ListedPbx(HQ, "Head office", "activated")]


def test_a_fleet_can_be_declared_from_what_the_account_has() -> None:
    def program() -> None:
        for pbx in get_pbxs():
            if pbx.label.startswith("ACME"):
                PbxCapacity(pbx.label, serial_number=pbx.serial_number, extensions=60)

    described = [Pbx("A1", 50, label="ACME 1"), Pbx("A2", 70, label="ACME 2"), Pbx("B1", 5)]
    previewed = preview(program, described)

    assert {name: purchase.extensions for name, purchase in previewed.purchases.items()} == {"ACME 1": 10}


# --- what they cost ------------------------------------------------------------------------------------------------


class Counted(DescribedAccount):
    """Counts how often the account's lists are read, and connections are opened and closed."""

    def __init__(self) -> None:
        super().__init__([Pbx(HQ, 50, 12)], CONTACTS)
        self.reads: list[str] = []

    @asynccontextmanager
    async def connect(self, settings: Settings) -> AsyncIterator[PartnerClient]:
        self.reads.append("open")
        yield self
        self.reads.append("close")

    async def products(self) -> list[Any]:
        self.reads.append("products")
        return await super().products()

    async def contacts(self) -> list[BillingContact]:
        self.reads.append("contacts")
        return await super().contacts()


def reads_of(program: Callable[[], None], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    account = Counted()
    monkeypatch.setattr("pulumi_yspartner.testing.program.DescribedAccount", lambda *_: account)
    threads = set(threading.enumerate())
    preview(program, [])
    assert set(threading.enumerate()) <= threads, "a thread is left"
    return account.reads


def test_the_accounts_lists_are_read_once_for_look_ups_and_resources(monkeypatch: pytest.MonkeyPatch) -> None:
    def program() -> None:
        contact = get_billing_contact(company="acme")
        assert get_billing_contact(email_address="billing@acme.example") is contact
        assert [pbx.serial_number for pbx in get_pbxs()] == [HQ]
        output = get_billing_contact_output(company="acme")
        PbxCapacity("hq", serial_number=HQ, extensions=60, billing_contact_id=output.id)

    assert reads_of(program, monkeypatch) == ["open", "contacts", "products", "close"]


@pytest.mark.parametrize("look_up", [get_pbxs, lambda: pulumi.export("id", get_billing_contact_output("acme").id)])
def test_a_program_that_only_looks_up_leaves_no_connection(
    look_up: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = reads_of(look_up, monkeypatch)

    assert (reads[0], len(reads), reads[-1]) == ("open", 3, "close")


def test_a_look_up_lets_no_resource_get_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    """Were the event loop to run in a look-up, the first PBX would be read, and reported as the last one, alone."""

    def program() -> None:
        for number in range(3):
            PbxCapacity(f"pbx-{number}", serial_number=HQ, extensions=60)
            get_pbxs()

    account = Counted()
    monkeypatch.setattr("pulumi_yspartner.testing.program.DescribedAccount", lambda *_: account)
    previewed = preview(program, [])

    assert set(previewed.refused) == {"pbx-0", "pbx-1", "pbx-2"}  # one serial number, declared by three resources
    assert account.reads.count("open") == 1


def test_a_pbx_that_an_output_names_once_more_is_refused_for_both() -> None:
    """Also where the first one has been read before the event loop runs, so that it could be registered at once."""

    def program() -> None:
        PbxCapacity("first", serial_number=HQ, extensions=60)
        PbxCapacity("second", serial_number=pulumi.Output.concat("3651D", "3296882").apply(str.upper), extensions=70)
        until = time.monotonic() + 10
        while not Fleet.of_this_program().reader._answered and time.monotonic() < until:
            time.sleep(0.01)

    previewed = preview(program, [Pbx(HQ, 50, 12)])

    assert set(previewed.refused) == {"first", "second"}
    assert previewed.purchases == {}


# --- the connection ------------------------------------------------------------------------------------------------


def test_without_credentials_a_look_up_says_what_to_set() -> None:
    account = ConnectedAccount(Settings())

    async def read(_account: Any) -> None:
        raise AssertionError("there is no connection")

    with pytest.raises(SettingsError, match="setting yspartner:clientId is missing"):
        account.ask(read)
    account.close()


def test_programs_that_run_at_the_same_time_have_a_fleet_each() -> None:
    """As inline programs of the Automation API do, in threads of their own."""
    together = threading.Barrier(2)
    fleets: list[set[int]] = []

    async def program() -> None:
        settings = Settings()
        new_fleet.set(lambda: Fleet(settings, ConnectedAccount(settings)))
        mine = set()
        for _ in range(3):
            together.wait(10)
            mine.add(id(Fleet.of_this_program()))
        fleets.append(mine)
        together.wait(10)

    threads = [threading.Thread(target=asyncio.run, args=[program()]) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)

    assert [len(mine) for mine in fleets] == [1, 1]
    assert fleets[0] != fleets[1]
