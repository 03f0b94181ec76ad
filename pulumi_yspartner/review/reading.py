"""From files to a review."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from .files import PLAN, PREVIEW, UnreadableError, read_json
from .limits import RunLimits
from .model import Review, Stack, Totals
from .plan import Plan
from .preview import read_preview


def load(previews: Sequence[Path], plans: Sequence[Path] = (), limits: RunLimits | None = None) -> Review:
    """The review of these previews, each of one stack; `plans` are the plans that were saved with them.

    Raises `UnreadableError` for a file that is not what it should be, for a stack that is given twice, and for a plan
    that belongs to none of the previews.
    """
    contents = [read_json(file, PREVIEW) for file in previews]
    alike = len({file.name for file in previews}) < len(previews)
    files = [str(file) if alike else file.name for file in previews]
    stacks = [read_preview(content, file) for content, file in zip(contents, files, strict=True)]
    by_name: dict[tuple[str, str], int] = {}
    for index, stack in enumerate(stacks):
        first = by_name.setdefault((stack.project, stack.name), index)
        if first != index:
            raise UnreadableError(f"{previews[first]} and {previews[index]} are both of the stack {_full(stack)}")
    for file in plans:
        plan = Plan.read(read_json(file, PLAN), file.name)
        index = by_name.get((plan.project, plan.stack), -1)
        if index < 0:
            raise UnreadableError(f"{file} is a plan of the stack {plan.project}/{plan.stack}, and no preview is of it")
        if stacks[index].plan is not None:
            raise UnreadableError(f"{file} is a second plan of the stack {_full(stacks[index])}")
        stacks[index] = _with_plan(stacks[index], plan, contents[index])
    stacks = sorted(_with_duplicates(stacks), key=lambda stack: (stack.project, stack.name))
    totals = Totals.of(pbx for stack in stacks for pbx in stack.pbxs)
    all_is_known = not any(stack.errors for stack in stacks)
    return Review(stacks=tuple(stacks), limits=tuple(limits.judge(totals, all_is_known)) if limits else ())


def _with_plan(stack: Stack, plan: Plan, preview: Mapping[str, Any]) -> Stack:
    steps = {str(step["urn"]): step for step in preview.get("steps") or []}
    return stack.model_copy(update={"plan": plan.file, "problems": tuple(plan.differences(steps))})


def _with_duplicates(stacks: Sequence[Stack]) -> Iterator[Stack]:
    """The stacks, with a problem for each PBX that several declare: each of them would order for it."""
    places: dict[str, list[Stack]] = {}
    for stack in stacks:
        for serial in {pbx.serial_number for pbx in stack.pbxs if pbx.state != "removed"}:
            places.setdefault(serial, []).append(stack)
    for stack in stacks:
        problems = [
            f"{serial} is declared in {' and '.join(map(_full, places[serial]))}; declare each PBX in one stack only"
            for serial in sorted(places)
            if len(places[serial]) > 1 and places[serial][0] is stack
        ]
        yield stack.model_copy(update={"problems": (*stack.problems, *problems)})


def _full(stack: Stack) -> str:
    return f"{stack.project}/{stack.name}" if stack.project else stack.name
