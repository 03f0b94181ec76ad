"""A saved plan beside its preview: the plan must buy what the preview shows. Pure.

Only what binds an update is read (the goals of the plan), not the copy of the preview's outputs beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..model import CountName, Purchase, Reading
from ..wording import amounts
from .files import PLAN, UnreadableError
from .urn import PBX_CAPACITY, name_of, stack_of, type_of


@dataclass(frozen=True)
class Bought:
    """What is ordered for one PBX, and for which counts that was reviewed."""

    serial_number: str
    purchase: Purchase
    observed: Mapping[CountName, int]

    @classmethod
    def of(cls, inputs: Mapping[str, Any]) -> Bought | None:
        """What a resource's inputs order; None where they order nothing."""
        if not inputs.get("purchase"):
            return None
        observed = Reading.model_validate(inputs.get("observed") or {}).counts
        return cls(str(inputs.get("serial_number") or ""), Purchase.model_validate(inputs["purchase"]), observed)


@dataclass(frozen=True)
class Plan:
    """A saved plan."""

    file: str
    project: str
    stack: str
    changes: Mapping[str, Mapping[str, Any]]
    """By URN, how the inputs of a resource would change."""

    @classmethod
    def read(cls, content: Mapping[str, Any], file: str) -> Plan:
        """What `pulumi preview --save-plan` wrote. Raises `UnreadableError`."""
        try:
            planned = content["resourcePlans"]
            changes = {urn: plan["goal"].get("inputDiff") or {} for urn, plan in planned.items() if plan.get("goal")}
            project, stack = next(stack_of(urn) for urn in planned if type_of(urn))
        except (KeyError, TypeError, AttributeError, StopIteration):
            raise UnreadableError(f"{file} is not {PLAN}") from None
        return cls(file, project, stack, changes)

    def differences(self, steps: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        """Where the plan and the preview with these steps, by URN, buy different things, in words.
        Raises `UnreadableError`."""
        try:
            yield from self._differences(steps)
        except (ValidationError, TypeError, AttributeError, KeyError):
            raise UnreadableError(f"{self.file} is not {PLAN} that this version understands") from None

    def _differences(self, steps: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
        urns = [urn for urn in dict.fromkeys([*steps, *self.changes]) if type_of(urn) == PBX_CAPACITY]
        for urn in sorted(urns, key=name_of):
            step = steps.get(urn) or {}
            shown = Bought.of((step.get("newState") or {}).get("inputs") or {})
            planned = self._planned(urn, step)
            if planned == shown:
                continue
            words = _words(planned), _words(shown)
            if words[0] == words[1]:
                words = f"{words[0]} ({_details(planned)})", f"{words[1]} ({_details(shown)})"
            yield (
                f"{name_of(urn)}: the saved plan buys {words[0]}, and the preview shows {words[1]}; make both anew, in "
                f"one command"
            )

    def _planned(self, urn: str, step: Mapping[str, Any]) -> Bought | None:
        """What the plan orders for a resource. A plan holds what changes in the inputs of the last update; an update
        that keeps an earlier purchase among them would act on it."""
        change = self.changes.get(urn)
        if change is None:
            return None
        old = {} if step.get("op") == "same" else (step.get("oldState") or {}).get("inputs") or {}
        kept = {name: value for name, value in old.items() if name not in (change.get("deletes") or [])}
        return Bought.of({**kept, **(change.get("adds") or {}), **(change.get("updates") or {})})


def _words(bought: Bought | None) -> str:
    return amounts(bought.purchase.quantities) if bought else "nothing"


def _details(bought: Bought | None) -> str:
    """What tells two purchases of the same quantities apart."""
    if bought is None:
        return ""
    purchase, serial = bought.purchase, bought.serial_number or "an unknown PBX"
    return (
        f"{serial}, having {amounts(bought.observed)}, contact {purchase.billing_contact_id}, plan {purchase.plan_id}, "
        f"reference {purchase.reference}"
    )
