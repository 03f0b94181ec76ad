"""One command with all its processes: how long it took, and what the two Python processes used."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

_ROLES = {"pulumi.dynamic": "provider", "pulumi-language-python-exec": "program"}
_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_EVERY = 0.2


@dataclass
class Use:
    """The most that a process was seen to have used; the last moments before its end are missing."""

    megabytes: float = 0.0
    cpu_seconds: float = 0.0


@dataclass
class Finished:
    """A command that ended."""

    seconds: float
    code: int
    output: str
    uses: dict[str, Use] = field(default_factory=dict)
    """By role, `program` and `provider`; empty where there is no /proc."""


def run(command: Sequence[str | Path], folder: Path, env: Mapping[str, str]) -> Finished:
    """Run a command in a session of its own, by which its processes are found."""
    started = os.times().elapsed
    with subprocess.Popen(
        command,
        cwd=folder,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        uses: dict[str, Use] = {}
        ended = threading.Event()
        watcher = threading.Thread(target=_watch, args=(process.pid, uses, ended))
        watcher.start()
        try:
            output, _ = process.communicate()
            seconds = os.times().elapsed - started
        finally:
            ended.set()
            watcher.join()
    return Finished(seconds, process.returncode, output, uses)


def cpu_seconds(process_id: int) -> float:
    """What a process has used so far."""
    return _cpu_seconds(_stat(_PROC / str(process_id)))


def _stat(process: Path) -> list[str]:
    """The fields of its `stat` after the name."""
    return (process / "stat").read_text().rpartition(")")[2].split()


def _cpu_seconds(stat: list[str]) -> float:
    return (int(stat[11]) + int(stat[12])) / _TICKS


def _watch(session: int, uses: dict[str, Use], ended: threading.Event) -> None:
    while not ended.wait(_EVERY):
        for process in _PROC.glob("[0-9]*"):
            with suppress(OSError, IndexError, StopIteration):  # it has just ended
                _look_at(process, session, uses)


def _look_at(process: Path, session: int, uses: dict[str, Use]) -> None:
    stat = _stat(process)
    if int(stat[3]) != session:
        return
    interpreter, *arguments = (process / "cmdline").read_text().split("\0")
    role = next((role for part, role in _ROLES.items() if any(part in each for each in arguments)), None)
    if role is None or "python" not in Path(interpreter).name:
        return
    peak = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmHWM"))
    use = uses.setdefault(role, Use())
    use.megabytes = max(use.megabytes, int(peak.split()[1]) / 1024)
    use.cpu_seconds = max(use.cpu_seconds, _cpu_seconds(stat))
