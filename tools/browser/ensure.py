"""Finds a Chromium or Chrome that tests can drive, or installs one, and prints its path.

    YSPARTNER_BROWSER="$(.venv/bin/python tools/browser/ensure.py)"

YSPARTNER_BROWSER names one that has to be taken. Otherwise tried in this order: what PATH and the usual places have,
what Playwright installed earlier, installing with Playwright, and installing with apt-get (as root on Debian).
A browser counts only if it shows a page here.

The only line on stdout is the path; what is tried, and how it went, is told on stderr.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
USUAL_PLACES = (
    "/opt/google/chrome/chrome",
    "/snap/bin/chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
SHOW_SECONDS, INSTALL_SECONDS = 60, 15 * 60

# Nothing but what is asked for leaves the machine.
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)


class Unavailable(Exception):
    """This way leads to no browser; the text says why."""


def log(message: str) -> None:
    print(f"browser: {message}", file=sys.stderr, flush=True)


def run(command: Sequence[str | Path], timeout: float) -> str:
    """The command's stdout."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
        )
    except OSError as error:
        raise Unavailable(f"{command[0]} did not start: {error}") from error
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} was not done after {timeout:.0f} s") from error
    if done.returncode:
        told = "".join(f"\n    {line}" for line in (done.stdout + done.stderr).splitlines()[-15:])
        raise Unavailable(f"{command[0]} ended with code {done.returncode}{told}")
    return done.stdout


def is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0


def flags() -> tuple[str, ...]:
    """What every start of the browser needs here. Chromium's sandbox does not work for root."""
    return (*QUIET, "--no-sandbox") if is_root() else QUIET


def check(browser: Path) -> Path:
    """The browser, if it shows a page. A name on PATH may be a mere stub, and libraries may be missing."""
    with tempfile.TemporaryDirectory(prefix="browser-", ignore_cleanup_errors=True) as profile:
        page = run(
            [
                browser,
                "--headless",
                *flags(),
                f"--user-data-dir={profile}",
                "--dump-dom",
                "data:text/html,<p>ready</p>",
            ],
            timeout=SHOW_SECONDS,
        )
    if "<p>ready</p>" not in page:
        raise Unavailable(f"{browser} shows no page")
    return browser


# --- The ways ---


def on_this_machine() -> Path:
    problems = []
    for candidate in candidates():
        try:
            return check(candidate)
        except Unavailable as error:
            problems.append(str(error))
    raise Unavailable("; ".join(problems) or "none there")


def candidates() -> Iterator[Path]:
    for name in NAMES:
        if found := shutil.which(name):
            yield Path(found).absolute()
    for place in map(Path, USUAL_PLACES):
        if os.access(place, os.X_OK):
            yield place


def playwrights_place() -> Path:
    """Where Playwright keeps its own browser, there or not."""
    ask = "from playwright.sync_api import sync_playwright as s\nwith s() as p: print(p.chromium.executable_path)"
    return Path(run([sys.executable, "-c", ask], timeout=SHOW_SECONDS).strip())


def of_playwright() -> Path:
    place = playwrights_place()
    if not place.exists():
        raise Unavailable(f"none in {place}")
    return check(place)


def by_playwright() -> Path:
    run([sys.executable, "-m", "playwright", "install", "--no-shell", "chromium"], timeout=INSTALL_SECONDS)
    return of_playwright()


def by_apt() -> Path:
    if not shutil.which("apt-get"):
        raise Unavailable("no apt-get here")
    if not is_root():
        raise Unavailable("needs root")
    waiting = ["-o", "DPkg::Lock::Timeout=300"]  # for another run of apt-get
    run(["apt-get", *waiting, "update"], timeout=INSTALL_SECONDS)
    run(["apt-get", *waiting, "install", "--yes", "--no-install-recommends", "chromium"], timeout=INSTALL_SECONDS)
    return on_this_machine()


WAYS: tuple[tuple[str, Callable[[], Path]], ...] = (
    ("this machine", on_this_machine),
    ("Playwright's own", of_playwright),
    ("installing with Playwright", by_playwright),
    ("installing with apt-get", by_apt),
)


def ensure() -> Path:
    if named := os.environ.get("YSPARTNER_BROWSER"):
        try:
            return check(Path(named).absolute())
        except Unavailable as error:
            raise Unavailable(f"YSPARTNER_BROWSER is {named}, which is of no use: {error}") from error
    outcomes: dict[str, str] = {}
    for name, way in WAYS:
        log(f"trying {name}")
        try:
            found = way()
        except Unavailable as error:
            outcomes[name] = str(error)
            log(f"{name}: {error}")
        else:
            log(f"{found} shows pages")
            return found
    lines = [
        "no usable Chromium. Tried:",
        *(f"  - {name}: {outcome}" for name, outcome in outcomes.items()),
        "Any one of these helps:",
        "  - Chromium or Chrome on PATH, or its path in YSPARTNER_BROWSER",
        "  - a way to Playwright's downloads from here, and the libraries that Chromium needs",
        "  - running this as root on Debian",
    ]
    raise Unavailable("\n".join(lines))


def main() -> int:
    try:
        print(ensure())
    except Unavailable as error:
        log(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
