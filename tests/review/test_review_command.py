"""`yspartner review`: what it prints and writes, its exit codes, and files that are not what they should be."""

from __future__ import annotations

import json
import os
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from review_cases import CASES, PREVIEWS, THREE, buying, recorded, short_of_everything

from pulumi_yspartner.cli import main
from pulumi_yspartner.review.markdown import MARK

Run = Callable[..., Result]

EVERYTHING = str(PREVIEWS / "everything.json")
NOTHING = str(PREVIEWS / "nothing.json")
ONE = str(PREVIEWS / "one_purchase.json")
PLAN = str(PREVIEWS / "one_purchase.plan.json")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    for name in [name for name in os.environ if name.startswith("YSPARTNER_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str | Path, code: int = 0, **env: str) -> Result:
        result = CliRunner().invoke(main, ["review", *map(str, arguments)], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert result.exit_code == code, result.output
        assert "Traceback" not in result.output
        return result

    return call


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str, Any], Path]:
    def write(name: str, content: Any) -> Path:
        file = tmp_path / name
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        return file

    return write


Written = Callable[[str, Any], Path]


# --- what comes out ---


def test_the_comment_is_printed(run: Run) -> None:
    output = run(ONE).stdout
    assert output.startswith(MARK)
    assert "Would buy 200 extensions on 1 PBX, price unknown." in output


def test_files_are_written_and_then_nothing_is_printed(run: Run, tmp_path: Path) -> None:
    comment, data = tmp_path / "review.md", tmp_path / "review.json"
    result = run(ONE, "--plan", PLAN, "--markdown", comment, "--json", data)

    assert result.output == ""
    assert comment.read_text().startswith(MARK)
    review = json.loads(data.read_text())
    assert review["version"] == 1
    assert review["totals"]["quantities"] == {"extensions": 200}
    assert "The plan that was saved with it buys the same." in comment.read_text()


def test_a_format_is_printed_besides_files(run: Run, tmp_path: Path) -> None:
    result = run(ONE, "--markdown", tmp_path / "review.md", "--format", "json")
    assert json.loads(result.stdout)["stacks"][0]["name"] == "dev"
    assert (tmp_path / "review.md").exists()


def test_the_page_is_written(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = types.ModuleType("page")
    page.html = lambda review: f"<p>{review.sentence} ##[error]</p>"  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pulumi_yspartner.review.page", page)

    run(ONE, "--html", tmp_path / "review.html")

    assert (tmp_path / "review.html").read_text().startswith("<p>Would buy 200 extensions")
    assert "##[" not in run(ONE, "--format", "html").stdout


@pytest.mark.parametrize("package", ["jinja2", "markupsafe"])
def test_the_page_says_which_packages_it_needs(run: Run, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    for name in [name for name in sys.modules if name.startswith(("pulumi_yspartner.review.page", "jinja2."))]:
        monkeypatch.delitem(sys.modules, name)
    finder = Missing(package)
    monkeypatch.setattr(sys, "meta_path", [finder, *sys.meta_path])

    assert "pip install 'pulumi_yspartner[review]'" in run(ONE, "--format", "html", code=2).stderr


class Missing:
    """An import system in which the page's package is not there."""

    def __init__(self, package: str) -> None:
        self._package = package

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name == "pulumi_yspartner.review.page":
            raise ModuleNotFoundError(f"No module named {self._package!r}", name=self._package)


def test_several_stacks_are_one_review(run: Run, written: Written, tmp_path: Path) -> None:
    content = CASES["many_stacks"].files(tmp_path)[0]
    output = run(*content, "--format", "json").stdout

    stacks = json.loads(output)["stacks"]
    assert [(stack["project"], stack["name"]) for stack in stacks] == [
        ("fleet", "north"),
        ("fleet", "south"),
        ("fleet", "west"),
        ("lab", "dev"),
    ]


# --- quiet ---


def test_quiet_writes_nothing_where_there_is_nothing_to_tell(run: Run, written: Written, tmp_path: Path) -> None:
    content = recorded("nothing")
    content["diagnostics"] = [each for each in content["diagnostics"] if "short" not in each["message"]]
    preview = written("preview.json", content)
    old = written("review.md", "of an earlier run")

    result = run(preview, "--quiet", "--markdown", old, "--json", tmp_path / "review.json", "--format", "markdown")

    assert result.output == ""
    assert not old.exists(), "a comment of an earlier run must not be posted again"
    assert not (tmp_path / "review.json").exists()
    assert "Nothing would be bought." in run(preview).stdout


@pytest.mark.parametrize("name", ["one_purchase", "everything", "refused", "failed", "nothing"])
def test_quiet_tells_of_everything_else(run: Run, name: str) -> None:
    """The recorded preview in which nothing is bought has a PBX that is short, because an order waits for payment."""
    code = 1 if name in ("refused", "failed") else 0
    assert MARK in run(PREVIEWS / f"{name}.json", "--quiet", code=code).stdout


# --- exit codes ---


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("one_purchase", [], 0),
        ("everything", [], 0),
        ("everything", ["--fail-on", "short"], 1),
        ("everything", ["--fail-on", "limits, unconfirmed"], 1),
        ("one_purchase", ["--fail-on", "unconfirmed"], 0),
        ("one_purchase", ["--limits", '{"extensions": 200}'], 0),
        ("one_purchase", ["--limits", '{"extensions": 199}'], 1),
        ("one_purchase", ["--limits", '{"extensions": 199}', "--fail-on", ""], 0),
        ("one_purchase", ["--limits", '{"amount": "1000000.00 USD"}'], 1),
        ("refused", [], 1),
        ("refused", ["--fail-on", ""], 1),
        ("failed", [], 1),
    ],
)
def test_exit_codes(run: Run, name: str, arguments: list[str], code: int) -> None:
    run(PREVIEWS / f"{name}.json", *arguments, code=code)


def test_a_thousand_short_pbxs_fail_without_a_step_of_any(run: Run, written: Written) -> None:
    run(written("preview.json", short_of_everything(60)), "--fail-on", "short", code=1)


def test_limits_come_from_the_environment_too(run: Run) -> None:
    run(ONE, code=1, YSPARTNER_RUN_LIMITS='{"extensions": 199}')
    run(ONE, "--limits", '{"extensions": 200}', YSPARTNER_RUN_LIMITS='{"extensions": 199}')


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ("", "must be JSON"),
        ("100", "must be an object"),
        ("{}", "must be an object"),
        ("{extensions: 5}", "must be JSON"),
        ('{"extension": 5}', "unknown limits: extension"),
        ('{"extensions": "5"}', "extensions must be a whole number"),
        ('{"extensions": -1}', "extensions must be a whole number"),
        ('{"extensions": 5.5}', "extensions must be a whole number"),
        ('{"extensions": true}', "extensions must be a whole number"),
        ('{"amount": 5000}', "amount must be text"),
        ('{"amount": "5,000.00 USD"}', "amount must be text"),
    ],
)
def test_a_limit_that_is_not_understood_is_not_taken_for_none(run: Run, limits: str, said: str) -> None:
    assert said in run(ONE, "--limits", limits, code=2).stderr


