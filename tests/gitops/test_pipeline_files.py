"""The files of examples/gitops pass their linters, and keep the rules that no linter knows."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from engine_stack import ROOT

EXAMPLE = ROOT / "examples" / "gitops"
WORKFLOWS = sorted((EXAMPLE / ".github" / "workflows").glob("*.yml"))
PIPELINE = EXAMPLE / ".gitlab-ci.yml"


def call(*command: str | Path, said: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=said, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="session")
def actionlint() -> Path:
    """Found or built; where that is not possible, these tests fail and say why."""
    found = call(sys.executable, ROOT / "tools" / "actionlint" / "ensure.py")
    if found.returncode != 0:
        pytest.fail(found.stderr, pytrace=False)
    return Path(found.stdout.strip())


# --- linters -------------------------------------------------------------------------------------------------------


def test_actionlint_finds_nothing_in_the_workflows(actionlint: Path) -> None:
    done = call(actionlint, *WORKFLOWS)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("needs: declarations", "needs: declaration"),
        ("steps.merge.outputs.tree", "steps.merged.outputs.tree"),
        ("pull-requests: write", "pull-request: write"),
    ],
)
def test_actionlint_would_find_mistakes(actionlint: Path, tmp_path: Path, good: str, bad: str) -> None:
    text = Path(EXAMPLE, ".github/workflows/review.yml").read_text()
    assert good in text
    Path(tmp_path, "review.yml").write_text(text.replace(good, bad))

    assert call(actionlint, tmp_path / "review.yml").returncode == 1


def schema(kind: str, *files: Path) -> subprocess.CompletedProcess[str]:
    options = ["--data-transform", "gitlab-ci"] if kind == "gitlab-ci" else []
    return call(sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}", *options, *files)


@pytest.mark.parametrize(("kind", "files"), [("github-workflows", WORKFLOWS), ("gitlab-ci", [PIPELINE])])
def test_the_files_fit_their_schemas(kind: str, files: list[Path]) -> None:
    done = schema(kind, *files)

    assert done.returncode == 0, done.stdout


def test_the_schema_would_find_mistakes(tmp_path: Path) -> None:
    Path(tmp_path, "bad.yml").write_text(PIPELINE.read_text().replace("when: manual", "when: sometimes"))

    assert schema("gitlab-ci", tmp_path / "bad.yml").returncode == 1


def test_the_scripts_for_gitlab_are_sound(tmp_path: Path) -> None:
    """actionlint looks at those of the workflows, with shellcheck where that is installed."""
    for name, job in gitlab_jobs():
        script = "\n".join(["#!/bin/bash", *job["script"]])
        assert call("bash", "-n", said=script).returncode == 0, name
        if shutil.which("shellcheck"):
            assert (done := call("shellcheck", "-", said=script)).returncode == 0, f"{name}: {done.stdout}"


# --- who gets what -------------------------------------------------------------------------------------------------


def loaded(file: Path) -> dict[str, Any]:
    content = yaml.safe_load(file.read_text())
    assert isinstance(content, dict)
    return content


def github_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for file in WORKFLOWS:
        for name, job in loaded(file)["jobs"].items():
            yield f"{file.name}: {name}", job


def gitlab_jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, job in loaded(PIPELINE).items():
        if isinstance(job, dict) and "script" in job:
            yield name, job


def test_actions_are_the_platforms_own_and_pinned_with_their_version_beside() -> None:
    for file in WORKFLOWS:
        used = re.findall(r"uses: (.*)", file.read_text())
        assert used
        for each in used:
            assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", each), each


def test_workflows_take_nothing_for_granted() -> None:
    for file in WORKFLOWS:
        workflow = loaded(file)
        assert workflow["permissions"] == {}
        assert workflow["defaults"] == {"run": {"shell": "bash"}}
    for name, job in github_jobs():
        assert job["timeout-minutes"] <= 60, name
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False, name
                assert "ref" not in step["with"], f"{name} takes code of its choice"


def test_each_token_may_do_what_its_job_does_and_no_more() -> None:
    assert {name: job["permissions"] for name, job in github_jobs()} == {
        "buy.yml: plans": {"contents": "read", "actions": "read", "pull-requests": "read"},
        "buy.yml: buy": {"contents": "read"},
        "review.yml: declarations": {"contents": "read"},
        "review.yml: preview": {"contents": "read"},
        "review.yml: review": {"contents": "read", "pull-requests": "write"},
    }


def test_secrets_go_to_the_one_step_that_needs_them_and_belong_to_an_environment() -> None:
    holders = {}
    for name, job in github_jobs():
        outside = {key: value for key, value in job.items() if key != "steps"}
        assert "secrets." not in str(outside), name
        steps = [step for step in job["steps"] if "secrets." in str(step)]
        if steps:
            [step] = steps
            holders[name] = (job["environment"], step["name"])
    assert holders == {"review.yml: preview": ("review", "Preview"), "buy.yml: buy": ("purchases", "Buy")}


def test_only_one_step_may_buy() -> None:
    for file in WORKFLOWS:
        assert "YSPARTNER_PURCHASES" not in str({k: v for k, v in loaded(file).items() if k != "jobs"})
    allowed = [
        (name, step["name"], job["environment"])
        for name, job in github_jobs()
        for step in job["steps"]
        if step.get("env", {}).get("YSPARTNER_PURCHASES") == "allow"
    ]
    assert allowed == [("buy.yml: buy", "Buy", "purchases")]
    assert {name: job.get("variables", {}).get("YSPARTNER_PURCHASES") for name, job in gitlab_jobs()} == {
        "declarations": None,
        "preview": "deny",
        "review": None,
        "plans": None,
        "buy": "allow",
    }
    buy = dict(gitlab_jobs())["buy"]
    assert buy["environment"] == {"name": "purchases/$STACK"}
    assert buy["rules"][0]["when"] == "manual"


def test_a_purchase_is_never_interrupted_and_never_meets_another_of_its_stack() -> None:
    [job] = [job for name, job in github_jobs() if name == "buy.yml: buy"]
    assert job["concurrency"] == {"group": "stack-${{ matrix.stack }}", "cancel-in-progress": False}
    buy = dict(gitlab_jobs())["buy"]
    assert (buy["resource_group"], buy["interruptible"]) == ("$STACK", False)


# --- the example is of one piece -----------------------------------------------------------------------------------


def test_every_fleet_has_its_stack_in_both_pipelines() -> None:
    stacks = sorted(file.stem for file in (EXAMPLE / "fleets").glob("*.yaml"))

    jobs = loaded(EXAMPLE / ".github/workflows/review.yml")["jobs"]
    assert jobs["preview"]["strategy"]["matrix"]["stack"] == stacks
    for name in ("preview", "buy"):
        assert dict(gitlab_jobs())[name]["parallel"]["matrix"] == [{"STACK": stacks}]


def test_all_files_ask_for_the_same_cli() -> None:
    versions = {str(loaded(file)["env"]["PULUMI_VERSION"]) for file in WORKFLOWS}
    versions.add(str(loaded(PIPELINE)["variables"]["PULUMI_VERSION"]))

    assert len(versions) == 1


def test_its_requirements_are_this_package() -> None:
    """pip itself reads the file; nothing is fetched, as everything is here."""
    command = [sys.executable, "-m", "pip", "install", "--no-index", "--dry-run", "-r", EXAMPLE / "requirements.txt"]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "PIP_QUIET": "0"}
    )

    assert done.returncode == 0, done.stderr
    version = importlib.metadata.version("pulumi_yspartner")
    assert f"pulumi_yspartner[review]=={version}" in Path(EXAMPLE, "requirements.txt").read_text()
