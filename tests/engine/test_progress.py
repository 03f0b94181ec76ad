"""The moving line while PBXs are read: there at a terminal, and nowhere else."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from engine_stack import Stack, succeeded

SERIALS = [f"3651D{index:07}" for index in range(9)]
PROGRESS = re.compile(r"read (\d+) of 9 PBXs")


@pytest.fixture
def slow_fleet(stack: Stack) -> Stack:
    """A fleet that takes about five seconds to read."""
    for serial in SERIALS:
        stack.portal.add_pbx(serial, 50, 12)
    stack.portal.behaviour.latency = 0.5
    stack.settings(MAX_CONNECTIONS="1")
    stack.program(f"""
        for serial in {SERIALS!r}:
            PbxCapacity(serial, serial, 50)
    """)
    return stack


AT_A_TERMINAL = r"""
import os, pty, sys

def read(terminal):
    part = os.read(terminal, 65536)
    if b"\x1b[6n" in part:  # where is the cursor?
        os.write(terminal, b"\x1b[1;1R")
    if b"]11;?" in part:  # what is the background?
        os.write(terminal, b"\x1b]11;rgb:0000/0000/0000\x1b\\")
    return part

sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:], read)))
"""


def preview_at_a_terminal(stack: Stack) -> str:
    """All that a terminal got to see."""
    command = [sys.executable, "-c", AT_A_TERMINAL, stack.cli / "pulumi", "preview", "--stack", "dev"]
    environment = {**stack.environment(), "TERM": "xterm-256color"}
    done = subprocess.run(
        command, cwd=stack.folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=100
    )
    assert done.returncode == 0
    return done.stdout.decode(errors="replace")


def test_a_terminal_shows_how_far_reading_is(slow_fleet: Stack) -> None:
    seen = preview_at_a_terminal(slow_fleet)
    counts = [int(count) for count in PROGRESS.findall(seen)]
    assert counts
    assert counts == sorted(counts)
    diagnostics = seen[seen.rindex("Diagnostics:") :]
    assert not PROGRESS.search(diagnostics), "it leaves nothing behind"


@pytest.mark.deep
@pytest.mark.parametrize("arguments", [[], ["--json"], ["--diff"]], ids=lambda words: " ".join(words) or "default")
def test_a_log_shows_no_progress(slow_fleet: Stack, arguments: list[str]) -> None:
    assert not PROGRESS.search(succeeded(slow_fleet.run("preview", *arguments, CI="true")).output)
