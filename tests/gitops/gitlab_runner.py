"""Runs the pipeline of examples/gitops as GitLab does: rules, jobs by stage, matrices, variables, artefacts.

Only what that file uses is understood; anything else is an error, so that nothing is left out unnoticed. The file is
not the merge request's: it stands in a project of its own.
"""

from __future__ import annotations

import itertools
import re
import shutil
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import yaml
from engine_stack import ROOT
from forge import Forge, Job, Pull, Run, bash, git

FILE = ROOT / "examples" / "gitops" / ".gitlab-ci.yml"
PROJECT = "acme/pbxs"
KEYS = {"stage", "interruptible", "needs", "rules", "environment", "parallel", "variables", "script", "artifacts"}
KEYS |= {"resource_group", "timeout"}


def merge_request(forge: Forge, pull: Pull) -> Run:
    """What a push to a merge request starts."""
    variables = {
        "CI_PIPELINE_SOURCE": "merge_request_event",
        "CI_COMMIT_SHA": pull.head,
        "CI_MERGE_REQUEST_IID": str(pull.number),
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH": "somebody/pbxs" if pull.fork else PROJECT,
    }
    return _run(forge, f"refs/merge-requests/{pull.number}/head", variables)


def merged(forge: Forge, before: str, *, approved: bool = True) -> Run:
    """What a push to main starts. Without an approval, manual jobs wait."""
    variables = {"CI_PIPELINE_SOURCE": "push", "CI_COMMIT_SHA": forge.main, "CI_COMMIT_BRANCH": "main"}
    changed = git(forge.origin, "diff", "--name-only", before, forge.main).splitlines()
    return _run(forge, "refs/heads/main", variables, changed=changed, approved=approved)


def _run(
    forge: Forge, ref: str, variables: dict[str, str], *, changed: list[str] | None = None, approved: bool = True
) -> Run:
    file = yaml.safe_load(FILE.read_text())
    predefined = {
        **variables,
        "CI_PROJECT_PATH": PROJECT,
        "CI_PROJECT_ID": "7",
        "CI_DEFAULT_BRANCH": "main",
        "CI_API_V4_URL": f"{forge.url}/api/v4",
    }
    assert _applies(file["workflow"]["rules"], predefined, changed or [])
    run = Run(next(forge.ids), variables["CI_PIPELINE_SOURCE"], ref, variables["CI_COMMIT_SHA"])
    forge.runs.append(run)
    _Pipeline(forge, file, run, predefined, changed or [], approved).run_jobs()
    return run


@dataclass
class _Pipeline:
    forge: Forge
    file: dict[str, Any]
    run: Run
    predefined: dict[str, str]
    changed: list[str]
    approved: bool
    done: dict[str, list[Job]] = field(default_factory=dict)

    def run_jobs(self) -> None:
        jobs = {name: job for name, job in self.file.items() if isinstance(job, dict) and "script" in job}
        stages = self.file["stages"]
        for name, job in sorted(jobs.items(), key=lambda each: stages.index(each[1]["stage"])):
            assert set(job) <= KEYS, set(job) - KEYS
            rule = _applies(job["rules"], self.predefined, self.changed)
            if rule is None:
                continue
            matrices = [
                dict(zip(each, values, strict=True))
                for each in job.get("parallel", {}).get("matrix", [{}])
                for values in itertools.product(*each.values())
            ]
            self.done[name] = [self._run_job(name, job, rule, matrix) for matrix in matrices]

    def _run_job(self, name: str, job: dict[str, Any], rule: dict[str, Any], matrix: dict[str, str]) -> Job:
        shown = f"{name}: [{', '.join(matrix.values())}]" if matrix else name
        record = Job(next(self.forge.ids), shown, "skipped")
        self.run.jobs.append(record)
        needed = [each for need in job.get("needs", []) for each in self.done[_need(need)]]
        when = rule.get("when", "on_success")
        if when != "always" and any(each.result != "success" for each in needed):
            return record
        if when == "manual" and not self.approved:
            record.result = "waiting"
            return record
        _LoneJob(self, job, record, matrix, needed).run()
        return record


