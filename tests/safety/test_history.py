"""5,000 old orders of other PBXs change nothing in the result, and cost a bounded number of requests."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from mini_engine import HQ, MiniEngine
from test_faults import understandable

from pulumi_yspartner.sandbox import DIALECTS, Fault, Portal, SandboxServer

OLD_ORDERS = 5000
HQ_60 = {"hq": {"serial_number": HQ, "extensions": 60}}

READABLE = [name for name in DIALECTS if name not in ("no-counts", "unknown-counts", "unmarked-plans")]


def _life(dialect: str, history: int) -> tuple[list[Any], dict[str, int]]:
    """A purchase, a lost answer and an unchanged run: what became of each, and the requests of all."""
    portal = Portal(dialect=DIALECTS[dialect])
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    portal.seed_history(history)
    told: list[Any] = []
    with SandboxServer(portal) as server:
        engine = MiniEngine(portal, server.url)

        def tell(run: Any) -> None:
            understandable(run)
            assert run.ok, run.text
            outputs = engine["hq"].outputs
            records = [
                {key: value for key, value in order.items() if key in ("status", "extensions", "extensions_before")}
                for order in outputs["orders"]
            ]
            told.append((run.steps, outputs["status"], outputs["capacity"], records, portal.purchases))

        tell(engine.run(HQ_60))
        tell(engine.run(HQ_60))
        portal.clock.advance(hours=25)
        portal.faults.add(Fault("order.save", "cut_after"))
        tell(engine.run({"hq": {"serial_number": HQ, "extensions": 70}}))
        tell(engine.run({"hq": {"serial_number": HQ, "extensions": 70}}))
        assert portal.purchases == 2
        return told, dict(portal.requests)


@pytest.mark.parametrize(
    "dialect",
    [
        pytest.param(name, marks=[] if name == "default" else pytest.mark.deep)
        for name in READABLE
        if name != "terse-orders"
    ],
)
def test_old_orders_change_nothing_and_cost_only_their_pages(dialect: str) -> None:
    without, _ = _life(dialect, 0)
    with_history, requests = _life(dialect, OLD_ORDERS)

    assert with_history == without
    # The list is read by the program, before each of the two orders, and once or more to find the lost one.
    pages = OLD_ORDERS // 100 + 3
    assert requests["order.list"] <= 6 * pages
    assert requests["order.get"] <= 20, "details of old orders were read"
    assert sum(requests.values()) <= 6 * pages + 80


@pytest.mark.deep
def test_old_orders_of_a_portal_that_does_not_list_pbxs_cost_no_details_for_each() -> None:
    """Where the list names no PBX, the details must. Of old orders only the dead ones are read, and only once, before
    the order of a new resource: one of them may be the same order, denied (rule 9)."""
    dialect = replace(DIALECTS["terse-orders"], max_page_size=100)
    DIALECTS["terse"] = dialect
    try:
        without, _ = _life("terse", 0)
        with_history, requests = _life("terse", 700)
    finally:
        del DIALECTS["terse"]
    assert with_history == without
    assert requests["order.get"] <= 700 + 100, f"{requests['order.get']} details were read for 700 old orders"


def test_an_own_order_on_the_last_of_many_pages_is_found() -> None:
    portal = Portal(dialect=replace(DIALECTS["default"], newest_first=False))
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    portal.seed_history(OLD_ORDERS)
    portal.behaviour.landing = "manual"
    with SandboxServer(portal) as server:
        engine = MiniEngine(portal, server.url)
        engine.run(HQ_60, crash="order_taken")
        run = understandable(engine.run(HQ_60))
        assert run.ok, run.text
        assert engine["hq"].status == "ordered"
        assert portal.purchases == 1


def test_a_page_that_can_not_be_read_buys_nothing() -> None:
    portal = Portal()
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    portal.seed_history(OLD_ORDERS)
    with SandboxServer(portal) as server:
        engine = MiniEngine(portal, server.url)
        portal.faults.add(Fault("order.list", "status=403", skip=40))
        run = understandable(engine.run(HQ_60))
        assert not run.ok
        assert portal.purchases == 0
        portal.faults.clear()
        portal.faults.add(Fault("order.list", "status=403", skip=90))
        run = understandable(engine.run(HQ_60))
        assert not run.ok
        assert portal.purchases == 0
