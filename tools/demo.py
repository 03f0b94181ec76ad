"""Shows the main job on a sandbox: review, buy once, raise, refuse, destroy. Run by `make demo`.

Every step is checked, by the exit code and by the purchases that the sandbox counted; one that is not as said ends the
demo with exit code 1. Nothing is left: what was started is ended, and the folder is removed, however the demo ends.

Needs `pulumi` and `yspartner` on PATH.
"""

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import httpx

QUICKSTART = Path(__file__).resolve().parents[1] / "examples" / "quickstart"
PBX = "3651D3296882"
COMMAND_SECONDS = 120.0
GRACE_SECONDS = 10.0

COLOUR = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
WIDTH = min(120, max(80, shutil.get_terminal_size((100, 24)).columns))
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
ROW = re.compile(r"^ {1,2}\S* +(\S+:\S+ \S+) ")

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ALLOWED = {"YSPARTNER_PURCHASES": "allow"}


class NotAsSaid(Exception):
    """Something did not come out as the demo says."""


class Stopped(BaseException):
    """Somebody ended the demo; the argument is the signal."""


# --- What is printed ---


def bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if COLOUR else text


def say(text: str = "") -> None:
    print(text, flush=True)


def heading(number: int, text: str) -> None:
    say()
    for line in textwrap.wrap(f"{number}. {text}", WIDTH, subsequent_indent="   "):
        say(bold(line))


def show(output: str) -> None:
    """A command's output, indented, and wrapped where the terminal is too narrow."""
    for line in final_rows(output.rstrip().splitlines()):
        for part in wrapped(line):
            say(f"  {part}".rstrip())


def final_rows(lines: list[str]) -> list[str]:
    """Without a terminal, Pulumi prints a resource's row again whenever it changes. The last one is kept."""
    kept: list[str] = []
    seen: set[str] = set()
    for line in reversed(lines):
        row = ROW.match(ESCAPES.sub("", line))
        if row is None:
            if line.strip():
                seen.clear()  # another table
        elif row[1] in seen:
            continue
        else:
            seen.add(row[1])
        kept.append(line)
    return kept[::-1]


def wrapped(line: str) -> list[str]:
    """Like `textwrap.wrap`, but colours take no room."""
    indent = " " * (len(line) - len(line.lstrip()))
    parts, room = [""], WIDTH - 2
    for word in re.split(r"(?<=\S)(?= )", line):
        if parts[-1] and len(ESCAPES.sub("", parts[-1] + word)) > room:
            parts.append(f"{indent}    {word.lstrip()}")
        else:
            parts[-1] += word
    return parts


# --- Processes, each with all that it starts ---


def members(session: int) -> list[int]:
    """The processes of a session. Pulumi's plugins have process groups of their own, but stay in the session."""
    found = []
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        with suppress(ValueError, OSError):
            if os.getsid(int(name)) == session:
                found.append(int(name))
    return found


