"""What an update did with the purchases that were approved, read from its own events. Pure.

`pulumi up --json` writes an event per line. A purchase is known from the plan that the update was given, or, without
one, from the event with which its order begins. Whatever is not known for certain is said to be unknown: an order that
may have been placed is never called "nothing was bought".
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ..model import OrderRecord, Purchase, unix
from ..wording import NOTHING_BOUGHT
from .files import PLAN, UnreadableError, read_json
from .refusal import explain, explain_settings, is_plan_refusal
from .urn import PBX_CAPACITY, name_of, stack_of, type_of

UP = "the output of `pulumi up --json`"
PROVIDERS = "pulumi:providers:"
CHANGES = ("create", "update", "create-replacement", "replace")
"""What may order. In all else, such as a refresh, a purchase among the inputs is one of an earlier update."""

Fate = Literal[
    "ordered",  # an order was placed
    "waiting",  # an order was placed, and waits, usually for payment
    "found",  # an order of an earlier run covers it; nothing more was ordered
    "nothing",  # an order was placed and came to nothing
    "unconfirmed",  # an order was sent; whether it was placed is not known
    "unknown",  # the run ended, or failed, in the middle of an order
    "refused",  # nothing was bought, and why
    "unfit",  # nothing was bought: the update does not fit its plan
    "unreached",  # nothing was bought: the run ended before it
]
DONE: tuple[Fate, ...] = ("ordered", "waiting", "found")


@dataclass(frozen=True)
class ApprovedPlan:
    """The plan that an update was given: when it was made, a digest of the file, and by URN what it lets it buy."""

    made: str
    digest: str
    purchases: Mapping[str, Purchase]
    serial_numbers: Mapping[str, str]


@dataclass(frozen=True)
class PbxOutcome:
    """What became of one purchase. `words` says more about its fate."""

    name: str
    serial_number: str
    purchase: Purchase | None
    fate: Fate
    words: str


@dataclass(frozen=True)
class Outcome:
    """What became of all purchases of one update."""

    stack: str
    began: bool
    finished: bool
    succeeded: bool
    pbxs: tuple[PbxOutcome, ...]
    errors: tuple[str, ...]
    """Errors that belong to no PBX."""
    plan: ApprovedPlan | None

    @property
    def failed(self) -> bool:
        """Whether a person must look at it."""
        return not self.succeeded or any(pbx.fate not in DONE for pbx in self.pbxs)

    def having(self, *fates: Fate) -> tuple[PbxOutcome, ...]:
        """The PBXs with one of these fates."""
        return tuple(pbx for pbx in self.pbxs if pbx.fate in fates)


def read_plan(file: Path) -> ApprovedPlan:
    """What `pulumi preview --save-plan` wrote. Raises `UnreadableError`.

    Only what binds the update is read (the plan's goals), not the copy of the preview's outputs beside it; that one
    only names the PBX where the goal, which holds changes, does not.
    """
    content = read_json(file, PLAN)
    purchases: dict[str, Purchase] = {}
    serial_numbers: dict[str, str] = {}
    try:
        made = str(content["manifest"]["time"])
        for urn, resource in content["resourcePlans"].items():
            change = (resource.get("goal") or {}).get("inputDiff") or {}
            bound = {**(change.get("adds") or {}), **(change.get("updates") or {})}
            if type_of(urn) == PBX_CAPACITY and "purchase" in bound:
                purchases[urn] = Purchase.model_validate(bound["purchase"])
                serial_numbers[urn] = str(bound.get("serial_number") or resource["state"]["serial_number"])
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UnreadableError(f"{file} is not {PLAN}") from None
    return ApprovedPlan(made, digest, purchases, serial_numbers)


def read_outcome(file: Path, plan: ApprovedPlan | None) -> Outcome:
    """What `pulumi up --json` wrote, and the plan that it was given, put together. Raises `UnreadableError`."""
    run = _Run()
    try:
        for event in _events(file.read_text(encoding="utf-8", errors="replace")):
            run.note(event)
        _of_one_stack(run, plan, file)
        return _put_together(run, plan)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, RecursionError):
        raise UnreadableError(f"{file} is not {UP}") from None


def _of_one_stack(run: _Run, plan: ApprovedPlan | None, file: Path) -> None:
    """What a plan lets one stack buy says nothing of an update of another one."""
    updated, planned = ({stack_of(urn) for urn in urns} for urns in (run.seen, plan.purchases if plan else ()))
    if updated and planned and not updated & planned:
        names = " and ".join("/".join(min(stacks)) for stacks in (planned, updated))
        raise UnreadableError(f"{file} and the plan do not belong together: the plan and the update are of {names}")


def _put_together(run: _Run, plan: ApprovedPlan | None) -> Outcome:
    purchases = {urn: each.purchase for urn, each in run.resources.items() if each.purchase is not None}
    purchases |= plan.purchases if plan else {}
    serial_numbers = dict(plan.serial_numbers) if plan else {}
    serial_numbers |= {urn: each.serial_number for urn, each in run.resources.items()}
    urns = dict.fromkeys([*purchases, *(urn for urn in run.errors if type_of(urn) == PBX_CAPACITY)])
    return Outcome(
        stack=next((stack for urn in [*run.seen, *urns] if (stack := stack_of(urn)[1])), ""),
        began=run.started is not None,
        finished=run.result is not None,
        succeeded=run.result == "succeeded",
        pbxs=tuple(
            PbxOutcome(
                name_of(urn), serial_numbers.get(urn, ""), purchases.get(urn), *run.fate(urn, purchases.get(urn))
            )
            for urn in sorted(urns, key=name_of)
        ),
        errors=tuple(run.errors_of_no_pbx()),
        plan=plan,
    )


# --- the events of one run -----------------------------------------------------------------------------------------


@dataclass
class _Resource:
    """A PBX that the run began to change."""

    serial_number: str
    purchase: Purchase | None
    outputs: dict[str, Any] | None = None
    """Set once the change is done."""


@dataclass
class _Run:
    started: float | None = None
    result: str | None = None
    seen: list[str] = field(default_factory=list)
    resources: dict[str, _Resource] = field(default_factory=dict)
    errors: dict[str, list[str]] = field(default_factory=dict)
    """Messages by URN; those of no resource under an empty one."""

    def note(self, event: dict[str, Any]) -> None:
        if self.started is None:
            self.started = float(event.get("timestamp") or 0)
        if summary := event.get("summaryEvent"):
            self.result = str(summary.get("result") or "")
        if diagnostic := event.get("diagnosticEvent"):
            if diagnostic.get("severity") == "error":
                message = str(diagnostic.get("message") or "").strip()
                self.errors.setdefault(str(diagnostic.get("urn") or ""), []).append(message)
        elif begun := event.get("resourcePreEvent"):
            self._note_begun(begun["metadata"])
        elif done := event.get("resOutputsEvent"):
            metadata = done["metadata"]
            new = metadata.get("new")  # none where the PBX that it replaces is forgotten, under the same URN
            if new and (resource := self.resources.get(metadata["urn"])) is not None:
                resource.outputs = dict(new.get("outputs") or {})

    def _note_begun(self, metadata: dict[str, Any]) -> None:
        urn = str(metadata["urn"])
        self.seen.append(urn)
        inputs = (metadata.get("new") or {}).get("inputs") or {}
        if metadata["type"] != PBX_CAPACITY or metadata["op"] not in CHANGES or not inputs:
            return
        purchase = inputs.get("purchase")
        self.resources[urn] = _Resource(
            str(inputs.get("serial_number") or ""), Purchase.model_validate(purchase) if purchase else None
        )

    def fate(self, urn: str, purchase: Purchase | None) -> tuple[Fate, str]:
        """What became of one purchase, and the words for it."""
        resource = self.resources.get(urn)
        if resource is not None and resource.outputs is not None and purchase is not None:
            return self._ordered(resource.outputs, purchase)
        errors = self.errors.get(urn, [])
        unfit = [error for error in errors if is_plan_refusal(error)]
        if unfit:
            return "unfit", "; ".join(dict.fromkeys(explain(error) for error in unfit))
        if errors:
            serial = resource.serial_number if resource else ""
            words = "; ".join(_without_formula(error, serial) for error in errors)
            begun = resource is not None and resource.purchase is not None
            certain = not begun or all(NOTHING_BOUGHT in error for error in errors)
            return ("refused", words) if certain else ("unknown", words)
        if resource is not None and resource.outputs is None:
            return "unknown", "the run ended in the middle of it"
        return "unreached", "the run ended before it"

    def _ordered(self, outputs: dict[str, Any], purchase: Purchase) -> tuple[Fate, str]:
        records = [OrderRecord.model_validate(each) for each in outputs.get("orders") or []]
        own = [record for record in records if record.reference == purchase.reference]
        if not own:
            return "refused", "no order was placed"
        order = own[-1]
        words = f"{order.order_no or 'number unknown'}, {order.status}"
        if order.time is not None and unix(order.time) < int(self.started or 0):
            return "found", f"order {words}, placed at {order.time}, covers it; nothing more was ordered"
        match outputs.get("status"):
            case "unconfirmed":
                return "unconfirmed", f"sent at {order.time}, reference {order.reference}"
            case "awaiting_payment":
                return "waiting", words
            case "short":
                return "nothing", words
        return "ordered", words

    def errors_of_no_pbx(self) -> Iterator[str]:
        for urn, errors in self.errors.items():
            for error in dict.fromkeys(errors):
                if type_of(urn).startswith(PROVIDERS) and is_plan_refusal(error):
                    yield explain_settings(error)
                elif type_of(urn) != PBX_CAPACITY and error != "update failed":  # which is said of each that failed
                    yield " ".join(error.split())


def _events(text: str) -> Iterator[dict[str, Any]]:
    """The events among the lines. A line that a killed run did not finish is left out."""
    lines = [line for line in text.splitlines() if line.strip()]
    found = 0
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "sequence" in event:
            found += 1
            yield event
    if lines and not found:
        raise ValueError("no events")


def _without_formula(error: str, serial_number: str) -> str:
    """An error of the provider, without what the outcome says beside it."""
    text = " ".join(error.split()).removeprefix("yspartner: ").removeprefix(f"{serial_number}: ")
    return text.replace(f" {NOTHING_BOUGHT}", "").removesuffix(".")
