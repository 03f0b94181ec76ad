"""Kills on the real Pulumi engine, on the stacks of `tests/engine`."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from engine_fixtures import portal, pulumi_cli, template
from engine_fixtures import stack as checked_stack
from engine_stack import Stack

__all__ = ["checked_stack", "portal", "pulumi_cli", "stack", "template"]


@pytest.fixture
def stack(checked_stack: Stack) -> Iterator[Stack]:
    """The stack of `tests/engine`, with its checks of everything that was written, but for Pulumi's own binary logs:
    in so much noise a check finds whatever it looks for."""
    yield checked_stack
    shutil.rmtree(checked_stack.folder / ".home" / "logs", ignore_errors=True)
