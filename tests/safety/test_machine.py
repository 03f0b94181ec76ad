"""Any sequence of what people, portals and crashes do: never bought twice, never without permission, never a dead end.

`HYPOTHESIS_PROFILE=deep` runs 2,000 examples.
"""

from __future__ import annotations

import os
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from mini_engine import HQ, MiniEngine, Run
from test_faults import understandable

from pulumi_yspartner.model import COUNTS, UNCONFIRMED
from pulumi_yspartner.sandbox import Dialect, Fault, Order, Portal, SandboxServer

_COMMON: dict[str, Any] = {
    "deadline": None,
    "suppress_health_check": list(HealthCheck),
    "print_blob": False,
    "database": None,
}
PROFILES = {
    "default": settings(
        max_examples=200, stateful_step_count=12, derandomize=True, phases=[Phase.explicit, Phase.generate], **_COMMON
    ),
    "deep": settings(max_examples=2000, stateful_step_count=15, **_COMMON),
}

DEAD = ("failed", "cancelled", "refunded", "invalid")
FAULTS = st.sampled_from(
    [
        *[None] * 30,
        ("order.save", "cut_after", 0, 1),
        ("order.save", "cut_before", 0, 1),
        ("order.save", "status=500", 0, 1),
        ("order.save", "status_after=503", 0, 1),
        ("order.save", "status=400", 0, 1),
        ("order.save", "no_order_number", 0, 1),
        ("order.save", "unknown_status", 0, 1),
        ("order.list", "status=500", 0, None),
        ("order.list", "garbage", 1, None),
        ("product.detail", "status=500", 1, None),
        ("product.detail", "html", 2, None),
        ("contacts", "status=403", 1, None),
        ("any", "status=503", 0, None),
    ]
)
CRASHES = st.sampled_from(
    [*[None] * 30, "before_sending", "order_taken", "confirming", "answer_read", "state_not_written"]
)
PERMISSION = st.sampled_from(["allow"] * 6 + ["deny"])


