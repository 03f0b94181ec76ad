"""The lowest supported Pulumi SDK, as far as it can be had quickly; `make test-matrix` runs the whole of it."""

from __future__ import annotations

import re
import sys
import tomllib
from pathlib import Path

from distribution import ROOT, run

TESTS = ("tests/protocol/test_protocol_check.py", "tests/protocol/test_protocol_process.py")


def test_the_lowest_sdk_speaks_the_protocol(tmp_path: Path) -> None:
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [lowest] = [found[1] for line in needed if (found := re.fullmatch(r"pulumi>=([\d.]+),<4", line))]
    # Only what differs is put in front of the environment: the SDK, and the protobuf that it was made for.
    packages = [f"pulumi=={lowest}.0", "protobuf<6"]
    run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(tmp_path), *packages], ROOT)

    version = "import importlib.metadata as m, pulumi; print(m.version('pulumi'), pulumi.__file__)"
    path = {"PYTHONPATH": str(tmp_path)}
    assert run([sys.executable, "-c", version], ROOT, **path).split() == [
        f"{lowest}.0",
        str(tmp_path / "pulumi" / "__init__.py"),
    ]
    pytest = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-m", "not deep"]
    said = run([*pytest, *TESTS], ROOT, **path, PYTEST_ADDOPTS="")
    assert re.search(r"^\d+ passed in ", said, re.MULTILINE), said
