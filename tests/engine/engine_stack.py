"""A Pulumi stack in a folder of its own, driven by the real `pulumi` command against a sandbox."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi_yspartner
from pulumi_yspartner.sandbox import Portal

ROOT = Path(__file__).parents[2]
TIMEOUT = 100
"""Seconds for one command; it usually takes 2."""

PROJECT = "fleet"
STACK = "dev"
HQ = "3651D3296882"
BRANCH = "3651D3296883"
DEPOT = "3651D3296884"

IMPORTS = "import pulumi\nfrom pulumi_yspartner import PbxCapacity\n"


class WatchedPortal(Portal):
    """A portal that remembers every token it issued."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        super().__init__(client_secret="not-for-any-log-4711")

    def issue_tokens(self, audience: str = "") -> tuple[str, str]:
        tokens = super().issue_tokens(audience)
        self.tokens.extend(tokens)
        return tokens


@dataclass(frozen=True)
class Result:
    """What a command ended with, and what it said on both outputs."""

    command: str
    code: int
    output: str

    def __contains__(self, text: str) -> bool:
        return text in self.output

    def __str__(self) -> str:
        return f"$ {self.command}\n{self.output}\n(exit code {self.code})"

    @property
    def rows(self) -> dict[str, str]:
        """The table of a default preview or update: by resource name, its row in all the forms it took."""
        table = re.split(r"\n(?:Diagnostics|Outputs|Resources|Policies):", self.output)[0]
        rows: dict[str, str] = {}
        for name, row in re.findall(
            r"^ *\S* +(?:pulumi:pulumi:Stack|\S*:PbxCapacity) +(\S+) *(.*?) *$", table, re.MULTILINE
        ):
            rows[name] = f"{rows[name]}\n{row}".strip() if name in rows else row
        return rows


def succeeded(result: Result, *said: str) -> Result:
    """The command did its work, and said all of this."""
    assert result.code == 0, result
    return _said(result, said)


def refused(result: Result, *said: str) -> Result:
    """The command failed in a way that a person understands, and said all of this."""
    assert result.code != 0, result
    assert re.search("nothing (was|is) bought", result.output, re.IGNORECASE), result
    return _said(result, said)


def _said(result: Result, said: tuple[str, ...]) -> Result:
    for text in said:
        assert text in result, f"{text!r} is not in\n{result}"
    assert "Traceback" not in result, result
    return result


