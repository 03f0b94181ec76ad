"""`pulumi_yspartner.testing`: tests of programs, without a network, an account or an engine."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import pulumi
import pytest

from pulumi_yspartner import PbxCapacity
from pulumi_yspartner.errors import RequestRefusedError
from pulumi_yspartner.partner import OrderRequest, PartnerClient
from pulumi_yspartner.testing import BillingContact, Order, Pbx, Preview, preview
from pulumi_yspartner.testing.account import CONTACT, PLAN, DescribedAccount

HQ = "3651D3296882"
BRANCH = "3651D3296883"


@pytest.fixture(autouse=True)
def _nothing_but_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a network nor the environment's settings are there."""

    def no_network(*_: Any) -> None:
        raise AssertionError("a test asked the network")

    monkeypatch.setattr(socket.socket, "connect", no_network)
    monkeypatch.setenv("YSPARTNER_CLIENT_SECRET", "not-for-any-test")
    monkeypatch.setenv("YSPARTNER_PURCHASES", "allow")
    monkeypatch.setenv("YSPARTNER_LIMITS", "not even JSON")


def declaring(**declared: Any) -> Callable[[], object]:
    """A program with one PBX."""
    return lambda: PbxCapacity("hq", **{"serial_number": HQ, **declared})


def project(folder: Path, main: str, **modules: str) -> Path:
    (folder / "Pulumi.yaml").write_text("name: pbxs\nruntime: python\n")
    (folder / "__main__.py").write_text(f"import pulumi\nfrom pulumi_yspartner import PbxCapacity\n{main}")
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


# --- purchases -----------------------------------------------------------------------------------------------------


def test_what_a_secret_declares_would_be_bought() -> None:
    def program() -> None:
        PbxCapacity("hq", serial_number=pulumi.Output.secret(HQ), extensions=pulumi.Output.secret(60))

    previewed = preview(program, [Pbx(HQ, extensions=50)])

    assert previewed.purchases["hq"].quantities == {"extensions": 10}


def test_what_is_missing_would_be_bought() -> None:
    previewed = preview(declaring(extensions=250, concurrent_calls=60), [Pbx(HQ, extensions=50, concurrent_calls=12)])

    purchase = previewed.purchases["hq"]
    assert purchase.quantities == {"extensions": 200, "concurrent_calls": 48}
    assert purchase.summary == "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)"
    assert (purchase.billing_contact_id, purchase.plan_id) == (CONTACT.id, PLAN)
    assert previewed.refused == {}


def test_it_says_what_a_preview_would_say() -> None:
    previewed = preview(declaring(extensions=250), [Pbx(HQ, 50, 12)])

    assert previewed.messages[0] == "buy 200 extensions (50 -> 250); price unknown; 3651D3296882"
    assert previewed.messages[-1].startswith("1 of 1 PBX would buy: 200 extensions; price unknown; up will refuse")


def test_a_price_that_is_described_is_said_and_limited() -> None:
    account = [Pbx(HQ, 50, 12, price="1250.00 USD")]

    previewed = preview(declaring(extensions=250), account, config={"yspartner:limits": {"amount": "1250.00 USD"}})
    assert previewed.messages[0] == "buy 200 extensions (50 -> 250); price 1250.00 USD; 3651D3296882"

    refused = preview(declaring(extensions=250), account, config={"yspartner:limits": {"amount": "1000.00 USD"}})
    assert "the price of 1250.00 USD is not within the limit of 1000.00 USD" in refused.refused["hq"]


def test_a_price_that_is_not_described_is_unknown() -> None:
    previewed = preview(declaring(extensions=250), [Pbx(HQ, 50)])

    assert "price unknown" in previewed.messages[0]
    assert "this test describes no price" in previewed.messages[1]
    with pytest.raises(ValueError, match=r"'1,250 \$' is no price such as"):
        Pbx(HQ, 50, price="1,250 $")


def test_a_pbx_that_has_enough_buys_nothing() -> None:
    previewed = preview(declaring(extensions=50), [Pbx(HQ, 50, 12)])

    assert previewed == Preview({}, {}, ("nothing to buy: has 50 extensions (50 declared); 3651D3296882",))


def test_a_serial_number_is_found_in_any_case() -> None:
    assert preview(declaring(serial_number=" abc-1", extensions=5), [Pbx("Abc-1", 4)]).purchases["hq"].extensions == 1


