"""What pages name in passing is there: commands with their options, targets of make, files, links, tests."""

from __future__ import annotations

import os
import re
import subprocess
from functools import cache
from pathlib import Path

import click
import pytest
from doc_pages import PAGES, ROOT, blocks, inline_code, links, name_of

from pulumi_yspartner.cli import main

ROOTS = (ROOT, ROOT / "pulumi_yspartner", ROOT / "examples" / "gitops")
A_PATH = re.compile(r"(?=.*/)[\w.*-]+(/[\w.*-]+)*/?")
NO_FILES = {
    "/openapi/v1.0": "a path of an address",
    "wheels/": "a folder that the reader makes",
    "purchases/*": "environments",
    "build/docs/index.html": "what make docs builds",
}
"""Inline code that looks like a file's path and is none here, with what it is."""


def commands(program: str) -> list[tuple[str, list[str]]]:
    """The commands of a program that stand in the text of pages, in words. Those in blocks are run, but for make's."""
    found = []
    for page in PAGES:
        shown = [block for block in blocks(page) if block.language == "sh" and program == "make"]
        for code in [*inline_code(page), *(line for block in shown for line in block.text.splitlines())]:
            words = code.split()
            while words and re.fullmatch(r"[A-Z_]+=\S+", words[0]):
                words.pop(0)
            if words[:1] == [program] and len(words) > 1:
                found.append((name_of(page), words[1:]))
    return found


def options(words: list[str]) -> set[str]:
    return {word.partition("=")[0] for word in words if word.startswith("--")}


def test_every_command_of_ours_has_these_options() -> None:
    for page, words in commands("yspartner"):
        command: click.Command = main
        for word in words:
            if isinstance(command, click.Group) and not word.startswith("-"):
                assert word in command.commands or word.isupper(), f"{page}: no command yspartner {word}"
                command = command.commands.get(word, command)
        known = {name for option in command.params for name in option.opts} | {"--help", "--version"}
        assert options(words) <= known, f"{page}: yspartner {' '.join(words)}"


def test_every_command_of_pulumi_has_these_options(pulumi_cli: Path) -> None:
    @cache
    def help_of(command: tuple[str, ...]) -> str:
        return subprocess.run(
            [pulumi_cli / "pulumi", *command, "--help"],
            env={**os.environ, "PULUMI_EXPERIMENTAL": "true"},  # it shows the option that applies a saved plan
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    for page, words in commands("pulumi"):
        depth = 2 if words[0] in ("config", "stack", "state", "plugin") and words[1:] else 1
        command = tuple(word for word in words[:depth] if not word.startswith("-"))
        said = help_of(command)
        named = re.search(rf"^(Usage|Aliases):\n.*\b{command[-1]}\b", said, re.MULTILINE)
        assert named, f"{page}: no command pulumi {' '.join(command)}"
        for option in options(words):
            assert re.search(rf"{option}\b", said), f"{page}: pulumi {' '.join(command)} has no {option}"


def test_every_target_of_make_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    for page, words in commands("make"):
        assert words[0] in targets, page


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_that_is_named_exists(page: Path) -> None:
    roots = (*ROOTS, page.parent)
    for code in inline_code(page):
        if A_PATH.fullmatch(code) and code not in NO_FILES:
            assert any(list(root.glob(code.rstrip("/"))) for root in roots), f"{name_of(page)} names {code}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for link in links(page):
        target, _, anchor = link.partition("#")
        if "://" in link or link.startswith("mailto:"):
            continue
        file = page.parent / target if target else page
        assert file.exists(), f"{name_of(page)} links to {link}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
            slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in slugs, f"{name_of(page)} links to {link}"


def test_every_test_that_is_named_exists() -> None:
    tests = "\n".join(file.read_text() for file in (ROOT / "tests").rglob("test_*.py"))

    for page in PAGES:
        for name in re.findall(r"`(test_\w+)`", page.read_text()):
            assert f"def {name}(" in tests, f"{name_of(page)} names {name}"


def test_every_name_is_excused_for_a_reason() -> None:
    named = {code for page in PAGES for code in inline_code(page)}

    assert named >= set(NO_FILES)
