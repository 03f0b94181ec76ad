"""The command `yspartner` as a whole: help, completion, exit codes, and no traceback for what a user can cause."""

from __future__ import annotations

import importlib.metadata
import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from pulumi_yspartner.cli import main
from pulumi_yspartner.sandbox import Portal, SandboxServer

COMMAND = [sys.executable, "-m", "pulumi_yspartner"]
VERBS = sorted(main.commands)
ROOT = Path(__file__).parents[2]


@pytest.fixture
def portal() -> Portal:
    portal = Portal()
    portal.add_pbx("3651D3296882", extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def env(portal: Portal) -> Iterator[dict[str, str]]:
    """The environment of a process that uses a sandbox."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("YSPARTNER_")}
    with SandboxServer(portal) as server:
        yield own | {
            "YSPARTNER_BASE_URL": server.url,
            "YSPARTNER_CLIENT_ID": portal.client_id,
            "YSPARTNER_CLIENT_SECRET": portal.client_secret,
        }


def run(line: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """A shell line, in which `yspartner` is the command under test."""
    command = " ".join(map(shlex.quote, COMMAND))
    return subprocess.run(
        ["bash", "-c", f'set -o pipefail; yspartner() {{ exec {command} "$@"; }}; {line}'],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def assert_message(result: subprocess.CompletedProcess[str], code: int, said: str) -> None:
    assert (result.returncode, "Traceback" in result.stderr) == (code, False), result.stderr
    assert said in result.stderr
    assert "Exception ignored" not in result.stderr


# Help ----------------------------------------


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_it_takes(verb: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = main.commands[verb]
    examples = re.findall(r"^  yspartner (.+)$", command.epilog or "", re.MULTILINE)
    assert examples
    monkeypatch.chdir(tmp_path)
    for read in re.findall(r"[\w.*/]+\.jsonl?\b", " ".join(examples)):
        (tmp_path / read).parent.mkdir(exist_ok=True)
        (tmp_path / read).touch()
    for example in examples:
        words = shlex.split(example.partition(" > ")[0])
        assert words[0] == verb
        command.make_context(verb, words[1:], parent=click.Context(main))


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_is_explained(verb: str) -> None:
    command = main.commands[verb]
    assert command.help
    assert command.short_help is not None
    assert len(command.short_help) <= 68  # on one line of 80 columns, beside the longest verb
    assert [each.name for each in command.params if isinstance(each, click.Option) and not each.help] == []


def test_help_and_readme_tell_the_same_exit_codes() -> None:
    codes = r"^ *\|? *(\d+) *[ |] *(.+?)(?: \|)?$"
    told = re.findall(codes, CliRunner().invoke(main, ["--help"]).output, re.MULTILINE)
    section = (ROOT / "README.md").read_text().partition("## The command")[2].partition("\n## ")[0]
    assert told == re.findall(codes, section, re.MULTILINE)
    assert [code for code, _ in told] == ["0", "1", "2", "130"]


def test_the_readme_lists_every_verb() -> None:
    section = (ROOT / "README.md").read_text().partition("## The command")[2].partition("\n## ")[0]
    assert sorted(re.findall(r"^\| `yspartner (\w+)` \|", section, re.MULTILINE)) == VERBS


def test_the_version_is_that_of_the_package() -> None:
    result = CliRunner().invoke(main, ["--version"])
    assert result.output == f"yspartner, version {importlib.metadata.version('pulumi_yspartner')}\n"


# Completion ----------------------------------------


def completions(*words: str) -> list[str]:
    """What bash would offer for the last of these words."""
    env = os.environ | {
        "_YSPARTNER_COMPLETE": "bash_complete",
        "COMP_WORDS": shlex.join(["yspartner", *words]) if words[-1] else f"{shlex.join(['yspartner', *words[:-1]])} ",
        "COMP_CWORD": str(len(words)),
    }
    result = subprocess.run(COMMAND, env=env, capture_output=True, text=True, check=True)
    return [line.partition(",")[2] for line in result.stdout.splitlines()]


def test_verbs_and_options_are_completed() -> None:
    assert completions("") == VERBS
    assert completions("doc") == ["doctor"]
    assert "--save-answers" in completions("doctor", "--")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_a_script(shell: str) -> None:
    env = os.environ | {"_YSPARTNER_COMPLETE": f"{shell}_source"}
    script = subprocess.run(COMMAND, env=env, capture_output=True, text=True, check=True).stdout
    assert f"_YSPARTNER_COMPLETE={shell}_complete" in script


def test_the_line_that_help_tells_sets_up_bash() -> None:
    help_text = CliRunner().invoke(main, ["--help"]).output
    [line] = re.findall(r'^ +(eval "\$\(_YSPARTNER_COMPLETE=bash_source yspartner\)") +bash$', help_text, re.MULTILINE)
    result = run(f"yspartner() {{ {' '.join(COMMAND)}; }}; {line}; complete -p yspartner", dict(os.environ))
    assert "_yspartner_completion yspartner" in result.stdout, result.stderr


# What a user can cause ----------------------------------------


@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        ("yspartner nonsense", 2, "No such command 'nonsense'"),
        ("yspartner doctor --nonsense", 2, "No such option"),
        ("yspartner export --pbx ''", 2, "must not be empty"),
        ("yspartner review /proc/version", 2, "is not the output of `pulumi preview --json`"),
        ("yspartner outcome /proc/version", 2, "is not the output of `pulumi up --json`"),
        ("yspartner doctor --save-answers /dev/null/answers", 2, "/dev/null/answers: Not a directory"),
        ("yspartner doctor --save-answers /dev/null", 2, "/dev/null: File exists"),
        ("YSPARTNER_LIMITS=nonsense yspartner doctor", 1, "YSPARTNER_LIMITS"),
        ("YSPARTNER_TIMEOUT=soon yspartner export", 1, "YSPARTNER_TIMEOUT"),
        ("YSPARTNER_CLIENT_ID= yspartner export", 1, "setting yspartner:clientId is missing"),
        ("YSPARTNER_CLIENT_SECRET=wrong yspartner export", 1, "did not accept the credentials"),
        ("YSPARTNER_BASE_URL=http://127.0.0.1:1 yspartner export", 1, "no connection to 127.0.0.1:1 could be made"),
        ("yspartner --help > /dev/full", 1, "No space left on device"),
        ("yspartner export > /dev/full", 1, "No space left on device"),
        ("yspartner doctor > /dev/full", 1, "No space left on device"),
        ("yspartner doctor --json > /dev/full", 1, "No space left on device"),
        ("yspartner sandbox > /dev/full", 1, "No space left on device"),
        ("yspartner export >&-", 1, "standard output is closed"),
        ("yspartner export | true", 1, ""),
        ("yspartner doctor | true", 1, ""),
    ],
)
def test_what_a_user_can_cause_is_a_message(line: str, code: int, said: str, env: dict[str, str]) -> None:
    assert_message(run(line, env), code, said)


def test_a_file_that_may_not_be_written_is_a_message(env: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # for root nothing is locked: the message is that of a file in the way
        folder.rmdir()
        folder.touch()
    assert_message(run(f"yspartner doctor --save-answers {folder}/answers", env), 2, f"{folder}/answers: ")


def test_ctrl_c_ends_quietly_while_the_portal_is_slow(env: dict[str, str], portal: Portal) -> None:
    portal.faults.add("product.list:hold_before")
    process = subprocess.Popen([*COMMAND, "export"], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        while portal.count("product.list") == 0:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, out, err.strip()) == (130, "", "")


# Colours ----------------------------------------


def on_a_terminal(env: dict[str, str]) -> str:
    """What `yspartner doctor` writes to a terminal."""
    master, terminal = pty.openpty()
    with subprocess.Popen([*COMMAND, "doctor"], env=env, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        output = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:  # Linux says so when the last writer has gone
                break
            if not part:
                break
            output += part
        process.wait(timeout=20)
    os.close(master)
    return output.decode()


@pytest.mark.parametrize("no_color", [None, "1"])
def test_no_color_takes_the_colours_away(env: dict[str, str], no_color: str | None) -> None:
    terminal = {**env, "TERM": "xterm-256color", **({"NO_COLOR": no_color} if no_color else {})}
    text = on_a_terminal(terminal)
    colours = re.findall(r"\x1b\[(?:\d+;)*(?:3|4|9|10)\d[;m]", text)
    assert "What would stop a purchase" in text
    assert bool(colours) == (no_color is None)


# Extras ----------------------------------------

WITHOUT = """
import sys
for name in {missing!r}:
    sys.modules[name] = None
from pulumi_yspartner.cli import main
main({arguments!r}, prog_name="yspartner")
"""


def without(missing: list[str], arguments: list[str], env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The command where these packages are not installed."""
    code = WITHOUT.format(missing=missing, arguments=arguments)
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize(
    ("extra", "missing", "arguments"),
    [
        ("sandbox", ["starlette"], ["sandbox"]),
        ("sandbox", ["uvicorn"], ["sandbox"]),
        ("sandbox", ["jinja2"], ["sandbox"]),
        ("doctor", ["rich"], ["doctor"]),
    ],
)
def test_a_missing_extra_is_named(extra: str, missing: list[str], arguments: list[str], env: dict[str, str]) -> None:
    result = without(missing, arguments, env)
    assert_message(result, 1, f"pip install 'pulumi_yspartner[{extra}]'")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [["export"], ["--help"], ["doctor", "--json"]])
def test_the_rest_needs_no_extra(arguments: list[str], env: dict[str, str]) -> None:
    result = without(["starlette", "uvicorn", "jinja2", "rich"], arguments, env | {"YSPARTNER_PURCHASES": "allow"})
    assert (result.returncode, result.stderr) == (0, ""), result.stderr
