"""A block that can't be done as it is shown fails its page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from doc_pages import Block
from doc_story import Story


@pytest.fixture
def story(tmp_path: Path) -> Iterator[Story]:
    (tmp_path / "folder").mkdir()
    with ExitStack() as open_files:
        yield Story(tmp_path / "folder", tmp_path, ["not this"], open_files)


def block(language: str, text: str, **notes: str) -> Block:
    return Block("page.md", 1, language, text, notes)


def test_what_a_command_sets_holds_for_those_that_follow(story: Story) -> None:
    story.tell(block("sh", "mkdir inner && cd inner\nexport GREETING=hello\n"))
    story.tell(block("sh", "read -r NAME\nexport NAME\n", stdin="world"))
    story.tell(block("python", "print(1)", file="greeting.txt"))
    story.tell(block("console", "$ echo $GREETING $NAME; ls\nhello world\ngreeting...\n"))
    story.tell(block("sh", "not this command\n"))


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (block("sh", "false\ntrue\n"), "ended with 1"),
        (block("sh", "no-such-command\n"), "ended with 127"),
        (block("sh", "true\n", exit="1"), "ended with 0"),
        (block("sh", "false | cat\n"), "ended with 1"),
        (block("sh", "echo Traceback\n"), "Traceback"),
        (block("console", "$ echo one\ntwo\n"), "does not print\ntwo"),
        (block("console", "$ echo one\none\n$ false\n"), "ended with 1"),
        (block("yaml", "# nothing\n"), "holds nothing"),
    ],
)
def test_a_block_that_does_not_do_what_it_shows_fails(story: Story, broken: Block, said: str) -> None:
    with pytest.raises(AssertionError, match=said):
        story.tell(broken)


def test_a_process_that_goes_on_for_too_long_is_ended(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("doc_story.SECONDS", 0.2)

    with pytest.raises(Exception, match="timed out"):
        story.tell(block("sh", "sleep 60\n"))