def test_limits_in_money(run: Run, written: Written) -> None:
    known = written("known.json", buying({"north": "1250.00 USD", "south": "80.50 USD"}))
    run(known, "--limits", '{"amount": "1330.50 USD"}')
    run(known, "--limits", '{"amount": "1330.49 USD"}', code=1)
    run(known, "--limits", '{"amount": "9999.00 EUR"}', code=1)
    unknown = run(written("unknown.json", buying(THREE)), "--limits", '{"amount": "9999.00 USD"}', code=1)
    assert "a price that is unknown can't be held against it" in unknown.stdout


def test_nothing_bought_is_within_a_limit_in_money(run: Run) -> None:
    run(NOTHING, "--limits", '{"amount": "0 USD"}')


def test_what_to_fail_on_must_be_known(run: Run) -> None:
    assert "there are: short, unconfirmed, limits" in run(ONE, "--fail-on", "shorts", code=2).stderr


def test_a_number_beyond_all_bounds_is_refused_in_words(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_text('{"steps": [], "changeSummary": {"same": 1e999}}')

    assert "that this version understands" in run(file, code=2).stderr


# --- a preview and its plan ---


def test_a_plan_that_buys_what_is_shown(run: Run) -> None:
    run(ONE, "--plan", PLAN)
    run(EVERYTHING, "--plan", PREVIEWS / "everything.plan.json")


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (
            ("purchase", "extensions"),
            201,
            "hq: the saved plan buys 201 extensions, and the preview shows 200 extensions",
        ),
        (("purchase", "reference"), "YS-AAAAAAAAAAAA", "reference YS-AAAAAAAAAAAA"),
        (("purchase", "plan_id"), "1", "plan 1,"),
        (("observed", "extensions"), 49, "having 49 extensions"),
        (("serial_number",), "3651D3300009", "3651D3300009, having"),
        (("purchase",), None, "hq: the saved plan buys nothing, and the preview shows 200 extensions"),
    ],
)
def test_a_plan_that_buys_something_else_fails(
    run: Run, written: Written, path: tuple[str, ...], value: Any, said: str
) -> None:
    plan = recorded("one_purchase.plan")
    [urn] = [urn for urn in plan["resourcePlans"] if urn.endswith("::hq")]
    place = plan["resourcePlans"][urn]["goal"]["inputDiff"]["adds"]
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value

    output = run(ONE, "--plan", written("plan.json", plan), code=1).stdout

    assert "don't approve this" in output
    assert said in output