class Lives(RuleBasedStateMachine):
    """One PBX, its declaration, its portal, and the engine's state of it."""

    @initialize(echo=st.booleans(), newest_first=st.booleans())
    def begin(self, echo: bool, newest_first: bool) -> None:
        self.portal = Portal(dialect=Dialect(po_number="both" if echo else "nowhere", newest_first=newest_first))
        self.portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
        self.server = SandboxServer(self.portal)
        self.server.start()
        self.engine = MiniEngine(self.portal, self.server.url)
        self.declared: dict[str, Any] = {"serial_number": HQ, "extensions": 50}
        self.plan: tuple[dict[str, Any], Any] | None = None
        self.reorders = 0

    # --- commands --------------------------------------------------------------------------------------------------

    @rule(by=st.integers(1, 20), count=st.sampled_from(COUNTS), allowed=PERMISSION, fault=FAULTS, crash=CRASHES)
    def raise_it(self, by: int, count: str, **how: Any) -> None:
        start = self.declared.get(count) or getattr(self.portal.pbx(HQ), count)
        self.declared = {**self.declared, count: start + by}
        self.up(**how)

    @rule(by=st.integers(1, 20), count=st.sampled_from(COUNTS), allowed=PERMISSION, fault=FAULTS)
    def lower_it(self, by: int, count: str, **how: Any) -> None:
        if count in self.declared:
            before = self.declared
            self.declared = {**before, count: max(1, before[count] - by)}
            if not self.up(**how).ok:
                self.declared = before

    @rule(allowed=PERMISSION, fault=FAULTS, crash=CRASHES)
    def run_again(self, **how: Any) -> None:
        self.up(**how)

    @rule(allowed=PERMISSION, fault=FAULTS, crash=CRASHES)
    def reorder(self, **how: Any) -> None:
        self.reorders += 1
        self.declared = {**self.declared, "reorder": f"again {self.reorders}"}
        self.up(**how)

    @rule(fault=FAULTS)
    def preview(self, fault: Any) -> None:
        self.watched(lambda: self.engine.preview({"hq": self.declared}), fault, may_buy=False, changes=False)

    @rule()
    def save_a_plan(self) -> None:
        self.plan = (self.declared, self.engine.save_plan({"hq": self.declared}))

    @precondition(lambda self: self.plan is not None)
    @rule(allowed=PERMISSION, fault=FAULTS, crash=CRASHES)
    def apply_the_plan(self, **how: Any) -> None:
        assert self.plan is not None
        self.declared, plan = self.plan
        self.up(plan=plan, **how)

    @rule(fault=FAULTS)
    def refresh(self, fault: Any) -> None:
        self.watched(self.engine.refresh, fault, may_buy=False)

    @rule()
    def destroy(self) -> None:
        self.watched(self.engine.destroy, None, may_buy=False)

    @rule(allowed=PERMISSION)
    def replace(self, allowed: str) -> None:
        self.up(allowed=allowed, replace=("hq",))

    # --- the portal ------------------------------------------------------------------------------------------------

    @rule(
        lands=st.sampled_from(["instant", "manual", "apart"]),
        lists=st.sampled_from(["instant", "instant", "manual"]),
        status=st.sampled_from(["succeed", "succeed", "pending", "confirming", "failed"]),
    )
    def behave(self, lands: str, lists: Any, status: str) -> None:
        apart: Any = {"extensions": "instant", "concurrent_calls": "manual"}
        self.portal.behaviour.landing = apart if lands == "apart" else lands
        self.portal.behaviour.listing = lists
        self.portal.behaviour.order_status = status

    @rule(pick=st.integers(0, 50), status=st.sampled_from(["succeed", "succeed", "failed", "cancelled", "refunded"]))
    def decide(self, pick: int, status: str) -> None:
        if (order := self.pick(pick)) and order.status not in DEAD:
            if status == "refunded" and order.landed:
                for count in order.landed:
                    left = getattr(self.portal.pbx(HQ), count) - order.quantity(count)
                    self.portal.set_counts(HQ, **{count: max(0, left)})
            self.portal.set_status(order.order_no, status)

    @rule(pick=st.integers(0, 50), extensions=st.booleans(), concurrent_calls=st.booleans())
    def land(self, pick: int, extensions: bool, concurrent_calls: bool) -> None:
        if (order := self.pick(pick)) and order.status == "succeed":
            self.portal.land(order.order_no, extensions, concurrent_calls)

    @rule(pick=st.integers(0, 50))
    def reveal(self, pick: int) -> None:
        if order := self.pick(pick):
            self.portal.reveal(order.order_no)

    @rule(count=st.sampled_from(COUNTS), by=st.integers(1, 10))
    def lose_capacity(self, count: str, by: int) -> None:
        self.portal.set_counts(HQ, **{count: max(1, getattr(self.portal.pbx(HQ), count) - by)})

    @rule(extensions=st.integers(1, 10), status=st.sampled_from(["succeed", "pending"]))
    def second_buyer(self, extensions: int, status: str) -> None:
        self.portal.place_elsewhere(HQ, extensions=extensions, status=status)

    @rule(hours=st.sampled_from([0.5, 12, 25]))
    def time_passes(self, hours: float) -> None:
        self.portal.clock.advance(hours=hours)

    def pick(self, number: int) -> Order | None:
        orders = self.portal.orders
        return orders[-1 - number % len(orders)] if orders else None

    # --- invariants ------------------------------------------------------------------------------------------------

    def up(self, allowed: str = "allow", fault: Any = None, crash: Any = None, **options: Any) -> Run:
        declared = {"hq": self.declared}
        return self.watched(
            lambda: self.engine.run(declared, purchases=allowed, crash=crash, looks=1, **options),
            fault,
            may_buy=allowed == "allow",
            forced="replace" in options,
        )

    def watched(self, command: Any, fault: Any, *, may_buy: bool, forced: bool = False, changes: bool = True) -> Run:
        portal, engine = self.portal, self.engine
        have = {name: getattr(portal.pbx(HQ), name) for name in COUNTS}
        before = {order.order_no: self.unsettled(order) for order in portal.orders}
        listed = {order.order_no for order in portal.orders if order.listed}
        old = engine.resources.get("hq")
        old_inputs = dict(old.inputs) if old else {}
        known = old.orders if old else ()
        sent = portal.count("order.save")
        if fault is not None:
            endpoint, kind, skip, times = fault
            portal.faults.add(Fault(endpoint, kind, skip=skip, times=times))
        run: Run = command()
        portal.faults.clear()
        if not run.crashed:
            understandable(run)

        # Never an order without permission; never more than one in a run.
        assert portal.count("order.save") - sent <= (1 if may_buy else 0)
        placed = [order for order in portal.orders if order.order_no not in before]
        for order in placed:
            self.check_order(run, order, have, before, listed, known, old_inputs, forced)
        if run.errors:
            assert not placed, f"an error, though something was bought: {run.text}"

        # Satisfied only when it is so; nothing but an unconfirmed order reads as drift.
        new = engine.resources.get("hq")
        # A preview leaves the status of the last change as it was.
        if (
            changes
            and new is not None
            and run.ok
            and (run.steps.get("hq") in ("create", "update", "replace") or not run.checked)
        ):
            have = {name: getattr(portal.pbx(HQ), name) for name in COUNTS}
            want = new.state.declaration.want
            if new.status == "satisfied" and fault is None:
                assert all(have[name] >= floor for name, floor in want.items())
        if old_inputs and run.steps.get("hq") == "update" and not any(r.status == UNCONFIRMED for r in known):
            names = ("extensions", "concurrent_calls", "reorder")
            assert any(old_inputs.get(name) != self.declared.get(name) for name in names), "drift"
        return run

    def unsettled(self, order: Order) -> bool:
        """Whether more may come of an order, as the portal knows it."""
        if order.status in DEAD:
            return False
        if order.status != "succeed":
            return True
        old = self.portal.clock.now() - order.created > 24 * 3600
        return not old and any(order.quantity(name) and name not in order.landed for name in COUNTS)

    def check_order(
        self,
        run: Run,
        order: Order,
        have: dict[str, int],
        before: dict[str, bool],
        listed: set[str],
        known: Any,
        old_inputs: dict[str, Any],
        forced: bool,
    ) -> None:
        # Only what the last check showed, and never past what is declared.
        shown = run.purchase()
        assert shown is not None, "nobody saw this purchase"
        for name in COUNTS:
            assert order.quantity(name) == getattr(shown, name)
            if order.quantity(name):
                assert have[name] + order.quantity(name) <= self.declared[name], "more than declared less had"
        # Only a new or raised count, or a changed reorder, asks.
        for name in COUNTS:
            if order.quantity(name) and old_inputs and not forced:
                raised = self.declared[name] > old_inputs.get(name, 0)
                assert raised or self.declared.get("reorder") != old_inputs.get("reorder"), "nobody asked for this"
        # One order in flight, unless nothing known here tells of the other: the window that no rule closes.
        remembered = () if forced else known
        numbers = {record.order_no for record in remembered}
        for number, was_unsettled in before.items():
            if not was_unsettled:
                continue
            assert number not in listed, f"{number} is in the order list and not settled"
            assert number not in numbers, f"{number} is in the state and not settled"
            assert all(record.status != UNCONFIRMED for record in remembered), "an attempt is unconfirmed"
        # What was denied to this very declaration needs a word, where the portal tells whose order it was.
        if (not old_inputs or forced) and self.portal.dialect.po_number == "both":
            for other in self.portal.orders:
                if other is not order and other.order_no in listed and other.status in DEAD:
                    assert other.po_number != order.po_number, "denied before, and bought again as a new resource"

    def teardown(self) -> None:
        """Whatever happened: once the portal has come to rest, one run and a `reorder` get the PBX what it lacks."""
        if not hasattr(self, "server"):
            return
        try:
            self.come_to_rest()
        finally:
            self.server.stop()

    def come_to_rest(self) -> None:
        portal = self.portal
        portal.behaviour.landing = portal.behaviour.listing = "instant"
        portal.behaviour.order_status = "succeed"
        for order in portal.orders:
            portal.reveal(order.order_no)
            if order.status not in DEAD:
                portal.set_status(order.order_no, "succeed")
                portal.land(order.order_no)
        portal.clock.advance(hours=25)
        pbx = portal.pbx(HQ)
        want = {name: max(self.declared[name], getattr(pbx, name)) for name in COUNTS if name in self.declared}
        self.declared = {**self.declared, **want, "reorder": "at last"}
        run = self.up()
        assert run.ok, f"a dead end: {run.text}"
        assert self.engine["hq"].status == "satisfied", run.text
        bought = portal.purchases
        assert self.up().steps == {"hq": "same"}
        assert portal.purchases == bought


Lives.TestCase.settings = PROFILES[os.environ.get("HYPOTHESIS_PROFILE", "default")]
test_lives_of_one_pbx = pytest.mark.timeout(4 * 3600)(Lives.TestCase)
