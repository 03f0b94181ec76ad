"""Tests of the README and of the documentation's pages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


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
