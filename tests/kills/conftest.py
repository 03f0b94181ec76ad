"""Kills on the real Pulumi engine, on the stacks of `tests/engine`."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ENGINE = Path(__file__).parents[1] / "engine"
sys.path.insert(0, str(ENGINE))

# Its fixtures, under a name of their own: both files are called conftest.
_spec = importlib.util.spec_from_file_location("engine_conftest", ENGINE / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_engine = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_engine)

pulumi_cli = _engine.pulumi_cli
template = _engine.template
portal = _engine.portal
checked_stack = _engine.stack


@pytest.fixture
def stack(checked_stack: Any) -> Iterator[Any]:
    """The stack of `tests/engine`, with its checks of everything that was written, but for Pulumi's own binary logs:
    in so much noise a check finds whatever it looks for."""
    yield checked_stack
    shutil.rmtree(checked_stack.folder / ".home" / "logs", ignore_errors=True)
