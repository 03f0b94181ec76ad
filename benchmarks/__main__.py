"""Measures our stacks against no-op stacks of the same size and a naive version, on one sandbox, in one run.

Ends with 1 where a bound doesn't hold. Only ratios within one run mean something: seconds are the machine's.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from .bounds import Bound, Results
from .cases import cases
from .measuring import Bench, Measured
from .page import PICTURE, figures, insert
from .picture import picture
from .sandbox import Sandbox
from .stacks import find_cli
from .tables import results_table, verdict_table

LATENCY = 0.1
"""Seconds of each answer of the sandbox."""
NAIVE_UP_TO = 300
IMPORTS = {
    "program": "import pulumi_yspartner.pbx_capacity",
    "provider": "import pulumi_yspartner.provider",
    # pydantic alone loads nothing until something of it is used: here a model with a secret.
    "libraries": "import pulumi, httpx; from pydantic import BaseModel, SecretStr",
}


def import_seconds(runs: int) -> dict[str, float]:
    """How much processor time the imports of each process take, and those of the libraries together; medians."""
    taken: dict[str, list[float]] = {name: [] for name in IMPORTS}
    for _ in range(runs):
        for name, imports in IMPORTS.items():
            timed = f"import time; start = time.process_time(); {imports}; print(time.process_time() - start)"
            answer = subprocess.run([sys.executable, "-c", timed], stdout=subprocess.PIPE, text=True, check=True)
            taken[name].append(float(answer.stdout))
    return {name: round(median(seconds), 3) for name, seconds in taken.items()}


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--pbxs", type=int, nargs="+", default=[100, 300, 1000], help="sizes of the fleet")
    parser.add_argument("--runs", type=int, default=3, help="runs of each operation; their median counts")
    parser.add_argument("--no-naive", action="store_true", help="leave out the naive version, which takes minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results for machines")
    parser.add_argument("--docs", action="store_true", help="write the figures and a picture into docs/")
    options = parser.parse_args()

    imports = import_seconds(max(options.runs, 7))
    with Sandbox(LATENCY) as sandbox, tempfile.TemporaryDirectory(prefix="yspartner-bench-") as folder:
        bench = Bench(sandbox, find_cli(), Path(folder), options.runs)
        measured = bench.measure(cases(options.pbxs, 0 if options.no_naive else NAIVE_UP_TO))

    bounds = Results(measured, imports, LATENCY).bounds()
    print(f"\nMedians of {options.runs} runs (naive: 1), {LATENCY * 1000:.0f} ms for each answer; {machine()}.\n")
    print(results_table(measured))
    print("\nProcessor seconds of imports: " + ", ".join(f"{name} {seconds}" for name, seconds in imports.items()))
    print(f"\n{verdict_table(bounds)}")
    if options.json:
        options.json.write_text(json.dumps(_report(options.runs, imports, measured, bounds), indent=2) + "\n")
    if options.docs:
        PICTURE.parent.mkdir(exist_ok=True)
        PICTURE.write_text(picture(measured))
        insert("figures", figures(measured, bounds, machine(), options.runs))
    return 0 if all(bound.holds for bound in bounds) else 1


def _report(runs: int, imports: dict[str, float], measured: list[Measured], bounds: list[Bound]) -> dict[str, Any]:
    return {
        "machine": machine(),
        "latency": LATENCY,
        "runs": runs,
        "imports": imports,
        "results": [asdict(each) for each in measured],
        "bounds": [{**asdict(bound), "holds": bound.holds} for bound in bounds],
    }


def machine() -> str:
    """What this was measured on."""
    return f"{os.cpu_count()} cores, Python {platform.python_version()}, load average {os.getloadavg()[0]:.1f}"


if __name__ == "__main__":
    sys.exit(main())
