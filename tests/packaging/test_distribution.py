"""What is built: the same bytes each time, all that belongs into it, and nothing else."""

from __future__ import annotations

import email
import email.message
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from distribution import ROOT, build, copy_sources

PACKAGE = {
    file.relative_to(ROOT).as_posix()
    for file in (ROOT / "pulumi_yspartner").rglob("*")
    if file.is_file() and "__pycache__" not in file.parts
}
INFO = "pulumi_yspartner-0.1.0.dist-info"


def metadata(wheel: Path) -> email.message.Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"{INFO}/METADATA"))


@pytest.mark.parametrize("epoch", [{}, {"SOURCE_DATE_EPOCH": "1800000000"}], ids=["no date", "a date"])
def test_two_builds_are_the_same_bytes(tmp_path: Path, epoch: dict[str, str]) -> None:
    once = build(copy_sources(tmp_path / "once"), tmp_path / "first", **epoch)
    copy = copy_sources(tmp_path / "elsewhere" / "again")
    for file in copy.rglob("*.py"):
        os.utime(file, (1_000_000_000, 1_000_000_000))
        file.chmod(0o600)
    (copy / "pulumi_yspartner" / "__pycache__").mkdir()
    (copy / "pulumi_yspartner" / "__pycache__" / "errors.cpython-311.pyc").write_bytes(b"left behind")
    again = build(copy, tmp_path / "second", **epoch)

    assert set(once) == set(again) == {".whl", ".gz"}
    for ending in once:
        assert once[ending].name == again[ending].name
        assert once[ending].read_bytes() == again[ending].read_bytes(), once[ending].name


def test_the_wheel_holds_the_package_and_its_licence(built: dict[str, Path]) -> None:
    with zipfile.ZipFile(built[".whl"]) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    about = {f"{INFO}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")}
    assert names == PACKAGE | about
    assert {
        "pulumi_yspartner/py.typed",
        "pulumi_yspartner/sandbox/templates/page.html",
        "pulumi_yspartner/sandbox/templates/page.css",
        "pulumi_yspartner/sandbox/templates/page.js",
    } <= names


def test_the_source_distribution_holds_what_it_is_built_of(built: dict[str, Path]) -> None:
    with tarfile.open(built[".gz"]) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    others = {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore"}
    assert names == PACKAGE | others


def test_the_source_distribution_builds_the_same_wheel(built: dict[str, Path], tmp_path: Path) -> None:
    with tarfile.open(built[".gz"]) as archive:
        archive.extractall(tmp_path, filter="data")
    [unpacked] = tmp_path.iterdir()
    assert build(unpacked, tmp_path / "dist")[".whl"].read_bytes() == built[".whl"].read_bytes()


def test_its_metadata_says_what_it_is_and_needs(built: dict[str, Path]) -> None:
    about = metadata(built[".whl"])
    assert (about["Name"], about["License-Expression"], about["License-File"]) == (
        "pulumi_yspartner",
        "Apache-2.0",
        "LICENSE",
    )
    assert about["Requires-Python"] == ">=3.11"
    needed = [line.partition(";") for line in about.get_all("Requires-Dist", [])]
    extras = {extra.partition("==")[2].strip().strip("'\"") for _, _, extra in needed if extra}
    assert set(about.get_all("Provides-Extra", [])) == extras == {"doctor", "review", "sandbox"}
    least = {line.partition(">")[0].partition("<")[0].strip() for line, _, extra in needed if not extra}
    assert least == {"anyio", "click", "httpx", "jmespath", "pulumi", "pydantic", "sniffio"}
