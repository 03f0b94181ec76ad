"""Reviews what the stack would buy, asks, and buys just that: `python buy.py [--stack dev] [--yes]`.

The purchase is bound to the review by a saved plan, and purchases are allowed for that one update only. The exit code
is 0 when all is as declared, and 1 when somebody said no or something was refused.
"""

import argparse
import sys
import tempfile
from pathlib import Path
from typing import Any

from pulumi import automation
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.prompt import Confirm

HERE = Path(__file__).parent
PBX = "pulumi-python:dynamic/yspartner:PbxCapacity"
console = Console(highlight=False, markup=False)


class Events:
    """What Pulumi says while it works: how far it is, and in the end what became of each PBX."""

    def __init__(self, progress: Progress, doing: str) -> None:
        self.progress = progress
        self.task = progress.add_task(doing, total=0)
        self.purchases: dict[str, str] = {}
        self.errors: list[str] = []
        self.lines: list[str] = []
        self._started: set[str] = set()

    def __call__(self, event: automation.EngineEvent) -> None:
        if event.resource_pre_event:
            self._starts(event.resource_pre_event.metadata)
        elif event.res_outputs_event or event.res_op_failed_event:
            ended = event.res_outputs_event or event.res_op_failed_event
            if ended.metadata.type == PBX:
                self.progress.advance(self.task)
        elif event.diagnostic_event and not event.diagnostic_event.ephemeral:
            self._said(event.diagnostic_event)

    def _starts(self, step: Any) -> None:
        if step.type != PBX or step.urn in self._started:
            return
        self._started.add(step.urn)
        self.progress.update(self.task, total=len(self._started))
        inputs = step.new.inputs if step.new else {}
        if "purchase" in inputs:
            self.purchases[step.urn] = inputs["purchase"]["summary"]

    def _said(self, said: Any) -> None:
        name = said.urn.rpartition("::")[2] + ": " if said.urn else ""
        text = f"{name}{said.message.strip()}"
        if said.severity == "error":
            self.errors.append(text)
        elif said.severity in ("info", "warning"):
            self.lines.append(text)


def main() -> int:
    arguments = argparse.ArgumentParser(description="Review what the stack would buy, ask, and buy just that.")
    arguments.add_argument("--stack", default="dev", help="the stack (default: dev)")
    arguments.add_argument("--yes", action="store_true", help="buy without asking")
    given = arguments.parse_args()
    stack = automation.create_or_select_stack(given.stack, work_dir=str(HERE))

    with tempfile.TemporaryDirectory() as folder:
        plan = str(Path(folder, "plan.json"))

        review = run("reviewing", lambda events: stack.preview(plan=plan, on_event=events))
        show(review)
        if review.errors:
            console.print("Refused. Nothing was bought.")
            return 1
        if review.purchases and not (given.yes or confirmed(len(review.purchases))):
            console.print("Not confirmed. Nothing was bought.")
            return 1

        if review.purchases:
            stack.workspace.env_vars = {"YSPARTNER_PURCHASES": "allow"}
        else:
            console.print("Nothing to buy.")
        update = run("buying" if review.purchases else "updating", lambda events: stack.up(plan=plan, on_event=events))
        show(update)
        return 1 if update.errors else 0


def run(doing: str, work: Any) -> Events:
    """Run one command of Pulumi, with a progress line. What fails stands in `errors`."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        events = Events(progress, doing)
        try:
            work(events)
        except automation.CommandError as error:
            events.errors = events.errors or [str(error)]
    return events


def show(events: Events) -> None:
    for line in [*events.lines, *(f"error: {error}" for error in events.errors)]:
        console.print(f"  {line}")


def confirmed(pbxs: int) -> bool:
    return sys.stdin.isatty() and Confirm.ask(f"Buy this for {pbxs} PBX{'s' if pbxs > 1 else ''}?", console=console)


if __name__ == "__main__":
    sys.exit(main())
