"""`make demo` holds what it says, can fail, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "tools" / "demo.py"
SECONDS = 200
"""The demo takes 20 when it has the machine for itself."""

SAYS_NOTHING = "#!/bin/sh\n"
SAYS_WHAT_IS_EXPECTED = """\
#!/bin/sh
echo "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60); up will refuse: purchases are off"
echo "Nothing was bought"
echo "ordered: OQ1"
[ "$2 $YSPARTNER_PURCHASES" != "--yes " ]
"""


class Run:
    """One run of the demo. All that it starts carries a mark, and all that it writes goes into one folder."""

    def __init__(self, folder: Path, *path: Path, **env: str) -> None:
        self.mark = uuid.uuid4().hex
        self.temporary = folder / "tmp"
        self.temporary.mkdir()
        places = [*map(str, path), str(Path(sys.executable).parent), os.environ["PATH"]]
        own = {"PATH": os.pathsep.join(places), "TMPDIR": str(self.temporary), "DEMO_MARK": self.mark}
        self.process = subprocess.Popen(
            [sys.executable, DEMO],
            env={**os.environ, **own, **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""

    def read_to(self, text: str) -> None:
        """Read what it prints up to a line with this text."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output += line
            if text in line:
                return
        pytest.fail(f"{text!r} was never printed:\n{self.output}")

    def finish(self) -> int:
        """Wait for the end; returns the exit code."""
        rest, _ = self.process.communicate(timeout=SECONDS)
        self.output += rest
        return self.process.returncode

    def left(self) -> list[str]:
        """Processes and files that are still there."""
        found = [str(path) for path in self.temporary.iterdir()]
        for process in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if self.mark.encode() in (process / "environ").read_bytes():
                    found.append((process / "cmdline").read_text().replace("\0", " "))
        return found


@contextmanager
def demo(folder: Path, *path: Path, **env: str) -> Iterator[Run]:
    run = Run(folder, *path, **env)
    try:
        yield run
    finally:
        if run.process.poll() is None:
            run.process.terminate()
            run.process.communicate(timeout=60)


def fake_pulumi(folder: Path, script: str) -> Path:
    folder.mkdir()
    (folder / "pulumi").write_text(script)
    (folder / "pulumi").chmod(0o755)
    return folder


@pytest.mark.deep
@pytest.mark.timeout(SECONDS + 60)
def test_it_holds_whatever_the_users_own_settings_are(pulumi_cli: Path, tmp_path: Path) -> None:
    own = {
        "YSPARTNER_PURCHASES": "allow",
        "YSPARTNER_BASE_URL": "https://portal.invalid",
        "YSPARTNER_LIMITS": "{}",
        "PULUMI_BACKEND_URL": "file:///nowhere",
        "PULUMI_STACK": "production",
    }
    with demo(tmp_path, pulumi_cli, COLUMNS="100", **own) as run:
        code = run.finish()

    assert code == 0, run.output
    assert "checks held. One purchase was made." in run.output
    assert "\x1b" not in run.output
    assert "Traceback" not in run.output
    assert run.left() == []


@pytest.mark.deep
@pytest.mark.timeout(SECONDS + 60)
@pytest.mark.parametrize(
    ("number", "printed", "seconds"),
    [
        (signal.SIGINT, "$ pulumi preview", 0),
        (signal.SIGINT, "$ pulumi preview", 1.5),
        (signal.SIGTERM, "$ yspartner sandbox", 0),
    ],
)
def test_it_can_be_stopped_at_any_time(
    pulumi_cli: Path, tmp_path: Path, number: signal.Signals, printed: str, seconds: float
) -> None:
    with demo(tmp_path, pulumi_cli) as run:
        run.read_to(printed)
        time.sleep(seconds)
        run.process.send_signal(number)
        code = run.finish()

    assert code == 128 + number, run.output
    assert "Traceback" not in run.output
    assert run.left() == []


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (SAYS_NOTHING, "expected that it says `buy 200 extensions"),
        (SAYS_WHAT_IS_EXPECTED, "expected that purchases that reached the portal so far: 1 (there were 0)"),
    ],
    ids=["says nothing", "says what is expected"],
)
def test_it_fails_where_something_is_not_as_it_says(tmp_path: Path, script: str, said: str) -> None:
    with demo(tmp_path, fake_pulumi(tmp_path / "fake", script)) as run:
        code = run.finish()

    assert code == 1, run.output
    assert f"The demo failed: {said}" in run.output
    assert "Traceback" not in run.output
    assert run.left() == []
