"""The real-account test itself: that it can't run by accident, and that its code works."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pulumi_yspartner.sandbox import Fault, Portal, SandboxServer

TEST = Path(__file__).parent / "test_real_account.py"
SERIAL = "3651D3296882"


@pytest.fixture
def portal() -> Portal:
    portal = Portal()
    portal.add_pbx(SERIAL, extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def asked(portal: Portal) -> Iterator[dict[str, str]]:
    """Everything that asks for a purchase, on a sandbox."""
    with SandboxServer(portal) as server:
        yield {
            "YSPARTNER_REAL_PURCHASE": "I-will-pay",
            "YSPARTNER_REAL_SERIAL_NUMBER": SERIAL,
            "YSPARTNER_REAL_EXTENSIONS": "3",
            "YSPARTNER_CLIENT_ID": portal.client_id,
            "YSPARTNER_CLIENT_SECRET": portal.client_secret,
            "YSPARTNER_BASE_URL": server.url,
        }


def run(environment: dict[str, str], *arguments: str) -> tuple[int, str]:
    """The test in a pytest of its own, whatever this one was started with."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("YSPARTNER_", "PYTEST_"))}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(TEST), *arguments],
        cwd=TEST.parents[2],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "changed",
    [
        {"YSPARTNER_REAL_PURCHASE": ""},
        {"YSPARTNER_REAL_PURCHASE": "i-will-pay"},
        {"YSPARTNER_REAL_SERIAL_NUMBER": ""},
        {"YSPARTNER_REAL_EXTENSIONS": ""},
        {"YSPARTNER_CLIENT_SECRET": ""},
        {"PYTEST_XDIST_WORKER": "gw0"},
    ],
    ids=lambda changed: "=".join(*changed.items()),
)
def test_it_is_skipped_unless_everything_is_set(asked: dict[str, str], portal: Portal, changed: dict[str, str]) -> None:
    code, output = run({**asked, **changed})

    assert code == 0, output
    assert "1 skipped" in output
    assert portal.requests.total() == 0
    assert portal.purchases == 0


@pytest.mark.parametrize("quantity", ["0", "-3", "2.5"])
def test_a_malformed_quantity_makes_no_request(asked: dict[str, str], portal: Portal, quantity: str) -> None:
    code, output = run({**asked, "YSPARTNER_REAL_EXTENSIONS": quantity})

    assert code == 1, output
    assert "whole number" in output
    assert portal.requests.total() == 0


@pytest.mark.timeout(450)
def test_it_says_what_it_will_do_and_buys_once(asked: dict[str, str], portal: Portal) -> None:
    code, output = run(asked)

    assert code == 0, output
    [order] = portal.orders
    assert (order.extensions, order.concurrent_calls) == (3, 0)
    assert portal.count("order.save") == portal.purchases == 1
    before, _, after = output.partition("WILL ORDER 3 extensions (50 -> 53), once")
    assert f"PBX {SERIAL} has 50 extensions" in before
    assert order.order_no in after
    assert "price: " in after
    assert "satisfied" in after
    assert portal.client_secret not in output

    # By accident a second time: the first order is young, and nobody remembers it.
    code, output = run(asked)
    assert code == 1, output
    assert order.order_no in output
    assert portal.count("order.save") == portal.purchases == 1


def test_what_it_says_comes_before_the_order(asked: dict[str, str], portal: Portal) -> None:
    portal.faults.add(Fault("order.save", "status=400"))

    code, output = run(asked)

    assert code == 1, output
    assert "WILL ORDER 3 extensions" in output
    assert portal.purchases == 0
