"""Reading the files that a review is made of. Every way in which one can be wrong is a message for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import YsPartnerError

MOST_BYTES = 128 * 1024 * 1024
"""A preview of 1,000 PBXs takes about 4 MB."""

PREVIEW = "the output of `pulumi preview --json`"
PLAN = "a plan of `pulumi preview --save-plan`"


class UnreadableError(YsPartnerError):
    """A file is not what it should be. The message names the file, and says what it should be."""


def read_json(file: Path, what: str) -> Mapping[str, Any]:
    """The JSON object that a file holds; `what` says what it should be, in words. Raises `UnreadableError`."""
    try:
        size = file.stat().st_size
        if size > MOST_BYTES:
            raise UnreadableError(f"{file} is {size // 1024**2} MB large, and can't be {what}")
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise UnreadableError(f"{file} can't be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise UnreadableError(f"{file} is not {what}: it is not UTF-8 text") from None
    if not text.strip():
        raise UnreadableError(f"{file} is empty. It should be {what}, which failed before it wrote anything") from None
    try:
        content = json.loads(text)
        if "\\ud" in text.lower():  # halves of a pair stand alone only in a forged file, and no file could hold them
            content = json.loads(json.dumps(content, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise UnreadableError(f"{file} is not {what}: {_not_json(text)}") from None
    if not isinstance(content, dict):
        raise UnreadableError(f"{file} is not {what}: it is JSON, but no object")
    return content


def _not_json(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    if first.startswith('{"sequence"'):
        return "these are events, one a line; unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW"
    if first.startswith("Previewing update"):
        return "this is a preview for people; add --json"
    if not first.startswith("{"):
        return "it does not begin with JSON; write only the standard output of the command into it"
    return "it is not JSON, or ends too early"
