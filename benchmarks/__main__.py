"""Measures our stacks against no-op stacks of the same size, on one sandbox, in one run.

Ends with 1 where an unchanged fleet of `ACCEPTED_AT` PBXs asks or takes more than was agreed. Only ratios within one
run mean something: seconds are the machine's.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

from pulumi_yspartner.sandbox import Behaviour, Portal, SandboxServer

from .processes import Finished
from .stacks import HAVE, OPERATIONS, Kind, Operation, Stack, find_cli, serial_number

ACCEPTED_AT = 200
"""The fleet's size at which the two bounds below hold, for a preview of an unchanged fleet."""
MOST_REQUESTS_BESIDES = 15
"""Requests on top of one per PBX."""
MOST_TIMES_THE_FLOOR = 3.0

LATENCY = 0.1
IMPORTS = {
    "program": "pulumi_yspartner.pbx_capacity",
    "provider": "pulumi_yspartner.provider",
    "libraries": "pulumi, httpx, pydantic",
}


@dataclass
class Measured:
    """One operation on one stack: medians over the runs."""

    pbxs: int
    operation: Operation
    kind: Kind
    seconds: float
    times_floor: float
    requests: dict[str, int]
    """By the sandbox's endpoint names, in the last run."""
    megabytes: dict[str, float] = field(default_factory=dict)
    cpu_seconds: dict[str, float] = field(default_factory=dict)


@dataclass
class Bench:
    """A sandbox and the stacks that are measured on it."""

    portal: Portal
    url: str
    cli: Path
    folder: Path
    runs: int

    def fleet(self, pbxs: int, kinds: list[Kind]) -> list[Measured]:
        """Measure every operation for a fleet of one size."""
        for index in range(len(self.portal.pbxs), pbxs):
            self.portal.add_pbx(serial_number(index), *HAVE)
        settings = {
            "YSPARTNER_BASE_URL": self.url,
            "YSPARTNER_CLIENT_ID": self.portal.client_id,
            "YSPARTNER_CLIENT_SECRET": self.portal.client_secret,
            "YSPARTNER_PURCHASES": "allow",
        }
        stacks = [Stack.create(self.folder / f"{kind}-{pbxs}", self.cli, kind, pbxs, settings) for kind in kinds]
        results: list[Measured] = []
        for operation in OPERATIONS:
            if operation == "unchanged preview":
                for stack in stacks:
                    stack.adopt()
            results += self._compare(operation, stacks)
        if self.portal.purchases:
            raise SystemExit(f"{self.portal.purchases} purchases were made by a benchmark that only reads")
        return results

    def _compare(self, operation: Operation, stacks: list[Stack]) -> list[Measured]:
        # The kinds take turns, so that a busy moment of the machine meets them all.
        finished: dict[Kind, list[Finished]] = {stack.kind: [] for stack in stacks}
        requests: dict[Kind, dict[str, int]] = {}
        for _ in range(self.runs):
            for stack in stacks:
                self.portal.reset_requests()
                finished[stack.kind].append(stack.measure(operation))
                requests[stack.kind] = dict(self.portal.requests)
                print(
                    f"{stack.pbxs} {operation}, {stack.kind}: {finished[stack.kind][-1].seconds:.1f} s", file=sys.stderr
                )
        floor = median(each.seconds for each in finished["floor"])
        results = []
        for stack in stacks:
            runs = finished[stack.kind]
            seconds = median(each.seconds for each in runs)
            roles = set.intersection(*(set(each.uses) for each in runs))
            results.append(
                Measured(
                    stack.pbxs,
                    operation,
                    stack.kind,
                    round(seconds, 2),
                    round(seconds / floor, 2),
                    requests[stack.kind],
                    {role: round(median(each.uses[role].megabytes for each in runs)) for role in sorted(roles)},
                    {role: round(median(each.uses[role].cpu_seconds for each in runs), 2) for role in sorted(roles)},
                )
            )
        return results


