"""`gh api`, `pip install` and `apt-get` of a test's runner. Whatever they don't know, they refuse."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path


def gh(arguments: list[str]) -> int:
    """`gh api`: against the forge of the test, with the token in GH_TOKEN."""
    parser = argparse.ArgumentParser("gh")
    parser.add_argument("command", choices=["api"])
    parser.add_argument("path")
    parser.add_argument("--paginate", action="store_true")
    parser.add_argument("--method", default="GET")
    parser.add_argument("--field", action="append", default=[])
    given = parser.parse_args(arguments)
    body = {}
    for field in given.field:
        name, _, value = field.partition("=")
        body[name] = Path(value[1:]).read_text() if value.startswith("@") else value
    page = "1"
    while page:
        path = f"{given.path}{'&' if '?' in given.path else '?'}page={page}" if given.paginate else given.path
        request = urllib.request.Request(
            f"{os.environ['FORGE_URL']}/{path}",
            method=given.method,
            data=json.dumps(body).encode() if body else None,
            headers={"Authorization": f"Bearer {os.environ['GH_TOKEN']}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                sys.stdout.write(answer.read().decode())
                page = answer.headers.get("x-next-page") if given.paginate else ""
        except urllib.error.HTTPError as error:
            sys.stderr.write(f"gh: {error.read().decode()} (HTTP {error.code})\n")
            return 1
    return 0


def pip(arguments: list[str]) -> int:
    """The packages are there; only what is asked for is looked at."""
    if arguments != ["install", "--quiet", "-r", "requirements.txt"]:
        return 2
    return 0 if re.search(r"^pulumi_yspartner\[review\]==", Path("requirements.txt").read_text(), re.MULTILINE) else 1


def apt_get(arguments: list[str]) -> int:
    """`jq` is there."""
    install = ["-qq", "install", "--yes", "--no-install-recommends", "jq"]
    return 0 if arguments in (["-qq", "update"], install) else 2


if __name__ == "__main__":
    sys.exit({"gh": gh, "pip": pip, "apt-get": apt_get}[sys.argv[1]](sys.argv[2:]))
