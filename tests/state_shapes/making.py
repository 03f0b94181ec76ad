"""Makes the fixture of this version: the state of a stack that has been through everything a state can hold.

    PATH="$(.venv/bin/python tools/pulumi/ensure.py):$PATH" .venv/bin/python tests/state_shapes/making.py

The real engine runs against a sandbox, and `pulumi stack export` writes the file. README.md beside it says when to.
"""

from __future__ import annotations

import importlib.metadata
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER.parent / "engine"))

from engine_stack import Stack, WatchedPortal, succeeded, template_stack  # noqa: E402

from pulumi_yspartner.sandbox import ENTERPRISE, Fault, SandboxServer  # noqa: E402
from pulumi_yspartner.sandbox.portal import FIRST_CONTACT  # noqa: E402

HAVE = {"extensions": 50, "concurrent_calls": 12}

NEVER_PLACED = {"never_placed": {"serial_number": "A0", "extensions": 60}}
THE_OTHERS: dict[str, dict[str, Any]] = {
    "satisfied": {
        "serial_number": "A1",
        "extensions": 250,
        "concurrent_calls": 60,
        "billing_contact_id": str(FIRST_CONTACT.contact_id),
        "plan_id": str(ENTERPRISE.plan_id),
        "po_number": "PO 2024-7",
        "reorder": "first",
    },
    "has_enough": {"serial_number": "A2", "extensions": 50},
    "ordered": {"serial_number": "A3", "extensions": 60, "concurrent_calls": 20},
    "awaiting_payment": {"serial_number": "A4", "concurrent_calls": 20},
    "short": {"serial_number": "A5", "extensions": 60},
    "counted": {"serial_number": "A6", "extensions": 60},
    "unconfirmed": {"serial_number": "A7", "extensions": 60},
}


def make(folder: Path, cli: Path) -> Any:
    """The exported state of a stack with every status of a resource and of an order."""
    portal = WatchedPortal()
    for declared in (NEVER_PLACED | THE_OTHERS).values():
        portal.add_pbx(declared["serial_number"], **HAVE)
    template = folder / "template"
    template.mkdir()
    template_stack(template, cli)
    with SandboxServer(portal) as server:
        stack = Stack.create(folder / "stack", cli, template, portal, server.url)
        stack.settings(TIMEOUT="2")
        place(stack)
        state = json.loads(succeeded(stack.run("stack export", "--show-secrets")).output)
    for resource in state["deployment"]["resources"]:
        for where in ("sourcePosition", "stackTrace"):  # of no meaning on another machine
            resource.pop(where, None)
    return state


def place(stack: Stack) -> None:
    """Bring every status about, the one that takes all others' patience first."""
    portal = stack.portal
    portal.faults.add(Fault("order.save", "cut_before", serial_number="A0"))
    stack.fleet(NEVER_PLACED)
    succeeded(stack.up())
    stack.settings(SETTLE_HOURS="0.0001")
    succeeded(stack.up())
    stack.settings(SETTLE_HOURS=None)

    declared = dict(NEVER_PLACED)
    for name, status, landing, listing in (
        ("ordered", "succeed", "manual", "instant"),
        ("awaiting_payment", "pending", "instant", "instant"),
        ("short", "pending", "instant", "instant"),
        ("counted", "succeed", "instant", "manual"),
        ("unconfirmed", "succeed", "manual", "manual"),
    ):
        portal.behaviour.order_status, portal.behaviour.landing, portal.behaviour.listing = status, landing, listing
        if listing == "manual":
            portal.faults.add(Fault("order.save", "cut_after", serial_number=THE_OTHERS[name]["serial_number"]))
        declared[name] = THE_OTHERS[name]
        stack.fleet(declared)
        succeeded(stack.up())
    [denied] = [order for order in portal.orders if order.serial_number == "A5"]
    portal.cancel(denied.order_no)
    succeeded(stack.refresh())

    # Last, so that its purchase stands in the inputs, as a run that buys leaves it.
    portal.behaviour.order_status, portal.behaviour.landing, portal.behaviour.listing = "succeed", "instant", "instant"
    stack.fleet({**declared, **THE_OTHERS})
    succeeded(stack.up())
    assert {name: stack.outputs(name)["status"] for name in ("never_placed", *THE_OTHERS)} == {
        "never_placed": "short",
        "satisfied": "satisfied",
        "has_enough": "satisfied",
        "ordered": "ordered",
        "awaiting_payment": "awaiting_payment",
        "short": "short",
        "counted": "satisfied",
        "unconfirmed": "unconfirmed",
    }


def main() -> None:
    """Write the fixture of the version that is installed here."""
    pulumi = shutil.which("pulumi")
    if pulumi is None:
        sys.exit("No pulumi on PATH: see the first lines of this file.")
    with tempfile.TemporaryDirectory() as folder:
        state = make(Path(folder), Path(pulumi).parent)
    file = FOLDER / f"{importlib.metadata.version('pulumi_yspartner')}.json"
    file.write_text(json.dumps(state, indent=2) + "\n")
    sys.stdout.write(f"{file}\n")


if __name__ == "__main__":
    main()