@dataclass
class _LoneJob:
    pipeline: _Pipeline
    job: dict[str, Any]
    record: Job
    matrix: dict[str, str]
    needed: list[Job]

    def run(self) -> None:
        forge = self.pipeline.forge
        place = forge.folder / "runners" / str(self.record.id)
        workspace = place / "workspace"
        workspace.mkdir(parents=True)
        commit = self.pipeline.predefined["CI_COMMIT_SHA"]
        git(workspace, "init", "--quiet")
        git(workspace, "remote", "add", "origin", forge.origin.as_uri())
        git(workspace, "fetch", "--quiet", "origin", commit)
        git(workspace, "checkout", "--quiet", "--detach", commit)
        env = {**forge.environment(place / "home"), **self.pipeline.predefined, **self.pipeline.file["variables"]}
        for need in self.needed:
            env |= need.outputs
            for artifact in forge.artifacts:
                if artifact.name == f"job-{need.id}":
                    shutil.copytree(artifact.folder, workspace, dirs_exist_ok=True)
        env |= {**self._variables(), **self.job.get("variables", {}), **self.matrix}
        env["PULUMI_VERSION"] = forge.version  # of the CLI at hand, so that none is installed
        code, self.record.log = bash(["--norc", "-eo", "pipefail"], "\n".join(self.job["script"]), workspace, env)
        self.record.result = "success" if code == 0 else "failure"
        self._keep(workspace)
        shutil.rmtree(place)

    def _variables(self) -> dict[str, str]:
        """The project's variables of the job's environment."""
        environment = self.job.get("environment", {})
        name = environment.get("name", "").replace("$STACK", self.matrix.get("STACK", ""))
        forge = self.pipeline.forge
        if name == "comment":
            return {"REVIEW_TOKEN": forge.token({"api": "write"})}
        if name == "review" or fnmatch(name, "purchases/*"):
            assert name == "review" or self.pipeline.predefined.get("CI_COMMIT_BRANCH") == "main"
            return {**forge.secrets, **forge.variables}
        assert name == ""
        return {}

    def _keep(self, workspace: Path) -> None:
        kept = self.job.get("artifacts", {})
        assert set(kept) <= {"reports", "paths", "when", "expire_in"}
        if self.record.result == "failure" and kept.get("when") != "always":
            return
        if "reports" in kept:
            lines = (workspace / kept["reports"]["dotenv"]).read_text().splitlines()
            self.record.outputs = dict(line.split("=", 1) for line in lines)
        collected = workspace.parent / "artifacts"
        for path in kept.get("paths", []):
            source = workspace / path
            if source.is_dir():
                shutil.copytree(source, collected / path)
            elif source.exists():
                collected.mkdir(exist_ok=True)
                shutil.copy(source, collected / path)
        if collected.exists():
            self.pipeline.forge.keep(f"job-{self.record.id}", self.pipeline.run.id, collected)


def _need(need: str | dict[str, str]) -> str:
    return need if isinstance(need, str) else need["job"]


def _applies(rules: list[dict[str, Any]], variables: dict[str, str], changed: list[str]) -> dict[str, Any] | None:
    """The first rule that holds."""
    for rule in rules:
        assert set(rule) <= {"if", "changes", "when", "allow_failure"}
        if _holds(rule["if"], variables) and all(
            any(_matches(name, pattern) for name in changed for pattern in rule["changes"])
            for _ in [None]
            if "changes" in rule
        ):
            return rule
    return None


def _holds(condition: str, variables: dict[str, str]) -> bool:
    def value(text: str) -> str:
        return variables.get(text[1:], "") if text.startswith("$") else text.strip('"')

    comparisons = [re.fullmatch(r"(\S+) == (\S+)", part) for part in condition.split(" && ")]
    return all(each is not None and value(each[1]) == value(each[2]) for each in comparisons)


def _matches(name: str, pattern: str) -> bool:
    assert pattern.endswith("/**/*")
    return name.startswith(pattern.removesuffix("**/*"))
