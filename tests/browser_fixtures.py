"""A real browser for tests, in any folder: ask for `new_page`. It reaches files and loopback, and nothing else.

Never skipped: without a browser these tests fail and say how to get one. `make test` names the browser in
YSPARTNER_BROWSER; where the variable is missing, tools/browser/ensure.py is asked.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Request

TOOL = Path(__file__).parents[1] / "tools" / "browser" / "ensure.py"

# By name or by address: what is not this machine is not found.
NOWHERE = "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1, EXCLUDE [::1]"


def ensure_tool() -> ModuleType:
    """tools/browser/ensure.py, as a module."""
    spec = importlib.util.spec_from_file_location("browser_ensure", TOOL)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def browser_path() -> str:
    """The path of a Chromium or Chrome."""
    if named := os.environ.get("YSPARTNER_BROWSER"):
        return named
    found = subprocess.run([sys.executable, TOOL], capture_output=True, text=True, timeout=3600, check=False)
    if found.returncode != 0:
        pytest.fail(f"These tests need a browser.\n{found.stderr}", pytrace=False)
    return found.stdout.strip()


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    """A headless browser. It ends with the module: while it runs, Playwright's event loop is in the way of others."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path, headless=True, args=[*ensure_tool().flags(), NOWHERE]
        )
        yield browser
        browser.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Makes a page in a context of its own; the arguments are those of `Browser.new_context`.

    The test fails if one of its pages asked for anything that is neither a file nor on loopback.
    """
    asked_for: list[str] = []

    def note(request: Request) -> None:
        if is_stranger(request.url):
            asked_for.append(request.url)

    contexts = []

    def make(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(20_000)
        context.on("request", note)
        contexts.append(context)
        return context.new_page()

    yield make
    for context in contexts:
        context.close()
    assert asked_for == [], "pages asked for what is not on this machine"


def is_stranger(url: str) -> bool:
    """Whether an address leads off this machine."""
    parts = urlsplit(url)
    if parts.scheme in ("file", "data", "blob", "about"):
        return False
    return parts.hostname not in ("localhost", "127.0.0.1", "::1")
