"""`docs/troubleshooting.md` has an entry for every message of the package, and none for a message that is gone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from doc_messages import HOLE, Message, Source, parts

PAGE = Path(__file__).parents[2] / "docs" / "troubleshooting.md"
NOT_OURS = "Pulumi's own words"

PASSED_ON = {
    "background.py:_answer_at_once": "errors of connecting",
    "cli/failing.py:_as_messages": "errors of this package as they are",
    "cli/review.py:command": "errors of reading the files",
    "cli/serial_number.py:_serial_number": "what is wrong with a serial number",
    "doctor/examination.py:_examine_plans": "errors of reading, into the doctor's report",
    "doctor/examination.py:_take_counts": "why counts could not be read, into the doctor's report",
    "doctor/examination.py:_try": "errors of reading, into the doctor's report",
    "doctor/examination.py:_warns": "warnings, into the doctor's report",
    "doctor/examination.py:examine": "errors of connecting, into the doctor's report",
    "fleet.py:_line": "its callers' words",
    "fleet.py:of": "the engine's answer",
    "fleet.py:report": "the summary of a purchase",
    "observing.py:_with_purchase": "errors of reading",
    "observing.py:read": "errors of reading",
    "observing.py:read_contact": "errors of reading",
    "observing.py:read_plan": "errors of reading",
    "partner/envelope.py:fail": "its callers' words",
    "review/preview.py:_read": "errors of Pulumi, into the review",
    "review/preview.py:note_of_stack": "errors of Pulumi, into the review",
    "testing/program.py:preview": "what the program's run ended with",
}
"""Where a message is given without a word of its own. Its words stand where they are first said."""


NOT_SHOWN = {"review/outcome.py:_events": "caught where the file is read"}
"""Where a message is given that nobody sees, with the reason."""


@dataclass(frozen=True)
class Entry:
    """An entry of the page: the messages in its heading, and its text."""

    section: str
    messages: tuple[str, ...]
    text: str


def entries() -> list[Entry]:
    found = []
    for section in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        for entry in re.split(r"^### ", rest, flags=re.MULTILINE)[1:]:
            heading, _, text = entry.partition("\n")
            found.append(Entry(title, tuple(re.findall(r"`([^`]+)`", heading)), text))
    return found


ENTRIES = entries()
SOURCE = Source.read()
MESSAGES = [message for message in SOURCE.messages() if message.place not in NOT_SHOWN]
HEADINGS = [(entry, heading) for entry in ENTRIES if entry.section != NOT_OURS for heading in entry.messages]


def is_about(heading: str, message: Message) -> bool:
    """Whether a message begins with the words of a heading. `...` in a heading stands for anything."""
    pattern = re.escape(" ".join(parts(heading))).replace(re.escape(HOLE), ".*")
    return re.match(f"{pattern}( |$)", " ".join(message.parts)) is not None


def test_every_message_has_an_entry() -> None:
    without = [
        f"{message.place}: {message.pattern}"
        for message in MESSAGES
        if not any(is_about(heading, message) for _, heading in HEADINGS)
    ]

    assert without == [], "docs/troubleshooting.md needs an entry whose heading begins like each of these"


def test_every_entry_is_about_a_message_that_there_is() -> None:
    gone = [heading for _, heading in HEADINGS if not any(is_about(heading, message) for message in MESSAGES)]

    assert gone == [], "no message of the package begins like these headings in docs/troubleshooting.md"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.messages[0][:80])
def test_every_entry_says_what_was_bought_and_what_to_do(entry: Entry) -> None:
    what_happened, _, rest = entry.text.strip().partition("\n\n")

    assert re.match(r"[A-Z`]", what_happened), entry.messages
    assert re.search(r"^- Bought: \w.*\.", rest, re.MULTILINE), entry.messages
    assert re.search(r"^- Do: \w", rest, re.MULTILINE), entry.messages


def test_no_message_is_given_without_words_that_can_be_seen() -> None:
    assert SOURCE.passed_on() == set(PASSED_ON), (
        "say the words where they can be seen, or note in PASSED_ON whose they are"
    )


def test_no_message_is_left_out_that_there_is_not() -> None:
    assert {message.place for message in SOURCE.messages()} >= set(NOT_SHOWN)


def test_no_two_entries_have_one_heading() -> None:
    headings = [heading for _, heading in HEADINGS]

    assert sorted(headings) == sorted(set(headings))


@pytest.mark.parametrize(
    ("code", "pattern"),
    [
        ("raise RefusedError('it is too late')", "it is too late"),
        ("raise ReadingError(f'plan {plan} is gone')", "plan ... is gone"),
        ("raise RefusedError('late' if late else f'{count} is ' + 'too early')", "... is too early"),
        ("what = 'the portal' + ' is closed'\n    raise RefusedError(what)", "the portal is closed"),
        ("raise RefusedError(helper())", "a helper says so"),
        ("raise made()", "a helper made it"),
        ("_log.warning('%s: it is odd', serial)", "...: it is odd"),
        ("pulumi.log.error(f'{serial} is odd', resource)", "... is odd"),
        ("return [CheckFailure(name, 'is odd')]", "is odd"),
        ("return Plan(refused='it is odd')", "it is odd"),
        ("problems.append('it is odd')", "it is odd"),
        ("raise click.ClickException('; '.join(f'{each} is odd' for each in found))", "... is odd"),
    ],
)
def test_a_new_message_is_seen_however_it_is_given(tmp_path: Path, code: str, pattern: str) -> None:
    helpers = "def helper():\n    return 'a helper says so'\ndef made():\n    return RefusedError('a helper made it')\n"
    (tmp_path / "module.py").write_text(f"{helpers}def function():\n    {code}\n")

    assert pattern in [message.pattern for message in Source.read(tmp_path).messages()]


def test_a_message_without_words_is_seen_as_passed_on(tmp_path: Path) -> None:
    (tmp_path / "module.py").write_text("def function(error):\n    raise RefusedError(str(error))\n")

    assert Source.read(tmp_path).passed_on() == {"module.py:function"}
