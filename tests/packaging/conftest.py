from __future__ import annotations

from pathlib import Path

import pytest
from distribution import build, copy_sources
from engine_fixtures import pulumi_cli

__all__ = ["pulumi_cli"]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The source distribution and the wheel, by their endings."""
    folder = tmp_path_factory.mktemp("built")
    return build(copy_sources(folder / "sources"), folder / "dist")
