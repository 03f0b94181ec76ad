"""`yspartner doctor` against the sandbox: every dialect, and everything that would stop a purchase."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from click.testing import CliRunner, Result

from pulumi_yspartner.cli import main
from pulumi_yspartner.sandbox import (
    DIALECTS,
    ENTERPRISE,
    PBX_CLIENT_ID,
    PBX_CLIENT_SECRET,
    Behaviour,
    Dialect,
    Portal,
    SandboxServer,
)

A, B = "3651D3296882", "3651D3296883"
SECRET = "not-for-any-log-4711"


class Watched(Portal):
    def __init__(self) -> None:
        self.tokens: list[str] = []
        super().__init__(client_secret=SECRET)

    def issue_tokens(self, audience: str = "") -> tuple[str, str]:
        tokens = super().issue_tokens(audience)
        self.tokens += tokens
        return tokens


@pytest.fixture
def portal() -> Watched:
    portal = Watched()
    portal.add_pbx(A, extensions=50, concurrent_calls=12)
    portal.add_pbx(B, extensions=100, concurrent_calls=25)
    return portal


@pytest.fixture
def server(portal: Watched) -> Iterator[SandboxServer]:
    with SandboxServer(portal) as server:
        yield server


@pytest.fixture
def run(server: SandboxServer, portal: Watched, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The command; whatever it is asked for, it orders nothing and shows nothing secret."""
    for name in [name for name in os.environ if name.startswith("YSPARTNER_")]:
        monkeypatch.delenv(name)
    base = {"BASE_URL": server.url, "CLIENT_ID": "sandbox", "CLIENT_SECRET": SECRET, "PURCHASES": "allow"}
    outputs: list[str] = []

    def call(*arguments: str, **changes: str) -> Result:
        env = {f"YSPARTNER_{name}": value for name, value in {**base, **changes}.items()}
        result = CliRunner().invoke(main, ["doctor", *arguments], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        outputs.append(result.output)
        return result

    yield call
    assert portal.count("order.save") == 0
    for output in outputs:
        assert "Traceback" not in output
        for secret in (SECRET, PBX_CLIENT_SECRET, *portal.tokens):
            assert secret not in output


def report(result: Result) -> dict[str, Any]:
    found = json.loads(result.stdout)
    assert isinstance(found, dict)
    assert found["could_buy"] == (result.exit_code == 0)
    return found


def names_of(found: dict[str, Any]) -> dict[tuple[str, str], list[str] | None]:
    return {(name["what"], name["answer"]): name["places"] for name in found["names"]}


# --- what it finds ---


def test_an_account_that_could_buy(run: Any) -> None:
    result = run()

    assert result.exit_code == 0, result.output
    assert "Nothing was found that would stop a purchase." in result.output
    for said in (A, "50", "Enterprise", "Example Partner Ltd", "lives 1800 s (30 min)", "extensionCapacity"):
        assert said in result.output
    assert all(len(line) <= 80 for line in result.output.splitlines())


READABLE = [name for name in DIALECTS if name not in ("no-counts", "unknown-counts", "unmarked-plans")]


@pytest.mark.parametrize("dialect", READABLE)
def test_each_dialect_in_which_counts_and_plan_can_be_read(run: Any, portal: Watched, dialect: str) -> None:
    portal.dialect = DIALECTS[dialect]
    portal.place_elsewhere(A, extensions=5, po_number="PO 7 YS-ABCDEFGHIJKL", age_hours=50)

    result = run("--json")
    found = report(result)

    assert result.exit_code == 0, found["would_stop"]
    assert [(pbx["serial_number"], pbx["counts"]) for pbx in found["pbxs"]] == [
        (A, {"extensions": 55, "concurrent_calls": 12}),
        (B, {"extensions": 100, "concurrent_calls": 25}),
    ]
    assert all(pbx["plan"] == str(ENTERPRISE.plan_id) for pbx in found["pbxs"])
    assert all(set(pbx["services"]) == {"extensions", "concurrent_calls"} for pbx in found["pbxs"])
    assert found["contact"] == "3197218168379846218"
    assert [(each["status"], each["orders"]) for each in found["orders"]["statuses"]] == [("succeed", 1)]
    counts = [names_of(found)["extensions", answer] for answer in ("product list", "product details")]
    assert any(counts), "where the counts stand is shown"


@pytest.mark.parametrize(
    ("dialect", "path", "time", "po_number"),
    [
        (
            "default",
            ["extensionCapacity"],
            "milliseconds",
            "order list: poNumber; order details: orderInformation.poNumber",
        ),
        ("nested", ["license.capacity.extensionCapacity"], "milliseconds", "order list: poNumber"),
        ("counts-everywhere", ["totalExtensions"], "microseconds", "order list: poNumber"),
        ("terse-orders", ["extensionCapacity"], "text", "order details: orderInformation.purchaseOrderNumber"),
        ("bare", ["extensionCapacity"], "not stated", "order list: poNumber"),
        ("no-echo", ["extensionCapacity"], "milliseconds", "not found in the list, nor in the details of 1 orders"),
    ],
)
def test_where_a_dialect_has_its_names(
    run: Any, portal: Watched, dialect: str, path: list[str], time: str, po_number: str
) -> None:
    portal.dialect = DIALECTS[dialect]
    portal.place_elsewhere(A, extensions=5, po_number="PO 7 YS-ABCDEFGHIJKL", age_hours=50)

    found = report(run("--json"))

    assert names_of(found)["extensions", "product details"] == path
    assert time in found["orders"]["create_time"]
    assert found["orders"]["po_number"].startswith(po_number)


def test_names_that_were_not_found_are_said(run: Any, portal: Watched) -> None:
    portal.dialect = DIALECTS["unknown-counts"]

    result = run("--json")
    found = report(result)

    assert result.exit_code == 1
    assert names_of(found)["extensions", "product details"] == []
    assert any("lineQuota, talkQuota" in problem and "capacityFields" in problem for problem in found["would_stop"])

    fields = '{"extensions": "lineQuota", "concurrentCalls": "talkQuota"}'
    found = report(run("--json", CAPACITY_FIELDS=fields))
    assert found["could_buy"]
    assert names_of(found)["extensions", "product details"] == ["lineQuota"]


# --- what would stop a purchase ---


def test_counts_nowhere(run: Any, portal: Watched) -> None:
    portal.dialect = DIALECTS["no-counts"]

    result = run()

    assert result.exit_code == 1
    assert "does not state its counts" in " ".join(result.output.split())


def test_a_plan_that_cannot_be_told(run: Any, portal: Watched) -> None:
    portal.dialect = DIALECTS["unmarked-plans"]

    found = report(run("--json"))

    assert any(f"set plan_id to one of: {ENTERPRISE.plan_id} (Enterprise Plan)" in each for each in found["would_stop"])


def test_purchases_that_are_off(run: Any) -> None:
    found = report(run("--json", PURCHASES="deny"))

    [problem] = found["would_stop"]
    assert "purchases are off" in problem
    assert "YSPARTNER_PURCHASES=allow" in problem


def test_wrong_credentials_are_said_once(run: Any, portal: Watched) -> None:
    result = run("--json", CLIENT_SECRET="wrong-0815")
    found = report(result)

    assert result.exit_code == 1
    [problem] = found["would_stop"]
    assert "did not accept the credentials in yspartner:clientId and yspartner:clientSecret" in problem
    assert "requestId" in problem
    assert "wrong-0815" not in result.output
    assert portal.count("product.list") == 0
    people = run(CLIENT_SECRET="wrong-0815")
    assert people.exit_code == 1
    assert "did not accept the credentials" in people.output


@pytest.mark.parametrize(("name", "key"), [("CLIENT_ID", "clientId"), ("CLIENT_SECRET", "clientSecret")])
def test_missing_credentials(run: Any, name: str, key: str) -> None:
    result = run(**{name: ""})

    assert result.exit_code == 1
    assert f"yspartner:{key} is missing" in " ".join(result.output.split())


@pytest.mark.timeout(200)
@pytest.mark.parametrize("endpoint", ["any", "product.list", "contacts", "order.list", "purchase_info", "token"])
def test_a_web_page_in_place_of_an_answer(run: Any, portal: Watched, endpoint: str) -> None:
    portal.faults.add(f"{endpoint}:htmlx*")

    result = run("--json")
    found = report(result)

    assert result.exit_code == 1
    assert any("not the documented JSON" in problem for problem in found["would_stop"])
    assert "<html" not in result.output
    assert "Please sign in" not in result.output
    spoiled = {answer["name"]: answer["problem"] for answer in found["answers"] if answer["problem"]}
    assert spoiled


def test_nobody_answers(run: Any) -> None:
    result = run(BASE_URL="http://127.0.0.1:9")

    assert result.exit_code == 1
    assert "no connection to 127.0.0.1:9 could be made" in " ".join(result.output.split())


def test_several_contacts(run: Any, portal: Watched) -> None:
    portal.add_contact(3197218168379846300, "Other Company")

    found = report(run("--json"))
    assert len(found["contacts"]) == 2
    assert any("several billing contacts" in problem for problem in found["would_stop"])

    assert report(run("--json", BILLING_CONTACT_ID="3197218168379846300"))["contact"] == "3197218168379846300"


def test_orders_and_which_of_them_block(run: Any, portal: Watched) -> None:
    pending = portal.place_elsewhere(A, extensions=5, status="pending")
    portal.place_elsewhere(A, extensions=5, status="refunded", age_hours=300)
    portal.place_elsewhere(B, extensions=5, status="consigned", age_hours=300)
    young = portal.place_elsewhere(B, extensions=5, age_hours=2)
    portal.place_elsewhere(B, extensions=5, age_hours=200)

    found = report(run("--json"))

    meanings = {each["status"]: each["meaning"] for each in found["orders"]["statuses"]}
    assert meanings["pending"] == meanings["consigned"] == "blocks its PBX until it changes"
    assert meanings["refunded"] == "over: blocks nothing"
    assert len(found["orders"]["unsettled"]) == 3
    assert sum("not settled" in problem for problem in found["would_stop"]) == 2
    assert any(problem.startswith(f"{A}: order {pending.order_no}") for problem in found["would_stop"])
    assert any(young.order_no in warning for warning in found["warnings"]), "a stack may have placed it"


def test_a_limit_that_no_price_is_within(run: Any) -> None:
    [problem] = report(run("--json", LIMITS='{"amount": "5.00 USD"}'))["would_stop"]

    assert problem == "the price of 6.25 USD is not within the limit of 5.00 USD per order (yspartner:limits)"


def test_a_limit_on_money_where_no_price_is_known(run: Any, portal: Watched) -> None:
    portal.faults.add("price:status=403x*")

    found = report(run("--json", LIMITS='{"amount": "5.00 USD"}'))

    [problem] = found["would_stop"]
    assert problem.startswith("the price is unknown and so not within the limit of 5.00 USD per order")
    assert "(yspartner:limits): the portal refused the request (POST /pricing/" in problem
    assert "status 403" in problem
    assert found["price"].startswith("unknown: the portal refused the request")
    [answer] = [each for each in found["answers"] if each["name"] == "price"]
    assert answer["status"] == 403


def test_without_a_limit_on_money_an_unknown_price_stops_nothing(run: Any, portal: Watched) -> None:
    portal.faults.add("price:statusx*")

    found = report(run("--json"))

    assert found["could_buy"]
    assert "status 500" in found["price"]


def test_the_price_of_one_and_of_several(run: Any) -> None:
    result = run()

    assert f"price: 6.25 USD for 1 extension, 62.50 USD for 10 ({A})" in result.output
    assert result.exit_code == 0


def test_a_price_that_does_not_follow_the_quantity_is_warned_of(run: Any, portal: Watched) -> None:
    def flat(endpoint: str, result: Any) -> Any:
        return {"totalPrice": "6.25", "currencyCode": "USD"} if endpoint == "price" else result

    portal.dialect = Dialect(rewrite=flat)

    found = report(run("--json"))

    assert any("10 extensions would cost as much as 1 extension" in warning for warning in found["warnings"])
    assert found["could_buy"]


@pytest.mark.parametrize(
    ("dialect", "amount", "currency"),
    [
        ("default", ["totalPrice"], ["currencyCode"]),
        ("nested", ["summary.payment.amount"], ["summary.payment.currency"]),
        ("counts-everywhere", ["totalPrice"], ["currencyCode"]),
        ("no-echo", None, None),
    ],
)
def test_where_a_dialect_has_its_price(run: Any, portal: Watched, dialect: str, amount: Any, currency: Any) -> None:
    portal.dialect = DIALECTS[dialect]

    found = names_of(report(run("--json")))

    assert found["amount", "price"] == amount
    assert found["currency", "price"] == currency
    assert found["pricing id", "purchase info"] == ([] if dialect == "no-echo" else ANY)


def test_a_price_in_another_place(run: Any, portal: Watched) -> None:
    portal.dialect = Dialect(price_name="dueNow", currency_name="paidIn", price_under=("bill",))

    found = report(run("--json"))
    assert names_of(found)["amount", "price"] == []
    assert "fields found: bill, paidIn, dueNow). Set yspartner:priceFields" in found["price"]

    found = report(run("--json", PRICE_FIELDS='{"amount": "bill.dueNow", "currency": "bill.paidIn"}'))
    assert names_of(found)["amount", "price"] == ["bill.dueNow"]
    assert names_of(found)["currency", "price"] == ["bill.paidIn"]
    assert found["price"].startswith("6.25 USD for 1 extension")


def test_an_account_without_a_pbx(run: Any, portal: Watched) -> None:
    portal.pbxs.clear()

    assert "no P-Series Software Edition PBX" in run().output


# --- which PBXs ---


def test_one_pbx(run: Any, portal: Watched) -> None:
    found = report(run("--json", "--pbx", f" {B.lower()} "))

    assert [pbx["serial_number"] for pbx in found["pbxs"]] == [B]
    assert portal.count("purchase_info") == 1


def test_an_unknown_pbx(run: Any) -> None:
    found = report(run("--json", "--pbx", "NOWHERE"))

    assert any("NOWHERE is not among" in problem for problem in found["would_stop"])


def test_a_large_account_is_looked_at_in_part(run: Any, portal: Watched) -> None:
    for number in range(30):
        portal.add_pbx(f"3651D33{number:05}", extensions=10, concurrent_calls=5)

    result = run("--most", "3")

    assert result.exit_code == 0
    assert "PBXs: 32 found, 3 looked at" in result.output
    assert portal.count("purchase_info") == 3


# --- the PBXs' own counts ---


def own(server: SandboxServer, *serials: str) -> str:
    return json.dumps(
        {
            serial: {
                "url": server.pbx_url(serial),
                "clientId": PBX_CLIENT_ID,
                "clientSecret": PBX_CLIENT_SECRET,
            }
            for serial in serials
        }
    )


def test_used_counts_are_reported(run: Any, server: SandboxServer) -> None:
    result = run(CAPACITY_SOURCE="pbx", PBXS=own(server, A, B))

    assert result.exit_code == 0, result.output
    assert "50 (10 used)" in result.output
    assert "12 (0 used)" in result.output


@pytest.mark.parametrize(("source", "decides"), [("pbx", "PBX"), ("mixed", "PBX"), ("portal", "portal")])
def test_a_portal_and_a_pbx_that_disagree(
    run: Any, server: SandboxServer, portal: Watched, source: str, decides: str
) -> None:
    def less(endpoint: str, result: Any) -> Any:
        return {"data": {**result["data"], "extension_capacity": 40}} if endpoint == "pbx.capacity" else result

    portal.dialect = Dialect(rewrite=less)

    found = report(run("--json", CAPACITY_SOURCE=source, PBXS=own(server, A, B)))

    warnings = [warning for warning in found["warnings"] if warning.startswith(A)]
    assert len(warnings) == 1
    assert "the PBX itself says 40 extensions, the portal says 50 extensions" in warnings[0]
    assert f"the {decides}'s numbers are used" in warnings[0]
    assert found["pbxs"][0]["counts"]["extensions"] == (50 if source == "portal" else 40)
    assert found["could_buy"], "a warning stops nothing"


def test_a_pbx_that_is_down_is_named(run: Any, server: SandboxServer, portal: Watched) -> None:
    portal.faults.add("pbx.token:status=400x*").serial_number = B

    found = report(run("--json", CAPACITY_SOURCE="pbx", PBXS=own(server, A, B)))

    assert any(f"the counts of PBX {B} could not be read" in problem for problem in found["would_stop"])
    assert found["pbxs"][0]["counts"] == {"extensions": 50, "concurrent_calls": 12}


def test_credentials_of_a_pbx_that_the_account_does_not_have(run: Any, server: SandboxServer) -> None:
    result = run(CAPACITY_SOURCE="mixed", PBXS=own(server, A, "3651D3290000"))

    assert result.exit_code == 0
    assert "3651D3290000 is in yspartner:pbxs, but it is no PBX of this account" in " ".join(result.output.split())


# --- usage ---


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(["--most", "0"], "--most"), (["--pbx", " "], "--pbx"), (["--nonsense"], "--nonsense"), (["more"], "more")],
    ids=str,
)
def test_wrong_usage(run: Any, arguments: list[str], said: str) -> None:
    result = run(*arguments)

    assert result.exit_code == 2
    assert said in result.output


