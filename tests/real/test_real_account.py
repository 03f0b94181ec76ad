"""One purchase on a real account. It costs money and can't be undone, so it runs only when asked for in full words:

    YSPARTNER_REAL_PURCHASE=I-will-pay        in just this spelling
    YSPARTNER_REAL_SERIAL_NUMBER=3651D3296882 the PBX to buy for
    YSPARTNER_REAL_EXTENSIONS=1               how many extensions to add
    YSPARTNER_CLIENT_ID, YSPARTNER_CLIENT_SECRET

and, where the account leaves a choice, YSPARTNER_REAL_PLAN_ID and YSPARTNER_BILLING_CONTACT_ID. Every other setting
(`YSPARTNER_BASE_URL`, `YSPARTNER_CAPACITY_FIELDS`, ...) is taken from the environment too. It says what it will do, and
at what price, before it does it. Running it again within `settleHours` is refused, because the first order is young.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from engine_stack import Stack, WatchedPortal, refused, succeeded

PURCHASE = "YSPARTNER_REAL_PURCHASE"
SERIAL_NUMBER = "YSPARTNER_REAL_SERIAL_NUMBER"
EXTENSIONS = "YSPARTNER_REAL_EXTENSIONS"
PLAN_ID = "YSPARTNER_REAL_PLAN_ID"
WORD = "I-will-pay"
NEEDED = (SERIAL_NUMBER, EXTENSIONS, "YSPARTNER_CLIENT_ID", "YSPARTNER_CLIENT_SECRET")

PLAN_FILE = "reviewed.json"


def why_not() -> str | None:
    """Why nothing is bought here; None when everything was asked for."""
    if os.environ.get(PURCHASE) != WORD:
        return f"buys on a real account; set {PURCHASE}={WORD} to let it"
    if lacking := [name for name in NEEDED if not os.environ.get(name, "").strip()]:
        return f"{', '.join(lacking)} not set"
    if "PYTEST_XDIST_WORKER" in os.environ:
        return "run it without -n: what it will do must be seen before it is done"
    return None


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print at once, whatever pytest captures."""

    def say(text: str) -> None:
        with capsys.disabled():
            os.write(1, f"\n  {text}".encode())

    return say


@pytest.fixture
def real_stack(request: pytest.FixtureRequest, tmp_path: Path) -> Stack:
    """An empty stack on the real account, with purchases off."""
    if reason := why_not():
        pytest.skip(reason)
    cli, template = request.getfixturevalue("pulumi_cli"), request.getfixturevalue("template")
    stack = Stack.create(tmp_path / "stack", cli, template, WatchedPortal(), "")
    stack.env = {
        name: value
        for name, value in os.environ.items()
        if name.startswith("YSPARTNER_") and not name.startswith("YSPARTNER_REAL_")
    }
    stack.settings(PURCHASES="deny")
    return stack


@pytest.mark.timeout(900)
def test_one_purchase(real_stack: Stack, say: Callable[[str], None]) -> None:
    stack = real_stack
    serial, text = os.environ[SERIAL_NUMBER].strip().upper(), os.environ[EXTENSIONS].strip()
    assert re.fullmatch(r"[1-9]\d{0,3}", text), f"{EXTENSIONS} must be a whole number from 1 to 9999"
    quantity = int(text)
    stack.settings(LIMITS=f'{{"extensions": {quantity}, "concurrentCalls": 0}}')
    options = {"plan_id": os.environ[PLAN_ID].strip()} if os.environ.get(PLAN_ID) else {}
    url = os.environ.get("YSPARTNER_BASE_URL") or "the vendor's portal"

    # Taking the PBX over buys nothing, and tells what it has.
    stack.declare(serial_number=serial, extensions=1, **options)
    succeeded(stack.up())
    has = stack.outputs()["capacity"]["extensions"]

    stack.declare(serial_number=serial, extensions=has + quantity, **options)
    row = succeeded(stack.preview()).rows["hq"]
    noun = "extension" if quantity == 1 else "extensions"
    assert f"buy {quantity} {noun} ({has} -> {has + quantity});" in row, row
    assert "concurrent call" not in row, row
    refused(stack.up(), "purchases are off")
    price = re.search(r"; price ([^;]+);", row)

    say(f"account {os.environ['YSPARTNER_CLIENT_ID']} at {url}")
    say(f"PBX {serial} has {has} extensions")
    say(f"WILL ORDER {quantity} {noun} ({has} -> {has + quantity}), once; this can't be undone")
    say(f"price: {price[1] if price else 'unknown'}")
    say(f"state is kept in {stack.folder}")

    stack.settings(PURCHASES="allow")
    succeeded(stack.preview("--save-plan", PLAN_FILE))
    up = stack.up("--plan", PLAN_FILE)
    stack.settings(PURCHASES="deny")
    say(f"up --plan ended with {up.code}: {up.rows.get('hq', '')}")
    assert "Traceback" not in up, up
    assert up.code == 0, up

    outputs = stack.outputs()
    say(f"status {outputs['status']}; orders {outputs['orders']}")
    [order] = outputs["orders"]
    assert order["extensions"] == quantity
    assert outputs["status"] in ("satisfied", "ordered", "awaiting_payment", "unconfirmed")

    # From here on nothing is wanted any more, and nothing may be bought.
    succeeded(stack.refresh())
    again = succeeded(stack.up())
    assert "ordered: " not in again
    say(f"after a refresh: {stack.outputs()['status']}, {stack.outputs()['capacity']}\n")
    assert len(stack.outputs()["orders"]) == 1
