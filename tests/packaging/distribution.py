"""Builds the wheel and the source distribution, as `make dist` does, out of a copy of the sources."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("pulumi_yspartner", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", ".gitignore")


def copy_sources(folder: Path) -> Path:
    """The sources as a fresh checkout has them, with modes and times of this moment."""
    folder.mkdir(parents=True)
    for name in SOURCES:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignored, copy_function=shutil.copyfile)
        else:
            shutil.copyfile(ROOT / name, folder / name)
    return folder


def build(sources: Path, folder: Path, **env: str) -> dict[str, Path]:
    """What `make dist` makes, by the ending: `.whl` and `.gz`."""
    run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)], sources, **env)
    return {file.suffix: file for file in folder.iterdir()}


def run(command: list[str], folder: Path, **env: str) -> str:
    """Run a command that must succeed; returns what it says."""
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}"
    return done.stdout


def locked_versions() -> dict[str, str]:
    """The lock as constraints, without hashes: by package, its line."""
    lines = re.findall(r"^(([\w.-]+)==[^\s\\]+(?: ;[^\\\n]+)?)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    return {name: line.strip() for line, name in lines}