# --- refusals ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("declared", "account", "config", "said"),
    [
        ({}, [], {}, "is not among the P-Series Software Edition PBXs of this account"),
        ({}, [Pbx(HQ)], {}, "does not state its counts"),
        ({}, [Pbx(HQ, 50, orders=[Order("OQ1", extensions=9)])], {}, "order OQ1 (pending, 60 min old, 9 extensions)"),
        ({}, [Pbx(HQ, 50, orders=[Order("OQ1", "succeed")])], {}, "order OQ1 (succeed, 60 min old)"),
        ({}, [Pbx(HQ, 50)], {"yspartner:limits": {"extensions": 10}}, "50 extensions is above the limit of 10"),
        ({}, [Pbx(HQ, 50, plans=["1", "2"])], {}, "which plan the PBX has can't be told; set plan_id to one of: 1"),
        ({"plan_id": "3"}, [Pbx(HQ, 50)], {}, "plan 3 is not among the PBX's plans"),
        ({"billing_contact_id": "3"}, [Pbx(HQ, 50)], {}, "billing contact 3 is not among the account's"),
        ({}, [Pbx(HQ, 50)], {"yspartner:billingContactId": "3"}, "billing contact 3 is not among the account's"),
    ],
)
def test_a_refusal_is_said_in_words(
    declared: dict[str, Any], account: list[Pbx], config: dict[str, Any], said: str
) -> None:
    previewed = preview(declaring(extensions=100, **declared), account, config=config)

    assert said in previewed.refused["hq"]
    assert previewed.purchases == {}
    assert any(said in message for message in previewed.messages)


@pytest.mark.parametrize(
    "order", [Order("OQ1", "succeed", extensions=50, hours_old=25), Order("OQ1", "cancelled"), Order("OQ2", "pending")]
)
def test_an_order_that_is_settled_stands_in_nobodys_way(order: Order) -> None:
    previewed = preview(
        declaring(extensions=100), [Pbx(HQ, 50, orders=[order])], config={"yspartner:settledOrders": ["OQ2"]}
    )

    assert previewed.purchases["hq"].extensions == 50


def test_several_contacts_must_be_chosen_from() -> None:
    contacts = [BillingContact("1", "ACME"), BillingContact("2", "Globex")]

    assert (
        "several billing contacts: 1 (ACME), 2 (Globex)"
        in (preview(declaring(extensions=100), [Pbx(HQ, 50)], contacts=contacts).refused["hq"])
    )
    chosen = preview(declaring(extensions=100, billing_contact_id="2"), [Pbx(HQ, 50)], contacts=contacts)
    assert chosen.purchases["hq"].billing_contact_id == "2"


def test_a_refused_pbx_hides_no_other() -> None:
    def program() -> None:
        PbxCapacity("hq", serial_number=HQ, extensions=100)
        PbxCapacity("branch", serial_number=BRANCH, extensions=100)

    previewed = preview(program, [Pbx(HQ, 50)])

    assert set(previewed.purchases) == {"hq"}
    assert set(previewed.refused) == {"branch"}


def test_a_malformed_declaration_is_the_tests_error() -> None:
    with pytest.raises(pulumi.RunError, match=r"^hq: extensions must be at least 1, and 0 is not"):
        preview(declaring(extensions=0), [Pbx(HQ, 50)])


def test_two_resources_of_one_name_are_the_tests_error() -> None:
    """By their names, one would hide what the other buys."""

    def program() -> None:
        for serial, customer in ((HQ, "a"), (BRANCH, "b")):
            parent = pulumi.ComponentResource(f"test:index:Customer{customer}", "customer")
            PbxCapacity("pbx", serial, extensions=100, opts=pulumi.ResourceOptions(parent=parent))

    with pytest.raises(pulumi.RunError, match="pbx: several resources have this name"):
        preview(program, [Pbx(HQ, 50), Pbx(BRANCH, 50)])


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"yspartner:limit": 3}, "unknown configuration: yspartner:limit"),
        ({"yspartner:limits": {"extensions": -1}}, "setting yspartner:limits.extensions"),
    ],
)
def test_a_malformed_setting_is_the_tests_error(config: dict[str, Any], said: str) -> None:
    with pytest.raises(pulumi.RunError, match=said):
        preview(declaring(extensions=100), [Pbx(HQ, 50)], config=config)


# --- programs ------------------------------------------------------------------------------------------------------


def test_a_projects_folder_is_run_as_pulumi_runs_it(tmp_path: Path) -> None:
    folder = project(
        tmp_path,
        "from sizes import SIZE\nimport pathlib\n"
        "calls = int(pathlib.Path('calls.txt').read_text())\n"
        "assert (pulumi.get_project(), pulumi.get_stack()) == ('pbxs', 'dev')\n"
        f"PbxCapacity('hq', serial_number='{HQ}', extensions=SIZE, concurrent_calls=calls)\n",
        sizes="SIZE = 80\n",
    )
    (folder / "calls.txt").write_text("15")

    previewed = preview(folder, [Pbx(HQ, 50, 12)])

    assert previewed.purchases["hq"].quantities == {"extensions": 30, "concurrent_calls": 3}