def test_a_plan_that_buys_for_an_unchanged_pbx_fails(run: Run, written: Written) -> None:
    plan = recorded("one_purchase.plan")
    goals = {urn.rpartition("::")[2]: each["goal"] for urn, each in plan["resourcePlans"].items()}
    goals["branch"]["inputDiff"] = {"adds": dict(goals["hq"]["inputDiff"]["adds"])}

    output = run(ONE, "--plan", written("plan.json", plan), code=1).stdout

    assert "branch: the saved plan buys 200 extensions, and the preview shows nothing" in output


def test_an_earlier_purchase_that_a_plan_would_keep_fails(run: Run, written: Written) -> None:
    """The last update's purchase stands in the inputs until a later one takes it out; one that keeps it acts on it."""
    preview, plan = recorded("everything"), recorded("everything.plan")
    [urn] = [urn for urn in plan["resourcePlans"] if urn.endswith("::late")]
    plan["resourcePlans"][urn]["goal"]["inputDiff"] = {}

    output = run(written("preview.json", preview), "--plan", written("plan.json", plan), code=1).stdout

    assert "late: the saved plan buys 10 extensions, and the preview shows nothing" in output


def test_a_plan_of_another_stack(run: Run, written: Written, tmp_path: Path) -> None:
    previews, _ = CASES["many_stacks"].files(tmp_path)
    said = run(previews[0], "--plan", PLAN, code=2).stderr
    assert "is a plan of the stack fleet/dev, and no preview is of it" in said


def test_two_plans_of_one_stack(run: Run) -> None:
    assert "is a second plan of the stack fleet/dev" in run(ONE, "--plan", PLAN, "--plan", PLAN, code=2).stderr


def test_two_previews_of_one_stack(run: Run) -> None:
    assert "are both of the stack fleet/dev" in run(ONE, NOTHING, code=2).stderr


def test_previews_with_the_same_name_that_failed_too_early_to_name_their_stack(run: Run, tmp_path: Path) -> None:
    previews = [tmp_path / customer / "preview.json" for customer in ("a", "b")]
    for preview in previews:
        preview.parent.mkdir()
        preview.write_text('{"diagnostics": [{"severity": "error", "message": "error: no such thing"}]}')

    output = run(*previews, code=1).stdout

    assert "2 of 2 previews failed" in output
    assert all(str(preview) in output for preview in previews)


def test_a_pbx_in_two_stacks_fails(run: Run, tmp_path: Path) -> None:
    previews, _ = CASES["twice"].files(tmp_path)
    said = "3651D3300000 is declared in fleet/south and fleet/west; declare each PBX in one stack only"
    assert said in run(*previews, code=1).stdout


# --- previews that don't add up ---


def test_a_preview_without_its_end_is_not_trusted(run: Run, written: Written) -> None:
    preview = recorded("one_purchase")
    preview["diagnostics"] = [each for each in preview["diagnostics"] if "would buy" not in each["message"]]

    output = run(written("preview.json", preview), code=1).stdout

    assert "it did not come to its end" in output
    assert "price unknown" in output


def test_a_preview_that_shows_less_than_it_says_is_not_trusted(run: Run, written: Written) -> None:
    preview = recorded("everything")
    preview["steps"] = [step for step in preview["steps"] if not step["urn"].endswith("::depot")]

    output = run(written("preview.json", preview), code=1).stdout

    assert "it says that it would buy 205 extensions on 2 PBXs, and shows 200 extensions on 1 PBX" in output


def test_a_purchase_whose_line_is_missing_has_no_price(run: Run, written: Written) -> None:
    preview = buying({"north": "1250.00 USD", "south": "80.50 USD"})
    preview["diagnostics"] = preview["diagnostics"][1:]

    output = run(written("preview.json", preview)).stdout

    assert "for 80.50 USD and 1 unknown" in output


