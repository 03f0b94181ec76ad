"""The fixtures of tests on the real Pulumi engine, for the folders that name them.

Such tests are never skipped: without a CLI they fail and say how to get one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_stack import HQ, ROOT, Stack, WatchedPortal, template_stack

from pulumi_yspartner.sandbox import SandboxServer

WHOLE_NUMBER_AS_FLOAT = re.compile(r"(?<![\w.])\d+\.0(?![\w.])")


@pytest.fixture(scope="session")
def pulumi_cli() -> Path:
    """The directory of a Pulumi CLI."""
    found = subprocess.run(
        [sys.executable, ROOT / "tools" / "pulumi" / "ensure.py"],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    if found.returncode != 0:
        pytest.fail(f"These tests need a Pulumi CLI.\n{found.stderr}", pytrace=False)
    return Path(found.stdout.strip())


@pytest.fixture(scope="session")
def template(pulumi_cli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty stack to copy."""
    return template_stack(tmp_path_factory.mktemp("template"), pulumi_cli)


@pytest.fixture
def portal() -> WatchedPortal:
    """A portal with one PBX: 50 extensions, 12 concurrent calls."""
    portal = WatchedPortal()
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def stack(pulumi_cli: Path, template: Path, portal: WatchedPortal, tmp_path: Path) -> Iterator[Stack]:
    """An empty stack with purchases allowed.

    Afterwards, whatever the test was about: nothing secret was written anywhere, and no count as a float.
    """
    with SandboxServer(portal) as server:
        stack = Stack.create(tmp_path / "stack", pulumi_cli, template, portal, server.url)
        yield stack
    for where, text in stack.everything_written():
        for secret in (portal.client_secret, *portal.tokens):
            assert secret not in text, f"a secret is in {where}"
        assert "Traceback" not in text, f"a traceback is in {where}:\n{text}"
        assert not (found := WHOLE_NUMBER_AS_FLOAT.search(text)), f"{found} is in {where}:\n{text}"