def test_each_run_is_a_fresh_one_and_leaves_nothing(tmp_path: Path) -> None:
    main = "import component\nassert pulumi.runtime.is_dry_run()\n"
    component = f"from pulumi_yspartner import PbxCapacity\nPbxCapacity('hq', serial_number='{HQ}', extensions=80)\n"
    folder = project(tmp_path, main, component=component)
    here, path, root = Path.cwd(), list(sys.path), pulumi.runtime.get_root_resource()

    for has in (50, 60):
        assert preview(str(folder), [Pbx(HQ, has)]).purchases["hq"].extensions == 80 - has

    assert "component" not in sys.modules
    assert (Path.cwd(), sys.path, pulumi.runtime.get_root_resource()) == (here, path, root)
    assert not pulumi.runtime.is_dry_run()


def test_packages_of_an_environment_in_the_folder_are_loaded_once(tmp_path: Path) -> None:
    packages = tmp_path / ".venv" / "lib" / "site-packages"
    packages.mkdir(parents=True)
    (packages / "of_the_environment.py").write_text("")
    folder = project(tmp_path, f"import sys\nsys.path.append({str(packages)!r})\nimport of_the_environment\n")

    preview(folder, [])

    assert sys.modules.pop("of_the_environment", None) is not None


def test_configuration_reaches_the_program() -> None:
    def program() -> None:
        config = pulumi.Config()
        sizes = config.require_object("sizes")
        PbxCapacity("hq", serial_number=HQ, extensions=sizes["hq"], po_number=config.require("po"))

    previewed = preview(program, [Pbx(HQ, 50)], config={"sizes": {"hq": 70}, "po": "PO 7"})

    assert previewed.purchases["hq"].extensions == 20


def test_other_resources_get_the_tests_own_mocks() -> None:
    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return args.name, {"outputs": {"desks": 75}}

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
            return {}, None

    def program() -> None:
        desks = pulumi.StackReference("organization/people/dev").require_output("desks")
        PbxCapacity("hq", serial_number=HQ, extensions=desks)

    assert preview(program, [Pbx(HQ, 50)], mocks=Mocks()).purchases["hq"].extensions == 25


def test_an_asynchronous_program_is_run_to_its_end() -> None:
    async def program() -> None:
        PbxCapacity("hq", serial_number=HQ, extensions=75)

    assert preview(program, [Pbx(HQ, 50)]).purchases["hq"].extensions == 25


@pytest.mark.parametrize("error", [pulumi.RunError("the file is broken"), KeyError("hq")])
def test_what_the_program_raises_comes_through(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    def program() -> None:
        PbxCapacity("hq", serial_number=BRANCH, extensions=75)
        raise error

    with pytest.raises(type(error)) as caught:
        preview(program, [Pbx(HQ, 50)])

    assert caught.value is error
    assert [record.getMessage() for record in caplog.records] == []


def test_pulumis_own_tests_work_beside_it() -> None:
    class Mocks(pulumi.runtime.Mocks):
        def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
            return f"mine-{args.name}", args.inputs

        def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], None]:
            return {}, None

    def other_test() -> None:
        pulumi.runtime.set_mocks(Mocks(), project="mine")
        assert preview(declaring(extensions=75), [Pbx(HQ, 50)]).purchases["hq"].extensions == 25
        assert pulumi.get_project() == "mine"

    with asyncio.Runner() as runner:
        runner.get_loop()
        contextvars.copy_context().run(other_test)


# --- nothing is bought ---------------------------------------------------------------------------------------------


def test_nothing_can_be_ordered_from_a_described_account() -> None:
    request = OrderRequest(HQ, CONTACT.id, PLAN, {"extensions": "1"}, {"extensions": 50}, "PO 7")

    with pytest.raises(RequestRefusedError, match="a test has no portal"):
        anyio.run(DescribedAccount([Pbx(HQ, 50)], [CONTACT]).place, request, anyio.sleep)


def test_every_answer_of_the_portal_is_described() -> None:
    """A method that reads from the portal and isn't described would be refused in every test of a program."""
    endpoints = {name for name, value in vars(PartnerClient).items() if callable(value) and not name.startswith("_")}

    assert endpoints - set(vars(DescribedAccount)) == {"place"}


def test_nothing_of_a_preview_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    preview(declaring(extensions=75), [Pbx(HQ, 50)])

    assert [record for record in caplog.records if record.name != "asyncio"] == []