# --- files that are not what they should be ---


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ("Previewing update (dev):\n", "this is a preview for people; add --json"),
        ("warning: using x from $PATH\n{}", "write only the standard output"),
        ('{"sequence":0,"timestamp":1}\n{"sequence":1}\n', "unset PULUMI_ENABLE_STREAMING_JSON_PREVIEW"),
        ('{"steps": [', "ends too early"),
        ("[1, 2]", "it is JSON, but no object"),
        ("{}", "it has neither steps nor diagnostics"),
        ('{"version": 3, "deployment": {}}', "it has neither steps nor diagnostics"),
        ('{"steps": 5}', "that this version understands"),
        ('{"steps": [5]}', "that this version understands"),
        ('{"steps": [{"op": "create"}]}', "that this version understands"),
        ('{"steps": [], "diagnostics": [5]}', "that this version understands"),
        ('{"steps": [], "config": 5}', "that this version understands"),
        ("[" * 100_000, "does not begin with JSON"),
        ('{"steps": ' + "[" * 100_000, "ends too early"),
    ],
    ids=lambda value: value[:20] if isinstance(value, str) else "",
)
def test_a_file_that_is_no_preview(run: Run, written: Written, content: str, said: str) -> None:
    file = written("preview.json", content)
    error = run(file, code=2).stderr
    assert said in error
    assert str(file) in error or "preview.json" in error


@pytest.mark.parametrize(
    ("purchase", "said"),
    [
        ({"extensions": -5}, "extensions"),
        ({"extensions": "many"}, "extensions"),
        ({"reference": None}, "reference"),
        ({"extensions": 10**4000}, "to_buy"),
    ],
)
def test_a_preview_with_a_purchase_that_is_not_understood(
    run: Run, written: Written, purchase: dict[str, Any], said: str
) -> None:
    preview = recorded("one_purchase")
    [step] = [step for step in preview["steps"] if step["urn"].endswith("::hq")]
    step["newState"]["inputs"]["purchase"].update(purchase)
    assert f"understands ({said}" in run(written("preview.json", preview), code=2).stderr


def test_a_preview_of_a_version_that_writes_more(run: Run, written: Written) -> None:
    preview = recorded("one_purchase")
    preview["new_in_a_later_version"] = [1]
    for step in preview["steps"]:
        step["also_new"] = {}
    [step] = [step for step in preview["steps"] if step["urn"].endswith("::hq")]
    step["newState"]["inputs"]["purchase"]["hint"] = "new"
    assert "Would buy 200 extensions" in run(written("preview.json", preview)).stdout


def test_a_file_that_is_no_text(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    file.write_bytes(b"\xff\xfe\x00\x01")
    assert "not UTF-8" in run(file, code=2).stderr


def test_a_file_that_is_far_too_large(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "preview.json"
    with file.open("wb") as sparse:
        sparse.truncate(600 * 1024 * 1024)
    assert "is 600 MB large" in run(file, code=2).stderr


@pytest.mark.parametrize(
    "content", ["{}", '{"resourcePlans": {}}', '{"resourcePlans": [1]}', '{"resourcePlans": {"a": 1}}']
)
def test_a_file_that_is_no_plan(run: Run, written: Written, content: str) -> None:
    assert "is not a plan of" in run(ONE, "--plan", written("plan.json", content), code=2).stderr


def test_a_preview_in_place_of_a_plan(run: Run) -> None:
    assert "is not a plan of" in run(ONE, "--plan", ONE, code=2).stderr
    assert "is not the output of" in run(PLAN, code=2).stderr


def test_files_that_are_not_there(run: Run, tmp_path: Path) -> None:
    run(tmp_path / "none.json", code=2)
    run(code=2)
    run(ONE, "--plan", tmp_path / "none.json", code=2)
    assert "can't be written" in run(ONE, "--markdown", tmp_path / "none" / "review.md", code=2).stderr


def test_an_error_is_no_command_to_a_runner(run: Run, written: Written) -> None:
    plan = json.dumps(recorded("one_purchase.plan")).replace(
        "pulumi:dev::fleet", "pulumi:##[error]dev\\n::error::::fleet"
    )
    error = run(ONE, "--plan", written("plan.json", plan), code=2).stderr
    assert "##[" not in error
    assert not any(line.startswith("::") for line in error.splitlines())


def test_help_says_the_exit_codes(run: Run) -> None:
    text = run("--help").stdout
    assert "Exit codes" in text
    assert "--show-sames" in text