@dataclass
class Stack:
    """One stack. Its settings come by environment, as in a CI job, unless a test configures them."""

    folder: Path
    cli: Path
    portal: WatchedPortal
    url: str
    env: dict[str, str] = field(default_factory=dict)
    """More variables; the settings among them are in `settings`."""
    results: list[Result] = field(default_factory=list)

    @classmethod
    def create(cls, folder: Path, cli: Path, template: Path, portal: WatchedPortal, url: str) -> Stack:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        stack = cls(folder, cli, portal, url)
        stack.settings(BASE_URL=url, CLIENT_ID=portal.client_id, CLIENT_SECRET=portal.client_secret, PURCHASES="allow")
        return stack

    # --- what a test sets up ---

    def settings(self, **settings: str | None) -> None:
        """Set `YSPARTNER_...` variables; None takes one away."""
        for name, value in settings.items():
            if value is None:
                self.env.pop(f"YSPARTNER_{name}", None)
            else:
                self.env[f"YSPARTNER_{name}"] = value

    def config(self, **values: Any) -> None:
        """Write stack configuration of the namespace `yspartner`; structured values are allowed."""
        file = self.folder / f"Pulumi.{STACK}.yaml"
        lines = [line for line in file.read_text().splitlines() if not line.startswith(("config:", "  "))]
        file.write_text(
            "\n".join([*lines, "config:", *(f"  yspartner:{key}: {json.dumps(v)}" for key, v in values.items()), ""])
        )

    def program(self, text: str, **files: str) -> None:
        """The program; `PbxCapacity` and `pulumi` are imported already."""
        (self.folder / "__main__.py").write_text(IMPORTS + textwrap.dedent(text))
        for name, content in files.items():
            (self.folder / f"{name}.py").write_text(textwrap.dedent(content))

    def declare(self, resource_name: str = "hq", /, serial_number: str = HQ, **declared: Any) -> None:
        """A program with one PBX."""
        self.fleet({resource_name: {"serial_number": serial_number, **declared}})

    def fleet(self, declarations: Mapping[str, Mapping[str, Any]]) -> None:
        """A program with these PBXs, each by resource name."""
        self.program(
            "\n".join(
                f"{name} = PbxCapacity({name!r}, {', '.join(f'{key}={value!r}' for key, value in declared.items())})\n"
                f"pulumi.export({name!r}, {{'capacity': {name}.capacity, 'status': {name}.status}})"
                for name, declared in declarations.items()
            )
        )

    # --- commands ---

    def preview(self, *arguments: str) -> Result:
        return self.run("preview", *arguments)

    def up(self, *arguments: str) -> Result:
        """The update without a preview of its own: one run of the program, as when a plan is applied."""
        return self.run("up", "--yes", "--skip-preview", *arguments)

    def refresh(self, *arguments: str) -> Result:
        return self.run("refresh", "--yes", "--skip-preview", *arguments)

    def destroy(self, *arguments: str) -> Result:
        return self.run("destroy", "--yes", "--skip-preview", *arguments)

    def run(self, command: str, *arguments: str, of: str = STACK, **env: str) -> Result:
        """Any `pulumi` command on this stack, or another `of` the same project."""
        options = ["--non-interactive", "--color=never", "--stack", of]
        words = ["pulumi", *command.split(), *arguments]
        line: list[str | Path] = [self.cli / "pulumi", *words[1:], *options]
        code, output = _call(line, self.folder, {**self.environment(), **env})
        result = Result(" ".join(words), code, output)
        self.results.append(result)
        return result

    def environment(self) -> dict[str, str]:
        """What `pulumi` commands get, and no more."""
        return {**clean_environment(self.cli, self.folder), **self.env}

    # --- what a test asks ---

    @property
    def checkpoint(self) -> str:
        """The state as the backend stores it, without a command."""
        return (self.folder / ".pulumi" / "stacks" / PROJECT / f"{STACK}.json").read_text()

    @property
    def resources(self) -> list[dict[str, Any]]:
        """The PBXs in the state."""
        latest = json.loads(self.checkpoint)["checkpoint"]["latest"]
        return [each for each in latest.get("resources", []) if each["type"].endswith(":PbxCapacity")]

    def resource(self, name: str = "hq") -> dict[str, Any]:
        """One PBX in the state."""
        [found] = [each for each in self.resources if each["urn"].endswith(f"::{name}")]
        return found

    def outputs(self, name: str = "hq") -> dict[str, Any]:
        """What the state says of one PBX; without the reference to the provider, which is encrypted anew each time."""
        return {key: value for key, value in self.resource(name)["outputs"].items() if key != "__provider"}

    @contextmanager
    def only_reads(self) -> Iterator[None]:
        """The block may read the portal; it orders nothing."""
        sent = self.portal.count("order.save")
        yield
        assert self.portal.count("order.save") == sent, "an order was sent"

    def everything_written(self) -> Iterator[tuple[str, str]]:
        """All that the commands said and left behind: outputs, state and its history, plans, programs' logs."""
        for result in self.results:
            yield f"the output of {result.command}", result.output
        for file in self.folder.rglob("*"):
            if file.is_file() and file.suffix not in (".py", ".pyc") and ".home" not in file.parts:
                yield str(file.relative_to(self.folder)), file.read_text(errors="replace")


def clean_environment(cli: Path, folder: Path) -> dict[str, str]:
    """Nothing of the developer's own Pulumi, Python or settings gets in."""
    kept = {name: value for name, value in os.environ.items() if name in ("HOME", "LANG", "TMPDIR", "USER")}
    return {
        **kept,
        "PATH": f"{cli}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PULUMI_BACKEND_URL": folder.as_uri(),
        "PULUMI_HOME": str(folder / ".home"),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
        "PYTHONPATH": str(Path(pulumi_yspartner.__file__).parents[1]),  # the package that the tests see
    }


def template_stack(folder: Path, cli: Path) -> Path:
    """A project with an empty stack, to be copied: `stack init` takes as long as a preview."""
    (folder / "Pulumi.yaml").write_text(f"name: {PROJECT}\nruntime: python\n")
    command: list[str | Path] = [cli / "pulumi", "stack", "init", STACK, "--non-interactive", "--color=never"]
    code, output = _call(command, folder, clean_environment(cli, folder))
    assert code == 0, output
    return folder


def _call(command: list[str | Path], folder: Path, env: dict[str, str]) -> tuple[int, str]:
    """Run a command; after the time-out, it ends together with the processes it started."""
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, _ = process.communicate(timeout=10)
            raise AssertionError(f"{command} took longer than {TIMEOUT} s:\n{output}") from None
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    return process.returncode, output
