"""Stacks of many PBXs on the real engine: ours, the floor and the naive version, with the same commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .cases import Kind, Operation
from .processes import Finished, run

ROOT = Path(__file__).parents[1]
HAVE = (50, 12)
"""Extensions and concurrent calls of every PBX."""
MORE = (60, 16)

IMPORTS: dict[Kind, str] = {
    "floor": "from benchmarks.noop import Noop as Pbx",
    "naive": "from benchmarks.naive import Naive as Pbx",
    "ours": "from pulumi_yspartner import PbxCapacity as Pbx",
}


def serial_number(index: int) -> str:
    """The serial number of a PBX of the fleet."""
    return f"3651D{index:07}"


@dataclass(frozen=True)
class Stack:
    """A stack in a folder of its own, of one kind and size."""

    folder: Path
    cli: Path
    kind: Kind
    pbxs: int
    settings: dict[str, str]
    """Environment variables, `PULUMI_BACKEND_URL` among them if the state is not in the folder."""
    first: int = 0
    """The number of its first PBX."""

    @classmethod
    def create(cls, folder: Path, cli: Path, kind: Kind, pbxs: int, settings: dict[str, str], first: int = 0) -> Stack:
        """An empty stack, in a project that is named after the folder."""
        folder.mkdir(parents=True)
        (folder / "Pulumi.yaml").write_text(f"name: {folder.name}\nruntime: python\n")
        stack = cls(folder, cli, kind, pbxs, settings, first)
        stack.pulumi("stack", "init", "dev")
        return stack

    def measure(self, operation: Operation) -> Finished:
        """Do one operation, and make sure that it did what it is measured for."""
        match operation:
            case "adopting preview" | "buying preview":
                self._declare(self.pbxs, MORE if operation == "buying preview" else HAVE)
                finished = self._expect(f"{self.pbxs + 1} to create", "preview")
                return self._bought(finished) if operation == "buying preview" else finished
            case "unchanged preview":
                self._declare(self.pbxs, HAVE)
                return self._expect(f"{self.pbxs + 1} unchanged", "preview")
            case "refresh":
                return self._expect(f"{self.pbxs + 1} unchanged", "refresh", "--yes", "--skip-preview")
            case "buying up":
                self._declare(self.pbxs, MORE)
                return self._expect(f"{self.pbxs + 1} created", "up", "--yes", "--skip-preview")

    def adopt(self) -> None:
        """Put the fleet into the state: one PBX by an update, the rest as copies, which is quicker."""
        self._declare(1, HAVE)
        self.pulumi("up", "--yes", "--skip-preview")
        file = self.folder / "state.json"
        self.pulumi("stack", "export", "--file", str(file))
        state: dict[str, Any] = json.loads(file.read_text())
        resources = state["deployment"]["resources"]
        first = json.dumps(next(each for each in resources if "__provider" in each.get("inputs", {})))
        for index in range(1, self.pbxs):
            copy = first.replace(serial_number(0), serial_number(index)).replace(_name(0), _name(index))
            resources.append(json.loads(copy))
        file.write_text(json.dumps(state))
        self.pulumi("stack", "import", "--file", str(file))

    def pulumi(self, *words: str) -> Finished:
        """Run a command; it has to succeed."""
        command: list[str | Path] = [self.cli / "pulumi", *words, "--non-interactive", "--color=never", "--stack=dev"]
        if words[:2] == ("stack", "init"):
            command.pop()
        finished = run(command, self.folder, self._environment())
        if finished.code != 0:
            raise SystemExit(f"pulumi {' '.join(words)} failed in {self.folder}:\n{finished.output}")
        return finished

    def _expect(self, said: str, *words: str) -> Finished:
        finished = self.pulumi(*words)
        if re.search(rf"\b{said}\b", finished.output) is None:
            raise SystemExit(f"pulumi {' '.join(words)} does not say {said!r} in {self.folder}:\n{finished.output}")
        return finished

    def _bought(self, finished: Finished) -> Finished:
        """Make sure that every purchase was seen."""
        more = f"{10 * self.pbxs} extensions, {4 * self.pbxs} concurrent calls"
        if self.kind == "ours" and f"{self.pbxs} of {self.pbxs} PBXs would buy: {more}" not in finished.output:
            raise SystemExit(f"the preview does not show all purchases in {self.folder}:\n{finished.output}")
        return finished

    def _declare(self, pbxs: int, counts: tuple[int, int]) -> None:
        extensions, concurrent_calls = counts
        declarations = [
            f"Pbx({_name(index)!r}, serial_number={serial_number(self.first + index)!r}, "
            f"extensions={extensions}, concurrent_calls={concurrent_calls})"
            for index in range(pbxs)
        ]
        (self.folder / "__main__.py").write_text("\n".join([IMPORTS[self.kind], *declarations, ""]))

    def _environment(self) -> dict[str, str]:
        # Nothing of the developer's own Pulumi, Python or settings gets in.
        kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "USER")}
        return {
            **kept,
            "PATH": f"{self.cli}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "PULUMI_BACKEND_URL": self.folder.as_uri(),
            "PULUMI_HOME": str(self.folder / ".home"),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
            **self.settings,
        }


def find_cli() -> Path:
    """The directory of a Pulumi CLI."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools" / "pulumi" / "ensure.py"], stdout=subprocess.PIPE, text=True, check=False
    )
    if found.returncode != 0:
        raise SystemExit("The benchmarks need a Pulumi CLI.")
    return Path(found.stdout.strip())


def _name(index: int) -> str:
    return f"pbx-{index:05}"
