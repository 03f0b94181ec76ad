"""The README's commands, copied into a fresh environment that holds nothing but the built wheel."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from distribution import ROOT, locked_versions, run

README = (ROOT / "README.md").read_text()
SECONDS = 900


def section(heading: str) -> str:
    """The README's text under a heading of the second level."""
    parts = re.split(rf"^## {re.escape(heading)}$", README, flags=re.MULTILINE)
    assert len(parts) == 2, f"the README has no section {heading!r}"
    return parts[1].split("\n## ")[0]


def commands(text: str) -> list[str]:
    """The commands of a text: the lines of its blocks of shell."""
    return [
        line
        for block in re.findall(r"^```sh\n(.+?)^```$", text, re.DOTALL | re.MULTILINE)
        for line in block.splitlines()
    ]


def code(language: str) -> str:
    """The README's first block in this language."""
    found = re.search(rf"^```{language}\n(.+?)^```$", README, re.DOTALL | re.MULTILINE)
    assert found is not None
    return found[1]


class Terminal:
    """A person at a terminal: one bash for all commands, so that an activated environment stays active."""

    def __init__(self, folder: Path, env: dict[str, str]) -> None:
        self.said = ""
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            cwd=folder,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def type(self, line: str, answer: str = "") -> str:
        """Type a line, and an answer to what it asks; returns what was said. It must succeed."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        asked = f" <<< {answer!r}" if answer else " < /dev/null"
        self._bash.stdin.write(f'{line}{asked}\necho "[done $?]"\n')
        self._bash.stdin.flush()
        said = ""
        for out in self._bash.stdout:
            if done := re.search(r"\[done (\d+)\]$", out):
                said += out[: done.start()]
                self.said += f"$ {line}\n{said}"
                assert done[1] == "0", self.said
                return said
            said += out
        pytest.fail(f"bash ended:\n{self.said}$ {line}\n{said}")

    def start(self, line: str, until: str) -> str:
        """Type a line that goes on in another terminal, in the same environment; returns its first lines."""
        self.type(f"coproc OTHER {{ exec {line}; }}")  # in place of the shell, so that ending it ends the command
        said = ""
        while until not in said:
            said += self.type('IFS= read -r -t 60 -u "${OTHER[0]}" said && echo "$said"')
        return said

    def close(self) -> None:
        """End it, and what was started in it."""
        assert self._bash.stdin is not None
        assert self._bash.stdout is not None
        self._bash.stdin.write("kill $OTHER_PID 2>/dev/null; exit\n")
        self._bash.stdin.close()
        self._bash.wait(timeout=20)
        self._bash.stdout.close()


@pytest.fixture
def terminal(tmp_path: Path, pulumi_cli: Path, built: dict[str, Path]) -> Iterator[Terminal]:
    """A terminal in an empty folder, at home nowhere else. The checkout beside it is the source distribution."""
    checkout, project = tmp_path / "checkout", tmp_path / "project"
    checkout.mkdir()
    project.mkdir()
    run(["tar", "-xf", str(built[".gz"]), "--strip-components=1"], checkout)
    (tmp_path / "constraints.txt").write_text("\n".join(locked_versions().values()))
    kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "LANG", "TMPDIR"))}
    pip = [sys.executable, "-m", "pip"]
    base = Path(getattr(sys, "_base_executable", sys.executable)).parent
    terminal = Terminal(
        project,
        kept
        | {
            "HOME": str(tmp_path),
            "PIP_QUIET": "1",
            "PULUMI_HOME": str(tmp_path / "pulumi-home"),
            "PATH": f"{pulumi_cli}:{base}:/usr/local/bin:/usr/bin:/bin",
            "PIP_CACHE_DIR": run([*pip, "cache", "dir"], tmp_path).strip(),
            "PIP_NO_COMPILE": "1",
            "PIP_CONSTRAINT": str(tmp_path / "constraints.txt"),
            "PULUMI_BACKEND_URL": tmp_path.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "of the test",
            "PULUMI_SKIP_UPDATE_CHECK": "true",
        },
    )
    yield terminal
    terminal.close()


@pytest.mark.timeout(SECONDS)
def test_the_readme_can_be_followed(terminal: Terminal, tmp_path: Path) -> None:
    own, sandbox = commands(section("Your own project")), commands(section("Without an account: the sandbox"))
    prepare, [preview, buy] = own[:-2], own[-2:]
    [install_sandbox, start_sandbox] = sandbox
    for file, text in {"__main__.py": code("python"), "Pulumi.yaml": code("yaml")}.items():
        (tmp_path / "project" / file).write_text(text)

    # It keeps the state at home, and Pulumi takes that from the list of users, whatever HOME says.
    prepare.remove("pulumi login --local")
    for line in prepare:
        line = line.replace("/path/to/checkout", "../checkout")
        terminal.type(line, answer="its secret" if "--secret" in line else "")
    terminal.type("pip check")
    for verb in ("sandbox", "doctor"):
        said = terminal.type(f"! yspartner {verb}")
        assert f"pip install 'pulumi_yspartner[{verb}]'" in said

    terminal.type(install_sandbox)
    greeting = terminal.start(start_sandbox, until="concurrent calls")
    for line in re.findall(r"^export .+$", greeting, re.MULTILINE):
        terminal.type(line)

    shown = terminal.type(preview)
    for line in README.partition("Diagnostics:\n")[2].partition("Outputs:")[0].splitlines():
        assert line in shown, shown
    assert terminal.type(buy).count("\x1b") == 0
    assert json.loads(terminal.type("pulumi stack output hq")) == {"concurrent_calls": 60, "extensions": 250}
    assert "Traceback" not in terminal.said
