"""Runs the blocks of a page one after the other, as a reader would: in one folder, on the real engine and a sandbox.

What a reader pastes from the sandbox (its `export` lines) is pasted; what a command sets or exports holds for the
blocks that follow.
"""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from doc_pages import Block, Step

SECONDS = 100
"""For one command; it usually takes 2."""

IMPORTS = "import pulumi\nfrom pulumi_yspartner import PbxCapacity\n"
STYLES = re.compile(r"\x1b\[[0-9;]*m|\x1b\][^\x1b]*\x1b\\")
MOVES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
DRAWING = str.maketrans("├└│─", "    ")


@dataclass
class Story:
    """A reader's folder and shell, on one page."""

    folder: Path
    cli: Path
    not_run: Sequence[str]
    """Lines that are left out, by how they begin."""
    open: ExitStack
    env: dict[str, str] = field(default_factory=dict)
    sandboxes: int = 0

    def __post_init__(self) -> None:
        """A shell in an empty folder. Nothing of the developer's own Pulumi, Python or settings gets in."""
        home = self.folder.parent / "home"
        home.mkdir()
        kept = {name: value for name, value in os.environ.items() if name in ("LANG", "TMPDIR", "USER")}
        places = [str(self.cli), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.env = {
            **kept,
            "HOME": str(home),
            "PWD": str(self.folder),
            "PATH": os.pathsep.join(places),
            "PULUMI_HOME": str(home / ".pulumi"),
            "PULUMI_BACKEND_URL": home.as_uri(),
            "PULUMI_CONFIG_PASSPHRASE": "",
            "TERM": "xterm-256color",
            "PULUMI_SKIP_CONFIRMATIONS": "true",  # a reader says yes
            "PULUMI_SKIP_UPDATE_CHECK": "true",
            "PULUMI_PYTHON_CMD": sys.executable,
        }

    def tell(self, each: Block | Step) -> None:
        """Do what a block or a comment says."""
        if isinstance(each, Step):
            self._take(each)
        elif "file" in each.notes:
            file = self._here / each.notes["file"]
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(each.text)
        elif each.language == "sh":
            self._run(each.text, str(each), each.notes)
        elif each.language == "console":
            self._follow(each)
        elif each.language == "python":
            self._preview(each)
        elif each.language in ("yaml", "json"):
            assert yaml.safe_load(each.text) is not None, f"{each} holds nothing"

    def _take(self, step: Step) -> None:
        match step.kind:
            case "sandbox":
                self._start_sandbox(f"yspartner sandbox {step.text}")
            case "stack":
                self._make_stack(self._here, step.text)
            case "first":
                self._run(step.text, f"<!-- first: {step.text} -->")

    def _make_stack(self, folder: Path, name: str) -> None:
        folder.mkdir(exist_ok=True)
        if not (folder / "Pulumi.yaml").exists():
            (folder / "Pulumi.yaml").write_text("name: pbxs\nruntime: python\n")
        self._run(f"cd {shlex.quote(str(folder))} && pulumi stack init {name}", f"the stack {name}")

    # --- commands ---

    def _run(
        self, script: str, where: str, notes: Mapping[str, str] | None = None, *, on_terminal: bool = False
    ) -> str:
        """Run lines of a shell; returns what they print. A sandbox among them goes on running."""
        notes, output = notes or {}, ""
        for part in self._parts(script):
            if part.startswith("yspartner sandbox"):
                self._start_sandbox(part)
                continue
            call = self._on_terminal if on_terminal else self._bash
            code, said = call(part, notes.get("stdin"))
            output += said
            assert code == int(notes.get("exit", "0")), f"{where}\n{part}\nended with {code}:\n{output}"
            assert "Traceback" not in output, f"{where}\n{output}"
        return output

    def _parts(self, script: str) -> list[str]:
        """The lines of a script that are run, with each start of a sandbox by itself."""
        parts = [""]
        for line in script.replace("\\\n", " ").splitlines():
            if any(line.startswith(start) for start in self.not_run):
                continue
            if line.startswith("yspartner sandbox") and "--help" not in line:
                parts += [line, ""]
            else:
                parts[-1] += f"{line}\n"
        return [part for part in parts if part.strip()]

    def _bash(self, script: str, stdin: str | None) -> tuple[int, str]:
        """Run lines of a shell, and keep what they set for those that follow; exit code and output."""
        streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with self._shell(script, **streams) as process, self._ended(process):
            output, _ = process.communicate(f"{stdin}\n" if stdin is not None else "", timeout=SECONDS)
        return process.returncode, output

    def _on_terminal(self, script: str, stdin: str | None) -> tuple[int, str]:
        """The same on a terminal, where Pulumi draws its table. Colours are left out, and what is drawn over is not."""
        assert stdin is None
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 100, 400, 0, 0))
        output = b""
        with self._shell(script, stdin=theirs, stdout=theirs) as process:
            os.close(theirs)
            with self._ended(process), suppress(OSError):  # reading a terminal that nobody holds any more
                while part := os.read(ours, 65536):
                    output += part
        os.close(ours)
        return process.returncode, MOVES.sub("\n", STYLES.sub("", output.decode(errors="replace")))

    def _shell(self, script: str, **streams: int) -> subprocess.Popen[str]:
        wrapped = f"trap 'env -0 > {self._environment}' EXIT\n{script}"
        return subprocess.Popen(
            ["bash", "-eo", "pipefail", "-c", wrapped],
            cwd=self._here,
            env=self.env,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            **streams,
        )

    @contextmanager
    def _ended(self, process: subprocess.Popen[str]) -> Iterator[None]:
        """The block may not leave the process running; afterwards, what it set and exported is known."""
        try:
            yield
            process.wait(SECONDS)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
        pairs = (each.partition("=") for each in self._environment.read_text().split("\0") if each)
        self.env = {name: value for name, _, value in pairs if name not in ("_", "SHLVL", "OLDPWD")}

    @property
    def _environment(self) -> Path:
        return self.folder.parent / "environment"

    @property
    def _here(self) -> Path:
        return Path(self.env["PWD"])

    def _start_sandbox(self, command: str) -> None:
        """Start a sandbox, and paste the lines that it prints for that."""
        self.sandboxes += 1
        log = self.folder.parent / f"sandbox-{self.sandboxes}.log"
        process = subprocess.Popen(
            shlex.split(command, comments=True),
            cwd=self._here,
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=self.open.enter_context(log.open("w")),
            stderr=subprocess.STDOUT,
        )
        self.open.callback(_end, process)
        patience = time.monotonic() + 30
        while not (exports := re.findall(r"^export (\w+)=(\S+)$", log.read_text(), re.MULTILINE))[2:]:
            assert process.poll() is None, f"{command}\n{log.read_text()}"
            assert time.monotonic() < patience, f"{command}\n{log.read_text()}"
            time.sleep(0.02)
        self.env.update((name, shlex.split(value)[0]) for name, value in exports)

    def _follow(self, block: Block) -> None:
        """Run each command of a session that is shown, on a terminal, and look for each line of its output."""
        for command, shown in session(block.text):
            said = self._run(command, str(block), block.notes, on_terminal=True)
            printed = lines(said)
            for line in lines(shown):
                pattern = re.escape(line).replace(re.escape("..."), ".*")  # what differs from run to run
                assert any(re.fullmatch(pattern, each) for each in printed), (
                    f"{block}\n$ {command}\ndoes not print\n{line}\nbut\n{said}"
                )

    # --- programs ---

    def _preview(self, block: Block) -> None:
        """Preview a program, or a part of one, in a project beside the reader's."""
        project = self.folder.parent / "program"
        text = block.text if "import" in block.text else IMPORTS + block.text
        if not self.sandboxes:
            self._start_sandbox("yspartner sandbox")
        before = self.env
        try:
            self.env = {**before, "PWD": str(project)}
            if not project.exists():
                self._make_stack(project, "program")
            (project / "__main__.py").write_text(text)
            self._run("pulumi preview", str(block), block.notes)
        finally:
            self.env = before


def session(text: str) -> list[tuple[str, str]]:
    """The commands of a session that is shown, each with what is shown of its output."""
    found: list[tuple[str, str]] = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append((line.removeprefix("$ "), ""))
        elif found and found[-1][0].endswith("\\"):
            found[-1] = (f"{found[-1][0]}\n{line}", "")
        else:
            command, shown = found[-1]
            found[-1] = (command, f"{shown}{line}\n")
    return found


def lines(output: str) -> list[str]:
    """The lines of an output as they are compared: without a table's spaces and trees, which depend on its width."""
    plain = (" ".join(line.translate(DRAWING).split()) for line in output.splitlines())
    return [line for line in plain if line not in ("", "...")]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    with suppress(subprocess.TimeoutExpired):
        process.wait(10)
    process.kill()
    process.wait()
