"""Finds actionlint, or builds it from its Go module, and prints its path.

    "$(.venv/bin/python tools/actionlint/ensure.py)" .github/workflows/*.yml

The only line on stdout is the path; how it went is told on stderr. It shares the cache of tools/pulumi/ensure.py.
"""

import hashlib
import re
import shutil
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "pulumi"))

import ensure as cli  # noqa: E402

PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"


def version() -> str:
    found = re.search(r"github\.com/rhysd/actionlint v(\S+)", (HERE / "go.mod").read_text())
    assert found, "go.mod has no actionlint"
    return found[1]


def ensure() -> Path:
    digest = hashlib.sha256((HERE / "go.mod").read_bytes() + (HERE / "go.sum").read_bytes()).hexdigest()
    cached = cli.cache_directory() / f"actionlint-{version()}-{digest[:12]}"
    for found in (shutil.which("actionlint"), cached / "actionlint"):
        if found and Path(found).exists() and cli.run([found, "-version"], timeout=60).startswith(version()):
            return Path(found)
    with cli.lock(), cli.staging() as directory:
        if not (cached / "actionlint").exists():
            toolchain = cli.go()
            cli.log(f"building actionlint {version()}")
            built = directory / "actionlint" / "actionlint"
            built.parent.mkdir()
            command = [toolchain, "build", "-C", HERE, "-trimpath", "-ldflags", "-s -w", "-o", built, PACKAGE]
            cli.run(command, timeout=cli.BUILD_SECONDS)
            cli.put_in_place(built.parent, cached)
    return cached / "actionlint"


def main() -> int:
    try:
        print(ensure())
    except (cli.Unavailable, OSError) as error:
        cli.log(f"no actionlint: it is not on PATH, and building it failed: {error}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
