"""Measures cases, all on one sandbox, with the kinds of stack taking turns."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from .cases import Case, Kind, Operation
from .processes import Finished
from .sandbox import Sandbox
from .stacks import HAVE, Stack, serial_number


@dataclass
class Measured:
    """One case on one kind of stack: medians over the runs."""

    title: str
    operation: Operation
    pbxs: int
    kind: Kind
    seconds: float
    runs: list[float]
    times_floor: float
    requests: dict[str, int]
    """By the sandbox's endpoint names, in the last run."""
    megabytes: dict[str, float] = field(default_factory=dict)
    """The most that each Python process held, `program` and `provider`."""
    cpu_seconds: dict[str, float] = field(default_factory=dict)
    """The same for processor time, and of the `sandbox`."""
    purchases: int = 0
    """Orders that reached the portal, in each run."""
    pages: tuple[int, int] = (0, 0)
    """Of the account's product list and order list."""


@dataclass
class _Runs:
    finished: list[Finished] = field(default_factory=list)
    sandbox_cpu: list[float] = field(default_factory=list)
    requests: dict[str, int] = field(default_factory=dict)
    purchases: set[int] = field(default_factory=set)


class Bench:
    """A sandbox, a folder for stacks, and how often everything is done."""

    def __init__(self, sandbox: Sandbox, cli: Path, folder: Path, runs: int) -> None:
        self._sandbox = sandbox
        self._cli = cli
        self._folder = folder
        self._runs = runs
        self._stacks: dict[tuple[Kind, int, bool], Stack] = {}
        self._floors: dict[tuple[Operation, int], float] = {}
        self._next_pbx = 0

    def measure(self, cases: Iterable[Case]) -> list[Measured]:
        """Measure all, in their order."""
        results: list[Measured] = []
        for case in cases:
            self._sandbox.answer(**case.dialect)
            if case.orders:
                self._sandbox.seed_history(case.orders)
            if case.fault:
                self._sandbox.add_fault(case.fault)
            results += self._measure(case)
            self._sandbox.forget()
        return results

    def _measure(self, case: Case) -> list[Measured]:
        runs: dict[Kind, _Runs] = defaultdict(_Runs)
        for number in range(self._runs):
            for kind in case.kinds:
                if kind == "naive" and number > 0:
                    continue  # it waits, mostly, and for minutes: once tells enough
                self._run(case, kind, runs[kind])
        if "floor" in runs:
            self._floors[case.operation, case.pbxs] = median(each.seconds for each in runs["floor"].finished)
        return [self._medians(case, kind, runs[kind]) for kind in case.kinds]

    def _run(self, case: Case, kind: Kind, runs: _Runs) -> None:
        stack = self._stack(case, kind)
        self._sandbox.requests()
        cpu, purchases = self._sandbox.cpu_seconds(), self._sandbox.purchases()
        runs.finished.append(stack.measure(case.operation))
        runs.sandbox_cpu.append(self._sandbox.cpu_seconds() - cpu)
        runs.requests = self._sandbox.requests()
        runs.purchases.add(self._sandbox.purchases() - purchases)
        expected = case.pbxs if kind == "ours" and case.operation == "buying up" else 0
        if runs.purchases != {expected}:
            raise SystemExit(f"{case.title}, {kind}: {runs.purchases} purchases were made, not {expected}")
        print(f"{case.pbxs:>5} {case.title}, {kind}: {runs.finished[-1].seconds:.1f} s", file=sys.stderr, flush=True)

    def _stack(self, case: Case, kind: Kind) -> Stack:
        """The stack to measure on: of PBXs that exist, and for an update of ones that nothing was ordered for yet."""
        if case.operation == "buying up":
            self._next_pbx -= case.pbxs
            return self._new_stack(kind, case.pbxs, f"{kind}-up{-self._next_pbx}", 1_000_000 + self._next_pbx)
        is_known = case.operation in ("unchanged preview", "refresh")
        key = kind, case.pbxs, is_known
        if key not in self._stacks:
            name = f"{kind}-{case.pbxs}-{'known' if is_known else 'new'}"
            self._stacks[key] = self._new_stack(kind, case.pbxs, name, 0)
            if is_known:
                self._stacks[key].adopt()
        return self._stacks[key]

    def _new_stack(self, kind: Kind, pbxs: int, name: str, first: int) -> Stack:
        self._sandbox.add_pbxs([serial_number(first + index) for index in range(pbxs)], *HAVE)
        settings = {
            "YSPARTNER_BASE_URL": self._sandbox.url,
            "YSPARTNER_CLIENT_ID": self._sandbox.client_id,
            "YSPARTNER_CLIENT_SECRET": self._sandbox.client_secret,
            "YSPARTNER_PURCHASES": "allow",
        }
        return Stack.create(self._folder / name, self._cli, kind, pbxs, settings, first)

    def _medians(self, case: Case, kind: Kind, runs: _Runs) -> Measured:
        seconds = median(each.seconds for each in runs.finished)
        floor = self._floors.get((case.operation, case.pbxs), seconds)
        roles = set.intersection(*(set(each.uses) for each in runs.finished))
        uses = {role: [each.uses[role] for each in runs.finished] for role in sorted(roles)}
        return Measured(
            title=case.title,
            operation=case.operation,
            pbxs=case.pbxs,
            kind=kind,
            seconds=round(seconds, 2),
            runs=[round(each.seconds, 2) for each in runs.finished],
            times_floor=round(seconds / floor, 2),
            requests=runs.requests,
            megabytes={role: round(median(use.megabytes for use in used)) for role, used in uses.items()},
            cpu_seconds={
                **{role: round(median(use.cpu_seconds for use in used), 2) for role, used in uses.items()},
                "sandbox": round(median(runs.sandbox_cpu), 2),
            },
            purchases=max(runs.purchases),
            pages=self._sandbox.pages(),
        )