def test_a_malformed_setting(run: Any) -> None:
    result = run(TIMEOUT="soon")

    assert result.exit_code == 1
    assert "yspartner:timeout" in result.output


def test_secrets_are_masked(run: Any, server: SandboxServer) -> None:
    found = report(run("--json", PBXS=own(server, A)))

    shown = {each["key"]: each["value"] for each in found["settings"]}
    assert shown["clientSecret"] == "********"
    assert shown["clientId"] == "san..."
    assert shown["pbxs"] == f"1 PBX: {A}"


@pytest.mark.parametrize("columns", [80, 160])
def test_the_table_fits_the_terminal(server: SandboxServer, columns: int) -> None:
    env = {
        **os.environ,
        "YSPARTNER_BASE_URL": server.url,
        "YSPARTNER_CLIENT_ID": "sandbox",
        "YSPARTNER_CLIENT_SECRET": SECRET,
        "COLUMNS": str(columns),
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pulumi_yspartner", "doctor"],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 1, done.stderr
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= columns
    assert "\x1b" not in done.stdout
    at_once = "not found: extensionCapacity, extension_capacity, totalExtensions"
    assert (at_once in done.stdout) == (columns == 160)


def test_vendor_text_cannot_play_with_the_terminal(run: Any, portal: Watched) -> None:
    portal.add_contact(5, "[red]Evil[/red]\x1b[2J\nCompany")

    result = run()

    assert "\x1b" not in result.output
    assert "[red]Evil[/red]" in result.output


# --- saved answers ---


def test_saved_answers(run: Any, server: SandboxServer, portal: Watched, tmp_path: Path) -> None:
    portal.place_elsewhere(A, extensions=5, po_number="PO 7 YS-ABCDEFGHIJKL", age_hours=50)
    folder = tmp_path / "answers"

    result = run("--save-answers", str(folder), CAPACITY_SOURCE="mixed", PBXS=own(server, A))

    assert result.exit_code == 0, result.output
    files = {file.name: file.read_text() for file in folder.iterdir()}
    assert {name[4:-5] for name in files} >= {
        *("token", "product-list", "product-details", "purchase-info", "contacts"),
        *("order-list", "order-details", "PBX-token", "PBX-capacity"),
    }
    for name, text in files.items():
        for personal in (A, B, "Example", "Sam", "billing@example.com", "AC1088407", "3197218168379846218", "PO 7"):
            assert personal not in text, (name, personal)
        for secret in (SECRET, PBX_CLIENT_SECRET, *portal.tokens):
            assert secret not in text, name
        for order in portal.orders:
            assert order.order_no not in text
            assert order.order_id not in text
    details = [json.loads(text) for name, text in files.items() if "product-details" in name]
    # B's for its counts, A's to compare with the PBX itself
    assert {each["answer"]["result"]["extensionCapacity"] for each in details} == {55, 100}
    [capacity] = [json.loads(text) for name, text in files.items() if "PBX-capacity" in name]
    assert capacity["answer"]["data"]["extension_capacity"] == 55
    [listed] = [json.loads(text) for name, text in files.items() if "product-list" in name]
    serials = [each["productNo"] for each in listed["answer"]["result"]["results"]]
    asked_for = {each["request"]["query"]["productNo"] for each in details}
    assert asked_for == set(serials), "the same is replaced by the same in all files"


def test_a_web_page_is_not_saved(run: Any, portal: Watched, tmp_path: Path) -> None:
    portal.faults.add("contacts:htmlx*")

    run("--save-answers", str(tmp_path))

    saved = [json.loads(file.read_text()) for file in tmp_path.glob("*contacts*")]
    assert saved
    assert all(each["answer"] is None and not each["json"] for each in saved)


def test_answers_are_saved_into_an_empty_folder_only(run: Any, portal: Watched, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("precious")

    result = run("--save-answers", str(tmp_path))

    assert result.exit_code == 2
    assert "is not empty" in result.output
    assert portal.requests.total() == 0

    assert run("--save-answers", str(tmp_path / "mine.txt")).exit_code == 2


def test_slow_answers_are_within_the_time_out(run: Any, portal: Watched) -> None:
    portal.behaviour = Behaviour(latency=0.05)

    assert all(answer["slowest"] is None or answer["slowest"] >= 0.05 for answer in report(run("--json"))["answers"])
