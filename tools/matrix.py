"""Runs the engine and protocol tests on each supported Python that is here, with the lowest and the newest Pulumi SDK.

    make test-matrix

The package is tested as users get it: a wheel, installed into an environment of its own with the locked packages. Only
the SDK and what comes with it differ: the lowest allowed, or the newest that the package index has. The Pulumi CLI is
that of PATH. Pythons are looked for on PATH and among those of pyenv; the one that runs this is always among them.
Exits with 1 if a test fails, or an environment can't be made. `python3.12-lowest` and the like run only that one.
"""

import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
CACHE = ROOT / ".cache" / "matrix"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
TESTS = ("tests/protocol", "tests/engine", "-m", "not deep", "--ignore", "tests/engine/test_paying_by_hand.py")
TEST_PACKAGES = ("pytest", "pytest-timeout", "pytest-xdist")
FREE = ("pulumi", "protobuf", "grpcio", "packaging", "pip")
"""What is not held at its locked version, because each SDK has its own bounds for it."""


@dataclass(frozen=True)
class Cell:
    """One environment of the matrix."""

    python: Path
    version: str
    sdk: str
    requirement: str

    @property
    def name(self) -> str:
        return f"python{self.version}-{self.sdk}"


def cells() -> Iterator[Cell]:
    """Every supported Python that is here, with both SDKs."""
    lowest = next(m[1] for line in PROJECT["dependencies"] if (m := re.match(r"pulumi>=([\d.]+)", line)))
    for version in supported():
        python = find_python(version)
        if python is None:
            print(f"python{version}: not found here, not tested", flush=True)
            continue
        yield Cell(python, version, "lowest", f"pulumi=={lowest}.*" if lowest.count(".") == 1 else f"pulumi=={lowest}")
        yield Cell(python, version, "newest", "pulumi<4")


def supported() -> list[str]:
    """The versions of Python that the package says it supports."""
    prefix = "Programming Language :: Python :: "
    return [each.removeprefix(prefix) for each in PROJECT["classifiers"] if re.match(f"{prefix}3\\.\\d+$", each)]


def find_python(version: str) -> Path | None:
    """A Python of this version that can make environments."""
    if sys.version_info[:2] == tuple(map(int, version.split("."))):
        return Path(sys.executable)
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"{version}.*/bin/python"))]
    probe = f"import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '{version}')"
    for candidate in candidates:
        if candidate and subprocess.run([candidate, "-c", probe], capture_output=True, check=False).returncode == 0:
            return Path(candidate)
    return None


def constraints() -> Path:
    """The locked versions, without hashes, and without what the SDK decides."""
    locked = re.findall(r"^(([a-z0-9._-]+)==[^\s\\]+(?: ;[^\\\n]+)?)", (ROOT / "requirements.lock").read_text(), re.M)
    file = CACHE / "constraints.txt"
    file.write_text("".join(f"{line.strip()}\n" for line, name in locked if name not in FREE))
    return file


def call(command: Sequence[str | Path], log: Path, **env: str) -> bool:
    """Run a command, with all that it says in a file."""
    with log.open("a") as file:
        print("$", *command, file=file, flush=True)
        done = subprocess.run(command, cwd=ROOT, stdout=file, stderr=file, check=False, env={**os.environ, **env})
    return done.returncode == 0


def test(cell: Cell, wheel: Path, jobs: str) -> tuple[bool, str]:
    """Make the environment and run the tests in it. Returns whether they passed, and a line for people."""
    folder, log = CACHE / cell.name, CACHE / f"{cell.name}.log"
    log.unlink(missing_ok=True)
    begun = time.monotonic()
    shutil.rmtree(folder, ignore_errors=True)
    pip = [folder / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    made = (
        # Made by the base Python: an environment made by another environment's Python would depend on that one.
        call([base(cell.python), "-m", "venv", folder], log)
        and call(
            [*pip, "install", "-q", "-c", constraints(), cell.requirement, f"{wheel}[sandbox]", *TEST_PACKAGES], log
        )
        and call([*pip, "check"], log)
    )
    if not made:
        return False, f"the environment could not be made, see {log}"
    bin_first = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    passed = call([folder / "bin" / "pytest", "-q", "-n", jobs, *TESTS], log, PATH=bin_first)
    freeze = subprocess.run([*pip, "freeze"], capture_output=True, text=True, check=True).stdout
    sdk = " ".join(re.findall(r"^(?:pulumi|protobuf|grpcio)==\S+$", freeze, re.M))
    summary = log.read_text().strip().splitlines()[-1]
    shown = summary if passed else f"{summary}, see {log}"
    return passed, f"{sdk}: {shown} (whole: {time.monotonic() - begun:.0f} s)"


def base(python: Path) -> str:
    """The Python that an environment was made of."""
    code = "import sys; print(getattr(sys, '_base_executable', sys.executable))"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


def main(names: Sequence[str]) -> int:
    """Test the cells with these names, all where none is named."""
    shutil.rmtree(CACHE / "dist", ignore_errors=True)
    CACHE.mkdir(parents=True, exist_ok=True)
    build = [sys.executable, "-m", "build", "-q", "--wheel", "--no-isolation", "--outdir", CACHE / "dist"]
    subprocess.run([str(each) for each in build], cwd=ROOT, check=True)
    [wheel] = (CACHE / "dist").glob("*.whl")
    jobs = os.environ.get("JOBS") or str(2 * (os.cpu_count() or 1))
    failed = 0
    for cell in cells():
        if names and cell.name not in names:
            continue
        passed, line = test(cell, wheel, jobs)
        failed += not passed
        print(f"{cell.name}: {'passed' if passed else 'FAILED'}: {line}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
