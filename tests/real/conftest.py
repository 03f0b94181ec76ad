"""The real account, driven through the stacks of `tests/engine`."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

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