class Stops:
    """Raises `Stopped` for the first signal that asks to end; later ones are ignored, as cleaning up takes seconds."""

    def __init__(self) -> None:
        self.hold = False
        self.got: int | None = None

    def listen(self) -> None:
        for number in SIGNALS:
            signal.signal(number, self._stop)

    def ignore(self) -> None:
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)

    def _stop(self, number: int, _frame: object) -> None:
        self.ignore()
        self.got = number
        if not self.hold:
            raise Stopped(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """A block that is not interrupted: a process that starts or ends is never lost from sight."""
        self.hold = True
        try:
            yield
        finally:
            self.hold = False
        if self.got is not None:
            got, self.got = self.got, None
            raise Stopped(got)


STOPS = Stops()


@contextmanager
def running(
    words: list[str], folder: Path, env: dict[str, str], output: int | IO[str] = subprocess.PIPE
) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with this block, and may leave none behind."""
    process: subprocess.Popen[str] | None = None
    left: list[int] = []
    try:
        with STOPS.held():
            process = subprocess.Popen(
                words,
                cwd=folder,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        yield process
    finally:
        if process is not None:
            with STOPS.held():
                left = end(process)
    if left:
        raise NotAsSaid(f"expected that `{shlex.join(words)}` leaves no process behind")


def end(process: subprocess.Popen[str]) -> list[int]:
    """End a process with its whole session; returns those that outlived the process."""
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=GRACE_SECONDS)
    patience = time.monotonic() + 3
    while (left := members(process.pid)) and time.monotonic() < patience:
        time.sleep(0.05)
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
        process.wait()
    return left


# --- The demo ---


@dataclass
class Demo:
    """A sandbox, a copy of the quick start, and what is expected of them."""

    folder: Path
    env: dict[str, str]
    sandbox: httpx.Client
    output: str = ""
    code: int = 0
    checks: int = 0

    def run(self, command: str, **env: str) -> None:
        """A command: echoed, run, and its output shown."""
        self.echo(command, env)
        words = shlex.split(command)
        if words[0] == "pulumi":
            colour = "always" if COLOUR else "never"
            words += ["--non-interactive", f"--color={colour}"]
            if words[1] in ("preview", "up", "destroy"):
                words.append("--suppress-progress")
        with running(words, self.folder, {**self.env, **env}) as process:
            try:
                self.output, _ = process.communicate(timeout=COMMAND_SECONDS)
            except subprocess.TimeoutExpired:
                raise NotAsSaid(f"`{command}` took longer than {COMMAND_SECONDS:g} s") from None
        self.code = process.returncode
        show(self.output)

    def echo(self, command: str, env: dict[str, str]) -> None:
        settings = "".join(f"{name}={value} " for name, value in env.items())
        say(bold(f"$ {settings}{command}"))

    def expect(self, what: str, holds: bool, *, quietly: bool = False) -> None:
        self.checks += 1
        if not holds:
            raise NotAsSaid(f"expected that {what}")
        if not quietly:
            say(f"  ok: {what}")

    def succeeded(self, *said: str) -> None:
        self.expect(f"it ends with exit code 0 (it was {self.code})", self.code == 0, quietly=True)
        self.expect_said(*said)

    def refused(self, *said: str) -> None:
        self.expect(f"it is refused (exit code {self.code})", self.code not in (0, None))
        self.expect_said(*said)

    def expect_said(self, *said: str) -> None:
        plain = ESCAPES.sub("", self.output)
        for text in said:
            self.expect(f"it says `{text}`", text in plain, quietly=True)

    def purchases(self, number: int) -> list[Any]:
        """The orders that the portal recorded, of which there must be so many."""
        recorded = self.sandbox.get("/_sandbox/purchases").raise_for_status().json()
        what = f"purchases that reached the portal so far: {number}"
        if recorded["purchases"] != number:
            what += f" (there were {recorded['purchases']})"
        self.expect(what, recorded["purchases"] == number)
        return list(recorded["orders"])

    def pbx(self, **counts: int) -> dict[str, int]:
        """What the PBX has, after setting what is given."""
        answer = self.sandbox.post(f"/_sandbox/pbxs/{PBX}", json=counts).raise_for_status().json()
        return {name: int(count) for name, count in answer.items()}


def set_up(cleanup: ExitStack) -> Demo:
    """A folder, a sandbox and an empty stack. What is made is undone by `cleanup`."""
    folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="yspartner-demo-")))
    project, state = folder / "quickstart", folder / "state"
    shutil.copytree(QUICKSTART, project, ignore=shutil.ignore_patterns("__pycache__", "Pulumi.*.yaml"))
    state.mkdir()
    # Nothing of the user's own stacks, accounts or settings gets in.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("PULUMI_", "YSPARTNER_"))}
    env |= {
        "PULUMI_BACKEND_URL": state.as_uri(),
        "PULUMI_HOME": str(folder / "home"),
        "PULUMI_CONFIG_PASSPHRASE": "",
        "PULUMI_SKIP_UPDATE_CHECK": "true",
        "PULUMI_PYTHON_CMD": sys.executable,
        "TMPDIR": str(folder),
    }
    say(bold("$ yspartner sandbox &"))
    log = folder / "sandbox.log"
    with log.open("w") as output:
        words = ["yspartner", "sandbox", "--port", "0"]
        sandbox = cleanup.enter_context(running(words, folder, env, output))
    url = address(sandbox, log)
    env |= {
        "YSPARTNER_BASE_URL": url,
        "YSPARTNER_CLIENT_ID": "sandbox",
        "YSPARTNER_CLIENT_SECRET": "sandbox-secret",
    }
    client = cleanup.enter_context(httpx.Client(base_url=url, trust_env=False, timeout=10))
    return Demo(project, env, client)


def address(sandbox: subprocess.Popen[str], log: Path) -> str:
    """The sandbox's URL, from its greeting."""
    patience = time.monotonic() + 20
    while sandbox.poll() is None and time.monotonic() < patience:
        if found := re.search(r"^.*(http://127\.0\.0\.1:\d+).*\n", log.read_text()):
            show(found[0])
            return found[1]
        time.sleep(0.05)
    raise NotAsSaid(f"expected that the sandbox starts and says its address. It said:\n{log.read_text()}")


def main_job(demo: Demo) -> None:
    """The steps, in a user's order."""
    setting = f"A sandbox stands in for the Partner Portal; its PBX {PBX} has 50 extensions and 12 concurrent calls."
    say(textwrap.fill(setting, WIDTH))
    demo.run("pulumi stack init dev")
    demo.succeeded()
    say()
    say("The program:")
    show((demo.folder / "__main__.py").read_text())

    heading(1, "The preview shows the pending purchase, and buys nothing.")
    demo.run("pulumi preview")
    demo.succeeded(
        "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)", "up will refuse: purchases are off"
    )
    demo.purchases(0)

    heading(2, "Purchases are off unless somebody allows them, so an update is refused.")
    demo.run("pulumi up --yes --skip-preview")
    demo.refused("purchases are off", "Nothing was bought")
    demo.purchases(0)

    heading(3, "The purchase is saved as a plan, for a reviewer to approve.")
    demo.run("pulumi preview --save-plan plan.json")
    demo.succeeded("buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)")
    demo.purchases(0)

    heading(4, "The job that may spend applies the plan: it buys just that, in one order.")
    demo.run("pulumi up --yes --plan plan.json", **ALLOWED)
    demo.succeeded("ordered: OQ")
    [order] = demo.purchases(1)
    demo.expect("the PBX has 250 extensions and 60 concurrent calls", list(demo.pbx().values()) == [250, 60])

    heading(5, "The order as the portal recorded it: the body of the vendor's tutorial, and a reference of ours.")
    show(json.dumps(order["body"], indent=2))
    demo.expect("ids of 19 digits are intact", order["body"]["billingId"] == 3197218168379846218)
    services = [(each["serviceId"], each["quantity"]) for each in order["body"]["serviceList"]]
    wanted = [(3049060579827040256, 200), (3049060612492230656, 48)]
    demo.expect("both quantities are in this one order", services == wanted)

    heading(6, "The same declaration again: nothing to do, nothing bought twice.")
    demo.run("pulumi preview --expect-no-changes", **ALLOWED)
    demo.succeeded()
    demo.purchases(1)

    heading(7, "The declaration is raised, and the difference is reviewed.")
    demo.run("pulumi config set extensions 300")
    demo.succeeded()
    demo.run("pulumi preview --save-plan plan.json", **ALLOWED)
    demo.succeeded("buy 50 extensions (250 -> 300)")
    demo.purchases(1)

    heading(8, "Before the plan is applied, somebody buys 20 extensions in the portal. The plan is out of date.")
    moved = demo.pbx(extensions=270)
    demo.expect("the PBX has 270 extensions now", moved["extensions"] == 270)
    demo.run("pulumi up --yes --plan plan.json", **ALLOWED)
    demo.refused("violates plan", "extensions:{250}", "extensions:{270}")
    demo.purchases(1)
    demo.expect("the PBX still has 270 extensions", demo.pbx() == moved)
    say()
    explained = (
        "The maps are the engine's own words for: the plan was made when the PBX had 250 extensions and buys 50; it "
        "has 270 now, so that 30 would do. A new preview shows those, and is reviewed anew."
    )
    say(textwrap.fill(explained, WIDTH))

    heading(9, "Destroying forgets the PBX. It cancels nothing, and says what keeps being billed.")
    demo.run("pulumi destroy --yes --skip-preview")
    demo.succeeded("stays billed")
    demo.purchases(1)
    demo.expect("the PBX still has 270 extensions", demo.pbx() == moved)


def main() -> int:
    """Run the demo; returns the exit code."""
    started = time.monotonic()
    STOPS.listen()
    missing = [name for name in ("pulumi", "yspartner") if shutil.which(name) is None]
    if missing:
        print(f"The demo needs {' and '.join(missing)} on PATH. `make demo` sees to that.", file=sys.stderr)
        return 1
    try:
        with ExitStack() as cleanup:
            try:
                demo = set_up(cleanup)
                main_job(demo)
            finally:
                STOPS.ignore()
    except (NotAsSaid, httpx.HTTPError) as problem:
        say()
        print(bold(f"The demo failed: {problem}"), file=sys.stderr)
        return 1
    except Stopped as stopped:
        print("\nStopped.", file=sys.stderr)
        return 128 + int(stopped.args[0])
    say()
    say(bold(f"All {demo.checks} checks held. One purchase was made. It took {time.monotonic() - started:.0f} s."))
    return 0


if __name__ == "__main__":
    sys.exit(main())
