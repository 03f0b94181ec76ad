"""Runs the workflows of examples/gitops as GitHub does: triggers, jobs, matrices, conditions, steps, artefacts.

Only what those workflows use is understood; anything else is an error, so that nothing is left out unnoticed.
"""

from __future__ import annotations

import itertools
import json
import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from forge import REPOSITORY, Forge, Job, Pull, Run, bash, git

WORKFLOWS = ".github/workflows"
MAIN_ONLY = ("review", "purchases")
"""Environments whose secrets only jobs on main get."""


def pull_request(forge: Forge, pull: Pull) -> Run:
    """What a push to a pull request starts: main's workflow, on main's commit."""
    head = {"sha": pull.head, "repo": {"full_name": "somebody/pbxs" if pull.fork else REPOSITORY}}
    event = {"pull_request": {"number": pull.number, "head": head}}
    return _run(forge, "review.yml", "pull_request_target", event)


def merged(forge: Forge, before: str, *, approved: bool = True) -> Run:
    """What a push to main starts. Without an approval, jobs of the environment `purchases` wait."""
    return _run(forge, "buy.yml", "push", {"before": before}, approved=approved)


def _run(forge: Forge, file: str, event_name: str, event: dict[str, Any], *, approved: bool = True) -> Run:
    path = f"{WORKFLOWS}/{file}"
    workflow = yaml.safe_load(git(forge.origin, "show", f"main:{path}"))
    triggers = workflow[True]  # YAML 1.1 reads `on` as true
    assert triggers == {event_name: {"branches": ["main"]}}
    run = Run(next(forge.ids), event_name, path, forge.main)
    forge.runs.append(run)
    github = {
        "event": event,
        "repository": REPOSITORY,
        "sha": forge.main,
        "ref": "refs/heads/main",
        "workflow": workflow["name"],
    }
    _Workflow(forge, workflow, run, github, approved).run_jobs()
    return run


@dataclass
class _Workflow:
    forge: Forge
    workflow: dict[str, Any]
    run: Run
    github: dict[str, Any]
    approved: bool
    needs: dict[str, dict[str, Any]] = field(default_factory=dict)

    def run_jobs(self) -> None:
        for name, job in self.workflow["jobs"].items():
            needs = {need: self.needs[need] for need in _listed(job.get("needs"))}
            if not self._wanted(job, needs):
                self.needs[name] = {"result": "skipped", "outputs": {}}
                self.run.jobs.append(Job(next(self.forge.ids), name, "skipped"))
                continue
            done = [self._run_job(name, job, needs, matrix) for matrix in self._matrices(job, needs)]
            results = {each.result for each in done}
            result = next(each for each in ("failure", "waiting", "success") if each in results)
            self.needs[name] = {"result": result, "outputs": done[-1].outputs}

    def _wanted(self, job: dict[str, Any], needs: dict[str, Any]) -> bool:
        good = all(need["result"] == "success" for need in needs.values())
        return _condition(job.get("if"), {"github": self.github, "needs": needs}, good=good)

    def _matrices(self, job: dict[str, Any], needs: dict[str, Any]) -> list[dict[str, str]]:
        matrix = job.get("strategy", {}).get("matrix", {})
        values = {name: evaluated(value, {"needs": needs}) for name, value in matrix.items()}
        return [dict(zip(values, each, strict=True)) for each in itertools.product(*values.values())]

    def _run_job(self, name: str, job: dict[str, Any], needs: dict[str, Any], matrix: dict[str, str]) -> Job:
        shown = f"{name} ({', '.join(matrix.values())})" if matrix else name
        record = Job(next(self.forge.ids), shown, "waiting")
        self.run.jobs.append(record)
        environment = job.get("environment")
        assert environment is None or (environment in MAIN_ONLY and self.github["ref"] == "refs/heads/main")
        if environment == "purchases" and not self.approved:
            return record
        has = environment is not None
        token = self.forge.token(job["permissions"])  # each job says what its token may
        contexts = {
            "github": {**self.github, "token": token},
            "secrets": self.forge.secrets if has else {},
            "vars": self.forge.variables if has else {},
            "needs": needs,
            "matrix": matrix,
        }
        _Job(self, job, record, contexts).run_steps()
        return record


