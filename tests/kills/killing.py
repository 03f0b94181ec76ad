"""A `pulumi up` under way: held at a step of its order, looked into, killed, and tidied up after."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from engine_stack import STACK, Result, Stack, clean_environment, succeeded

from pulumi_yspartner.sandbox import Fault

PATIENCE = 60
"""Seconds for anything to happen; it usually takes 2."""
MARK = "KILL_TEST_RUN"

LOCKED = "the stack is currently locked"


def tell(figure: str) -> None:
    """A figure for the reader of the test's output."""
    sys.stdout.write(f"{figure}\n")


def wait_until(happened: Callable[[], object], what: str, seconds: float = PATIENCE) -> None:
    """Wait for something that happens outside of this process."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, f"within {seconds} s: not {what}"
        time.sleep(0.02)


@dataclass
class Run:
    """One `pulumi` command under way. Its processes are told by a variable in their environment, so that those which
    outlive the engine are found too."""

    stack: Stack
    command: str
    mark: str
    engine: subprocess.Popen[bytes]
    log: Path

    # --- its processes ---

    def processes(self) -> dict[int, str]:
        """All that live, with their command lines."""
        mark = f"{MARK}={self.mark}".encode()
        found: dict[int, str] = {}
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with suppress(OSError):
                    if mark in (folder / "environ").read_bytes().split(b"\0"):
                        words = (folder / "cmdline").read_bytes().replace(b"\0", b" ")
                        found[int(folder.name)] = words.decode(errors="replace").strip()
        return found

    @property
    def providers(self) -> list[int]:
        """The processes that place orders."""
        return [pid for pid, words in self.processes().items() if " -m pulumi.dynamic" in words]

    def kill_provider(self) -> None:
        [provider] = self.providers
        os.kill(provider, signal.SIGKILL)

    def kill_engine(self) -> None:
        self.engine.kill()
        self.engine.wait(PATIENCE)

    def kill_both(self) -> None:
        [provider] = self.providers
        self.kill_engine()
        os.kill(provider, signal.SIGKILL)

    def interrupt(self) -> None:
        """Ctrl-C, as a CI runner sends it: to the engine, which lets the step that runs come to its end."""
        self.engine.send_signal(signal.SIGINT)
        wait_until(lambda: "C received; cancelling" in self.output, "cancelling")

    def interrupt_twice(self) -> None:
        """The engine ends by itself, and its provider with it, at the latest 5 s later by SIGKILL."""
        self.interrupt()
        self.engine.send_signal(signal.SIGINT)
        self.engine.wait(PATIENCE)
        wait_until(lambda: not self.processes(), "the end of all processes")

    def interrupt_provider(self) -> None:
        """What the engine does to its providers when it ends. The main thread goes, calls go on in others."""
        [provider] = self.providers
        os.kill(provider, signal.SIGINT)
        wait_until(lambda: self.engine.poll() is not None, "the engine told")

    # --- its end ---

    def idle(self) -> None:
        """Wait until no process of it waits for the portal or is about to ask it something."""
        portal, still, last = self.stack.portal, 0, -1
        end = time.monotonic() + PATIENCE
        while still < 10:
            assert time.monotonic() < end, "the portal is never at rest"
            now = portal.requests.total()
            still = still + 1 if now == last and portal.in_flight == 0 else 0
            last = now
            time.sleep(0.1)

    def ended(self) -> Result:
        """Wait for the end of the command."""
        try:
            code = self.engine.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.command} didn't end:\n{self.output}") from None
        result = Result(self.command, code, self.output)
        self.stack.results.append(result)
        return result

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def tidy_up(self) -> None:
        """End whatever outlived the engine, and see that nothing is left."""
        for _ in range(100):
            left = self.processes()
            if not left and self.engine.poll() is not None:
                return
            for pid in left:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.engine.poll()
            time.sleep(0.05)
        raise AssertionError(f"processes are left: {self.processes()}")


@contextmanager
def started(stack: Stack, *arguments: str) -> Iterator[Run]:
    """A `pulumi up` that runs while the block does something to it. Nothing of it is left afterwards."""
    words = ["pulumi", "up", "--yes", "--skip-preview", *arguments]
    mark = uuid.uuid4().hex
    log = stack.folder / f"up-{mark}.log"
    with log.open("wb") as output:
        engine = subprocess.Popen(
            [stack.cli / "pulumi", *words[1:], "--non-interactive", "--color=never", "--stack", STACK],
            cwd=stack.folder,
            env={**clean_environment(stack.cli, stack.folder), **stack.env, MARK: mark},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    run = Run(stack, " ".join(words), mark, engine, log)
    try:
        yield run
    finally:
        stack.portal.faults.clear()
        run.tidy_up()


def reached(run: Run, fault: Fault) -> None:
    """Wait until a request of this run is held."""
    wait_until(
        lambda: fault.reached.is_set() or run.engine.poll() is not None,
        f"held at {fault}",
    )
    assert fault.reached.is_set(), f"it ended before it was held at {fault}:\n{run.output}"


@contextmanager
def held(stack: Stack, fault: Fault, *arguments: str) -> Iterator[Run]:
    """A `pulumi up` that is held at a request."""
    stack.portal.faults.add(fault)
    with started(stack, *arguments) as run:
        reached(run, fault)
        yield run


def is_locked(stack: Stack) -> bool:
    return any((stack.folder / ".pulumi" / "locks").rglob("*.json"))


def unlock(stack: Stack) -> None:
    """What a person does after a killed engine."""
    if is_locked(stack):
        succeeded(stack.run("cancel", "--yes"))
    assert not is_locked(stack)
