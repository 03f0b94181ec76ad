"""Text of others (names, reasons, statuses, errors), made harmless for Markdown and for the log of a CI job. Pure.

In Markdown such text always stands in a code span. There it is no link, no image, no HTML and no emphasis, and GitHub
and GitLab look for no `@mention`, `#123` or commit in it, which they would do in text that is only escaped.
"""

from __future__ import annotations

import re
import unicodedata

_BACKTICKS = re.compile("`+")


def visible(text: str) -> str:
    """Text in one line in which nothing is invisible, turns the direction of writing, or is a command to a CI runner.

    Runners read `##[error]` and `##vso[` anywhere in a line, and `::error::` where one begins, which is never in such
    text. What begins an HTML comment is broken too, so that no text looks like the mark of a review.
    """
    shown = "".join(char if _is_visible(char) else _escape(char) for char in text)
    shown = re.sub(r"##(?=\[|vso\[)", r"#\\x23", shown)
    return shown.replace("<!--", "<\\x21--")


def _is_visible(char: str) -> bool:
    return char == " " or (unicodedata.category(char)[0] not in "CZ" and not _BLANK.match(char))


_BLANK = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")
"""Letters and marks that show nothing: fillers, selectors of variants, and the empty pattern of Braille."""


def _escape(char: str) -> str:
    number = ord(char)
    return f"\\x{number:02x}" if number < 256 else f"\\u{number:04x}" if number < 65536 else f"\\U{number:08x}"


def brief(text: str, most: int) -> str:
    """Visible text, of which a very long one says how long it is. Where it matters, JSON has all of it."""
    shown = visible(text)
    return shown if len(shown) <= most else f"{shown[:most]}... ({len(shown)} characters)"


def code(text: str, most: int = 1000) -> str:
    """Text as a code span, for anywhere but a table."""
    shown = brief(text, most) or " "
    longest = max((len(run) for run in _BACKTICKS.findall(shown)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if shown.startswith("`") or shown.endswith("`") else ""
    return f"{fence}{pad}{shown}{pad}{fence}"


def cell(text: str, most: int = 300) -> str:
    """Text as code spans for a cell of a table. A pipe ends a cell unless a backslash is before it; a backslash of the
    text itself must not become that one, so what follows it gets a span of its own."""
    parts = re.split(r"(?<=\\)(?=\|)", brief(text, most))
    return "&#8203;".join(code(part, len(part)).replace("|", "\\|") for part in parts)
