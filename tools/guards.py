"""Remove each guard of an order in turn, and show that some test fails for it.

A general mutation tool changes every operator of every line and takes hours; this asks the one question that matters
here: is each rule that keeps an order safe held by a test? Every entry names the guard, the code that is it, and what
stands there when it is gone. Run by `make test-deep`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = "pulumi_yspartner"
TESTS = {
    "ordering.py": [
        "tests/safety/test_last_moment.py",
        "tests/safety/test_lives.py",
        "tests/protocol/test_protocol_orders.py",
        "tests/safety/test_faults.py",
    ],
    "planning.py": ["tests/unit/test_planning.py"],
    "model.py": ["tests/unit/test_planning.py"],
    "money.py": ["tests/unit/test_money.py"],
    "orders.py": ["tests/unit/test_planning.py"],
    "provider.py": ["tests/protocol/test_protocol_check.py"],
    "partner/answers.py": ["tests/unit/test_answers.py", "tests/unit/test_prices.py"],
    "partner/connection.py": ["tests/unit/test_connection.py"],
    "partner/envelope.py": ["tests/unit/test_envelope.py"],
}
"""Where a file's guards are held; quick ones first, since the first failure answers the question."""


@dataclass(frozen=True)
class Guard:
    """A guard: where it is, and what its removal looks like."""

    name: str
    file: str
    code: str
    removed: str


GUARDS = [
    Guard("unsettled orders block", "ordering.py", "        if unsettled:\n", "        if False:\n"),
    Guard(
        "unsettled orders block in check",
        "planning.py",
        "    if unsettled:\n        raise",
        "    if False:\n        raise",
    ),
    Guard(
        "counts must have reached an order's",
        "orders.py",
        "record.order_no == order.order_no and record.reached(have)",
        "record.order_no == order.order_no",
    ),
    Guard(
        "an order is ours by its reference",
        "orders.py",
        "return own_reference in order.references and all(",
        "return all(",
    ),
    Guard(
        "an adopted order covers the need",
        "orders.py",
        "order.quantities.get(name, 0) >= number for",
        "True for",
    ),
    Guard(
        "an unconfirmed attempt blocks",
        "ordering.py",
        "            if record.status == UNCONFIRMED:",
        "            if False:",
    ),
    Guard(
        "counts are read again and compared",
        "ordering.py",
        "        _compare(declaration, purchase, observed, have)\n",
        "",
    ),
    Guard(
        "the engine lives", "ordering.py", "            if not await self.engine_is_alive():", "            if False:"
    ),
    Guard("reads are seconds old", "ordering.py", "if not 0 <= self.now() - read_at <= READS_HOLD_FOR:", "if False:"),
    Guard(
        "one lock per serial number",
        "ordering.py",
        "async with self._locks[declaration.serial_number]:",
        "async with anyio.Lock():",
    ),
    Guard("one order per run", "ordering.py", "        if serial in self._sent:", "        if False:"),
    Guard("permission", "ordering.py", 'if self.settings.purchases != "allow":', "if False:"),
    Guard(
        "limits in preview",
        "planning.py",
        "    if problem := over_limit(need, settings.limits):",
        "    if problem := None:",
    ),
    Guard(
        "the limit on money in preview",
        "planning.py",
        "    if problem := over_amount(*reading.price_for(need, want), settings.limits):",
        "    if problem := None:",
    ),
    Guard(
        "limits right before the order",
        "ordering.py",
        "if problem := over_limit(purchase.quantities, self.settings.limits):",
        "if problem := None:",
    ),
    Guard(
        "the limit on money right before the order",
        "ordering.py",
        "        await self._afford(serial, purchase, catalog, plan_id)\n",
        "",
    ),
    Guard(
        "a price for something else is none",
        "model.py",
        "if dict(quantities) != shortfall(want, self.counts):",
        "if False:",
    ),
    Guard(
        "an unknown price is not within a limit",
        "money.py",
        "price is not None and price.currency == limit.currency and",
        "price is None or price.currency == limit.currency and",
    ),
    Guard(
        "a price in another currency is not within a limit",
        "money.py",
        "price.currency == limit.currency and ",
        "",
    ),
    Guard(
        "the price of a part is not that of the whole",
        "partner/answers.py",
        "        if not _INDEX.search(found.path) and QUANTITY not in found.value\n",
        "",
    ),
    Guard(
        "a price that is stated differently is none",
        "partner/answers.py",
        "        if len(set(found.values())) > 1:",
        "        if False:",
    ),
    Guard(
        "only new or raised counts buy",
        "planning.py",
        "if name not in old.want or floor > old.want[name]}",
        "}",
    ),
    Guard(
        "nothing is lowered", "planning.py", "        if name in down and want[name] < have[name]:", "        if False:"
    ),
    Guard(
        "check makes the purchase itself",
        "provider.py",
        "    inputs: dict[str, Any] = declaration.dump()\n",
        '    given = {"purchase": news["purchase"]} if "purchase" in news else {}\n'
        "    inputs: dict[str, Any] = {**declaration.dump(), **given}\n",
    ),
    Guard("known in preview", "provider.py", "    if failures := _unknowns(news):", "    if failures := []:"),
    Guard(
        "a dead order needs reorder", "ordering.py", "        if is_new and (dead :=", "        if False and (dead :="
    ),
    Guard(
        "a dead order needs reorder in check",
        "planning.py",
        "    if before is None and (dead :=",
        "    if False and (dead :=",
    ),
    Guard("one serial number, one resource", "planning.py", "    if reading.duplicate:", "    if False:"),
    Guard(
        "a count that is stated differently is none",
        "partner/answers.py",
        "if len(set(values.values())) > 1:",
        "if False:",
    ),
    Guard("an answer is about this PBX", "partner/answers.py", "    if others:", "    if False:"),
    Guard(
        "an order is sent once",
        "partner/connection.py",
        'self._exchange("POST", path, client=client, token=token, last_check=last_check, json=body)',
        'self._read("POST", path, last_check=last_check, json=body)',
    ),
    Guard(
        "an unclear answer is not a refusal",
        "partner/envelope.py",
        "status not in UNCLEAR_STATUSES",
        "True",
    ),
]


def caught(guard: Guard) -> tuple[bool, str]:
    """Whether a test fails without the guard, and which."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / PACKAGE, Path(folder) / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        file = Path(folder) / PACKAGE / guard.file
        text = file.read_text()
        if text.count(guard.code) < 1:
            return False, "the guard's code is not there any more: correct tools/guards.py"
        file.write_text(text.replace(guard.code, guard.removed))
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                "pytest",
                "-x",
                "-q",
                "-m",
                "not deep",
                "-p",
                "no:cacheprovider",
                "--no-header",
                "-rf",
                *TESTS[guard.file],
            ],
            cwd=ROOT,
            # Without the safe path, the folder it runs in would come before the mutilated copy.
            env={**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONSAFEPATH": "1"},
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
    failed = [line.split(" - ")[0] for line in run.stdout.splitlines() if line.startswith("FAILED")]
    return run.returncode == 1 and bool(failed), failed[0] if failed else run.stdout[-400:]


def main() -> int:
    """Check all guards, or those whose name holds the first argument."""
    wanted = [guard for guard in GUARDS if not sys.argv[1:] or sys.argv[1] in guard.name]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        missed = 0
        for guard, (found, by) in zip(wanted, pool.map(caught, wanted), strict=True):
            missed += not found
            print(f"{'caught' if found else 'MISSED'}  {guard.name}: {by}", flush=True)
    print(f"{len(wanted) - missed} passed, {missed} failed")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