def import_seconds(runs: int) -> dict[str, float]:
    """How long the imports of each process take, against those of the libraries together; medians."""
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(runs):
        for name, modules in IMPORTS.items():
            timed = f"import time; start = time.perf_counter(); import {modules}; print(time.perf_counter() - start)"
            answer = subprocess.run([sys.executable, "-c", timed], stdout=subprocess.PIPE, text=True, check=True)
            taken[name].append(float(answer.stdout))
    return {name: round(median(seconds), 3) for name, seconds in taken.items()}


def verdict(results: list[Measured]) -> list[str]:
    """What was agreed on and does not hold."""
    broken = []
    for each in results:
        if (each.pbxs, each.operation, each.kind) != (ACCEPTED_AT, "unchanged preview", "ours"):
            continue
        requests = sum(each.requests.values())
        if requests > (bound := each.pbxs + MOST_REQUESTS_BESIDES):
            broken.append(f"an unchanged preview of {each.pbxs} PBXs made {requests} requests, more than {bound}")
        if each.times_floor > MOST_TIMES_THE_FLOOR:
            broken.append(
                f"an unchanged preview of {each.pbxs} PBXs took {each.times_floor} times the floor, "
                f"more than {MOST_TIMES_THE_FLOOR}"
            )
    return broken


def table(results: list[Measured]) -> str:
    """The results for a terminal."""
    lines = [
        f"{'PBXs':>5}  {'operation':<18}{'stack':<7}{'seconds':>8}{'x floor':>9}"
        f"{'program MB':>12}{'CPU s':>7}{'provider MB':>13}{'CPU s':>7}  requests"
    ]
    for each in results:
        used = [
            f"{use.get(role, ''):>{width}}"
            for role, widths in (("program", (12, 7)), ("provider", (13, 7)))
            for use, width in zip((each.megabytes, each.cpu_seconds), widths, strict=True)
        ]
        requests = ", ".join(f"{name} {number}" for name, number in sorted(each.requests.items()))
        lines.append(
            f"{each.pbxs:>5}  {each.operation:<18}{each.kind:<7}{each.seconds:>8.2f}{each.times_floor:>9.2f}"
            f"{''.join(used)}  {f'{sum(each.requests.values())}: {requests}' if requests else 'none'}"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--pbxs", type=int, nargs="+", default=[ACCEPTED_AT], help="sizes of the fleet")
    parser.add_argument("--runs", type=int, default=3, help="runs of each operation; their median counts")
    parser.add_argument("--naive", action="store_true", help="also the naive version, which takes minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results for machines")
    options = parser.parse_args()

    kinds: list[Kind] = ["floor", "ours", *(["naive"] if options.naive else [])]  # type: ignore[list-item]
    imports = import_seconds(max(options.runs, 5))
    results: list[Measured] = []
    portal = Portal(behaviour=Behaviour(latency=LATENCY))
    with SandboxServer(portal) as server, tempfile.TemporaryDirectory(prefix="yspartner-bench-") as folder:
        bench = Bench(portal, server.url, find_cli(), Path(folder), options.runs)
        for pbxs in sorted(options.pbxs):
            results += bench.fleet(pbxs, kinds)

    print(f"\nMedians of {options.runs} runs, {LATENCY * 1000:.0f} ms for each answer.\n\n{table(results)}\n")
    compared = (f"{name} {imports[name]:.2f} s" for name in ("program", "provider"))
    print(f"imports: {', '.join(compared)}; {IMPORTS['libraries']} {imports['libraries']:.2f} s")
    broken = verdict(results)
    if options.json:
        report = {"latency": LATENCY, "runs": options.runs, "imports": imports, "broken": broken}
        report["results"] = [asdict(each) for each in results]
        options.json.write_text(json.dumps(report, indent=2) + "\n")
    for problem in broken:
        print(f"too slow: {problem}", file=sys.stderr)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