@dataclass
class _Job:
    workflow: _Workflow
    job: dict[str, Any]
    record: Job
    contexts: dict[str, Any]
    steps: dict[str, dict[str, Any]] = field(default_factory=dict)
    path: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.forge = self.workflow.forge
        self.place = self.forge.folder / "runners" / str(self.record.id)
        self.workspace = self.place / "workspace"
        self.workspace.mkdir(parents=True)
        self.contexts["steps"] = self.steps

    def run_steps(self) -> None:
        good = True
        for step in self.job["steps"]:
            if not _condition(step.get("if"), self.contexts, good=good):
                self._note(step, "skipped", {})
                continue
            self.record.log += f"\n# {step.get('name') or step.get('uses') or step['run']}\n"
            failed = self._use(step) if "uses" in step else self._run(step)
            good = good and not failed
        self.record.result = "success" if good else "failure"
        self.record.outputs = {
            name: str(evaluated(value, self.contexts)) for name, value in self.job.get("outputs", {}).items()
        }
        shutil.rmtree(self.place)

    def _note(self, step: dict[str, Any], outcome: str, outputs: dict[str, str]) -> None:
        if "id" in step:
            self.steps[step["id"]] = {"outcome": outcome, "outputs": outputs}

    # --- a script ---

    def _run(self, step: dict[str, Any]) -> bool:
        # A shell that is named is stricter than the default one.
        shell = self.workflow.workflow.get("defaults", {}).get("run", {}).get("shell")
        options = {"bash": ["--noprofile", "--norc", "-eo", "pipefail"], None: ["-e"]}[shell]
        files = {name: self.place / name for name in ("output", "summary", "path")}
        for file in files.values():
            file.write_text("")
        env = {
            **self.forge.environment(self.place / "home"),
            "GITHUB_OUTPUT": str(files["output"]),
            "GITHUB_STEP_SUMMARY": str(files["summary"]),
            "GITHUB_PATH": str(files["path"]),
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_SHA": self.contexts["github"]["sha"],
        }
        for level in (self.workflow.workflow, self.job, step):
            env |= {name: str(evaluated(value, self.contexts)) for name, value in level.get("env", {}).items()}
        env["PULUMI_VERSION"] = self.forge.version  # of the CLI at hand, so that none is installed
        assert "${{" not in step["run"], "a value that is put into a script is code"
        code, said = bash(options, step["run"], self.workspace, env)
        self.record.log += said + ("" if code == 0 else f"(exit code {code})\n")
        self.record.summary += files["summary"].read_text()
        outputs = dict(line.split("=", 1) for line in files["output"].read_text().splitlines())
        self._note(step, "success" if code == 0 else "failure", outputs)
        return code != 0

    # --- actions ---

    def _use(self, step: dict[str, Any]) -> bool:
        action, _, version = step["uses"].partition("@")
        assert re.fullmatch("[0-9a-f]{40}", version)
        given = {name: evaluated(value, self.contexts) for name, value in step.get("with", {}).items()}
        acts = {
            "actions/checkout": self._checkout,
            "actions/setup-python": lambda _: None,
            "actions/upload-artifact": self._upload,
            "actions/download-artifact": self._download,
        }
        acts[action](given)
        self._note(step, "success", {})
        return False

    def _checkout(self, given: dict[str, Any]) -> None:
        assert set(given) <= {"fetch-depth", "persist-credentials"}
        assert given["persist-credentials"] is False
        assert self.job["permissions"]["contents"] == "read"
        depth = [] if given.get("fetch-depth") == 0 else ["--depth", "1"]
        git(self.workspace, "init", "--quiet")
        git(self.workspace, "remote", "add", "origin", self.forge.origin.as_uri())
        wanted = [self.contexts["github"]["sha"]] if depth else ["+refs/heads/*:refs/remotes/origin/*"]
        git(self.workspace, "fetch", "--quiet", *depth, "origin", *wanted)
        git(self.workspace, "checkout", "--quiet", "--detach", self.contexts["github"]["sha"])

    def _upload(self, given: dict[str, Any]) -> None:
        assert set(given) <= {"name", "path", "overwrite", "retention-days"}
        source = self.workspace / given["path"]
        if source.exists():  # otherwise the action only warns
            self.forge.keep(given["name"], self.workflow.run.id, source, overwrite=given.get("overwrite", False))

    def _download(self, given: dict[str, Any]) -> None:
        assert set(given) <= {"name", "pattern", "merge-multiple", "path", "run-id", "github-token"}
        run = self.workflow.run.id
        if "run-id" in given:  # of another run: that takes a token
            run = int(given["run-id"])
            assert self.forge.tokens[given["github-token"]]["actions"] == "read"
        pattern = given.get("pattern", given.get("name"))
        found = [each for each in self.forge.artifacts if each.run == run and Path(each.name).match(pattern)]
        assert found, f"no artefact {pattern}"
        assert len(found) == 1 or given["merge-multiple"] is True
        for artifact in found:
            shutil.copytree(artifact.folder, self.workspace / given["path"], dirs_exist_ok=True)


# --- expressions ---------------------------------------------------------------------------------------------------


def evaluated(value: Any, contexts: dict[str, Any]) -> Any:
    """A value of the file with its `${{ ... }}` evaluated; one that is nothing else keeps its type."""
    if not isinstance(value, str):
        return value
    if whole := re.fullmatch(r"\$\{\{(.*)\}\}", value):
        return _expression(whole[1], contexts, good=True)
    return re.sub(r"\$\{\{(.*?)\}\}", lambda found: str(_expression(found[1], contexts, good=True)), value)


def _condition(text: str | None, contexts: dict[str, Any], *, good: bool) -> bool:
    """An `if`; without a function that asks for the status, it implies success."""
    if text is None:
        return good
    holds = bool(_expression(text, contexts, good=good))
    return holds if re.search(r"always\(\)|cancelled\(\)", text) else good and holds


_TOKEN = re.compile(r"\s*('[^']*'|==|!=|&&|\|\||[()]|[\w.-]+)")


def _expression(text: str, contexts: dict[str, Any], *, good: bool) -> Any:
    """An expression, by way of Python's own; strings, names, comparisons, `and`, `or` and a few functions."""
    known = {"&&": "and", "||": "or", "==": "==", "!=": "!=", "(": "(", ")": ")", "always": "always"}
    values: dict[str, Any] = {"always": lambda: True, "fromJSON": json.loads}
    python = []
    rest = text.strip()
    while rest:
        found = _TOKEN.match(rest)
        assert found, f"not understood: {rest}"
        token, rest = found[1], rest[found.end() :].lstrip()
        if token in known or token in values:
            python.append(known.get(token, token))
        else:
            name = f"value{len(values)}"
            values[name] = token[1:-1] if token.startswith("'") else _looked_up(token, contexts)
            python.append(name)
    return eval(" ".join(python), {"__builtins__": {}}, values)


def _looked_up(name: str, contexts: dict[str, Any]) -> Any:
    first, *parts = name.split(".")
    value: Any = contexts[first]
    for part in parts:
        value = value.get(part, "") if isinstance(value, dict) else ""
    return value


def _listed(value: str | list[str] | None) -> list[str]:
    return [value] if isinstance(value, str) else value or []
