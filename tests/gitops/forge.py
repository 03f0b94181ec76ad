"""What GitHub and GitLab do around a pipeline: a repository, pull requests, comments, artefacts, and the API for them.

The API is a real HTTP server on loopback. It serves the calls that the pipelines make, checks what a token may do, and
records the calls. `gh`, `pip` and `apt-get` on a runner's PATH are stand-ins; everything else there is real.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from engine_stack import clean_environment

HERE = Path(__file__).parent
REPOSITORY = "acme/pbxs"
BOT = "github-actions[bot]"
MARK = "<!-- yspartner-review -->"
READ, WRITE = ("read", "write"), ("write",)
SECONDS = 100
"""For one step; it usually takes 2."""


@dataclass
class Comment:
    id: int
    author: str
    body: str


@dataclass
class Pull:
    """A pull request, or merge request."""

    number: int
    branch: str
    head: str
    fork: bool = False
    merged: str | None = None
    """The commit on main that it became."""
    comments: list[Comment] = field(default_factory=list)

    def reviews(self) -> list[str]:
        """The comments that pass for a review, the forge's own first."""
        marked = [comment for comment in self.comments if comment.body.startswith(MARK)]
        return [comment.body for comment in sorted(marked, key=lambda comment: comment.author != BOT)]


@dataclass
class Artifact:
    id: int
    name: str
    run: int
    folder: Path
    expired: bool = False


@dataclass
class Job:
    """A job that ran, or that was skipped."""

    id: int
    name: str
    result: str
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)


@dataclass(repr=False)
class Run:
    """A run of a workflow, or a pipeline."""

    id: int
    event: str
    path: str
    commit: str
    jobs: list[Job] = field(default_factory=list)
    """In the order in which they began."""

    @property
    def conclusion(self) -> str:
        """As the platform shows it: green or red."""
        return "failure" if any(job.result == "failure" for job in self.jobs) else "success"

    def job(self, name: str) -> Job:
        [found] = [job for job in self.jobs if job.name == name]
        return found

    @property
    def results(self) -> dict[str, str]:
        return {job.name: job.result for job in self.jobs}

    def __repr__(self) -> str:
        return "\n".join(f"--- {job.name}: {job.result}\n{job.log}\n{job.summary}" for job in self.jobs)


@dataclass(frozen=True)
class Backend:
    """Where the state of the example's stacks is: what makes `pulumi` use it, and which of that is secret."""

    variables: dict[str, str]
    secrets: dict[str, str] = field(default_factory=dict)


class Forge:
    """One repository on such a platform, with its runs."""

    def __init__(
        self, folder: Path, files: Path, cli: Path, secrets: Mapping[str, str], variables: Mapping[str, str]
    ) -> None:
        self.folder, self.cli, self.secrets, self.variables = folder, cli, dict(secrets), dict(variables)
        self.pulls: list[Pull] = []
        self.runs: list[Run] = []
        self.artifacts: list[Artifact] = []
        self.tokens: dict[str, dict[str, str]] = {}
        """Permissions by token."""
        self.calls: list[tuple[str, str]] = []
        self.ids = iter(range(1001, 10**6))
        self.origin, self.clone = folder / "origin.git", folder / "clone"
        folder.mkdir()
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        git(folder, "clone", "--quiet", self.origin.as_uri(), str(self.clone))
        shutil.copytree(files, self.clone, dirs_exist_ok=True)
        git(self.clone, "checkout", "--quiet", "-B", "main")
        self.commit("Declare the fleet")
        git(self.clone, "push", "--quiet", "origin", "main")
        self.runners = folder / "bin"
        self.runners.mkdir()
        for name in ("gh", "pip", "apt-get"):
            (self.runners / name).write_text(f'#!/bin/sh\nexec {sys.executable} {HERE / "stand_ins.py"} {name} "$@"\n')
            (self.runners / name).chmod(0o755)
        said = subprocess.run([cli / "pulumi", "version"], capture_output=True, text=True, check=True).stdout
        self.version = said.strip().removeprefix("v")
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self) -> Forge:
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    # --- what people do ---

    @property
    def main(self) -> str:
        return git(self.origin, "rev-parse", "main")

    def change(self, **files: str | None) -> None:
        """Write files (`fleets__customer_a=...` is fleets/customer-a.yaml); None deletes one."""
        for name, content in files.items():
            path = self.clone / f"{name.replace('__', '/').replace('_', '-')}.yaml"
            if content is None:
                path.unlink()
            else:
                path.write_text(content)

    def commit(self, message: str) -> str:
        git(self.clone, "add", "--all")
        git(self.clone, "commit", "--quiet", "--allow-empty", "--message", message)
        return git(self.clone, "rev-parse", "HEAD")

    def open(self, branch: str, *, fork: bool = False, **files: str | None) -> Pull:
        """Open a pull request that changes these files, from main as it is."""
        git(self.clone, "checkout", "--quiet", "-B", branch, self.main)  # what was written before is carried along
        self.change(**files)
        pull = Pull(len(self.pulls) + 1, branch, self.commit(f"Change {branch}"), fork)
        self.pulls.append(pull)
        self._push(pull)
        return pull

    def push(self, pull: Pull, **files: str | None) -> None:
        """Push one more commit to a pull request."""
        git(self.clone, "checkout", "--quiet", pull.branch)
        self.change(**files)
        pull.head = self.commit(f"Change {pull.branch} again")
        self._push(pull)

    def _push(self, pull: Pull) -> None:
        refs = [] if pull.fork else [f"refs/heads/{pull.branch}"]
        for ref in (*refs, f"refs/pull/{pull.number}/head", f"refs/merge-requests/{pull.number}/head"):
            git(self.clone, "push", "--quiet", "--force", "origin", f"{pull.head}:{ref}")

    def merge(self, pull: Pull) -> str:
        """Squash a pull request onto main; returns main's commit before."""
        before = self.main
        git(self.clone, "checkout", "--quiet", "-B", "main", before)
        git(self.clone, "merge", "--quiet", "--squash", pull.head)
        pull.merged = self.commit(f"Merge {pull.branch}")
        git(self.clone, "push", "--quiet", "origin", "main")
        return before

    # --- what a runner gets ---

    def environment(self, home: Path) -> dict[str, str]:
        """A runner's own environment: nothing of the developer's gets in, and nothing secret."""
        home.mkdir(parents=True, exist_ok=True)
        own = clean_environment(self.cli, home)
        del own["PULUMI_BACKEND_URL"], own["PULUMI_CONFIG_PASSPHRASE"]
        return {
            **own,
            "HOME": str(home),
            "PATH": f"{self.runners}{os.pathsep}{own['PATH']}",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "FORGE_URL": self.url,
        }

    def token(self, permissions: Mapping[str, str]) -> str:
        token = f"token-not-for-any-log-{next(self.ids)}"
        self.tokens[token] = dict(permissions)
        return token

    def finished(self, event: str, path: str, commit: str, result: str) -> Run:
        """A run of earlier, of one job."""
        run = Run(next(self.ids), event, path, commit)
        run.jobs.append(Job(next(self.ids), "review", result))
        self.runs.append(run)
        return run

    def keep(self, name: str, run: int, source: Path, *, overwrite: bool = True) -> None:
        """Keep a folder as an artefact of a run."""
        same = [each for each in self.artifacts if (each.name, each.run) == (name, run)]
        assert overwrite or not same, f"the artefact {name} exists already"
        self.artifacts = [each for each in self.artifacts if each not in same]
        number = next(self.ids)
        folder = self.folder / "artifacts" / str(number)
        shutil.copytree(source, folder)
        self.artifacts.append(Artifact(number, name, run, folder))

    def everything_written(self) -> Iterator[tuple[str, str]]:
        """All that runs said and left behind."""
        for run in self.runs:
            for job in run.jobs:
                yield f"the log of {job.name}", job.log
                yield f"the summary of {job.name}", job.summary
        for artifact in self.artifacts:
            for file in artifact.folder.rglob("*"):
                if file.is_file():
                    yield f"{artifact.name}/{file.name}", file.read_text(errors="replace")
        for pull in self.pulls:
            for comment in pull.comments:
                yield "a comment", comment.body

    def post(self, pull: Pull, author: str, body: str) -> Comment:
        comment = Comment(next(self.ids), author, body)
        pull.comments.append(comment)
        return comment


def git(folder: Path, *arguments: str) -> str:
    """Run git, as nobody in particular."""
    names = {f"GIT_{who}_{what}": "dev@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {**os.environ, **names, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    done = subprocess.run(["git", *arguments], cwd=folder, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(arguments)}:\n{done.stdout}{done.stderr}"
    return done.stdout.strip()


def bash(options: list[str], script: str, folder: Path, env: Mapping[str, str]) -> tuple[int, str]:
    """Run a script as a runner does; what it says on both outputs is one log."""
    file = folder.parent / "script.sh"
    file.write_text(script)
    done = subprocess.run(
        ["bash", *options, str(file)],
        cwd=folder,
        env=dict(env),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=SECONDS,
        check=False,
    )
    return done.returncode, done.stdout


# --- the API -------------------------------------------------------------------------------------------------------

Answer = tuple[int, Any]


class _Refused(Exception):
    pass


def _handler(forge: Forge) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            url = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(url.query).items()}
            sent = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
            forge.calls.append((self.command, url.path))
            headers: dict[str, str] = {}
            try:
                status, body = _serve(forge, self.command, url.path, query, sent, dict(self.headers.items()))
                if isinstance(body, list):
                    size, page = int(query.get("per_page", 30)), int(query.get("page", 1))
                    headers["x-next-page"] = str(page + 1) if page * size < len(body) else ""
                    body = body[(page - 1) * size : page * size]
            except _Refused as error:
                status, body = 403, {"message": str(error)}
            content = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = answer

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _serve(
    forge: Forge, method: str, path: str, query: dict[str, str], sent: str, headers: dict[str, str]
) -> tuple[int, Any]:
    for served_method, pattern, serve in _ROUTES:
        if method == served_method and (found := re.fullmatch(pattern, path)):
            token = headers.get("Authorization", "").removeprefix("Bearer ") or headers.get("PRIVATE-TOKEN", "")
            if token not in forge.tokens:
                return 401, {"message": "no such token"}
            return serve(_Call(forge, forge.tokens[token], found.groups(), query, sent))
    return 404, {"message": f"{method} {path} is not served"}


@dataclass
class _Call:
    forge: Forge
    permissions: dict[str, str]
    parts: tuple[str, ...]
    query: dict[str, str]
    sent: str

    def may(self, permission: str, *, write: bool = False) -> None:
        if self.permissions.get(permission) not in (WRITE if write else READ):
            raise _Refused(f"the token may not {'write' if write else 'read'} {permission}")

    @property
    def pull(self) -> Pull:
        [found] = [pull for pull in self.forge.pulls if str(pull.number) == self.parts[0]]
        return found

    def comment(self, number: str) -> Comment:
        comments = [comment for pull in self.forge.pulls for comment in pull.comments]
        [found] = [comment for comment in comments if str(comment.id) == number]
        return found

    @property
    def merged(self) -> list[Pull]:
        return [pull for pull in self.forge.pulls if pull.merged == self.parts[0]]

    def run(self, number: str) -> Run:
        [found] = [run for run in self.forge.runs if str(run.id) == number]
        return found


# GitHub


def _comments(call: _Call) -> Answer:
    call.may("pull-requests")
    return 200, [{"id": each.id, "user": {"login": each.author}, "body": each.body} for each in call.pull.comments]


def _post_comment(call: _Call) -> Answer:
    call.may("pull-requests", write=True)
    comment = call.forge.post(call.pull, BOT, json.loads(call.sent)["body"])
    return 201, {"id": comment.id}


def _patch_comment(call: _Call) -> Answer:
    call.may("pull-requests", write=True)
    comment = call.comment(call.parts[0])
    comment.body = json.loads(call.sent)["body"]
    return 200, {"id": comment.id}


def _pulls_of_commit(call: _Call) -> Answer:
    call.may("pull-requests")
    return 200, [
        {
            "number": pull.number,
            "merged_at": "2026-11-25T00:00:00Z",
            "merge_commit_sha": pull.merged,
            "head": {"sha": pull.head},
            "base": {"ref": "main"},
        }
        for pull in call.merged
    ]


def _artifacts(call: _Call) -> Answer:
    call.may("actions")
    named = [each for each in call.forge.artifacts if each.name == call.query["name"]]
    return 200, {
        "total_count": len(named),
        "artifacts": [
            {
                "id": each.id,
                "name": each.name,
                "expired": each.expired,
                "created_at": f"2026-11-25T00:00:00.{each.id:06}Z",
                "workflow_run": {"id": each.run},
            }
            for each in named
        ],
    }


def _run(call: _Call) -> Answer:
    call.may("actions")
    run = call.run(call.parts[0])
    return 200, {"id": run.id, "event": run.event, "path": run.path, "conclusion": run.conclusion}


# GitLab


def _user(_: _Call) -> Answer:
    return 200, {"id": BOT}


def _notes(call: _Call) -> Answer:
    call.may("api")
    return 200, [{"id": each.id, "author": {"id": each.author}, "body": each.body} for each in call.pull.comments]


def _post_note(call: _Call) -> Answer:
    call.may("api", write=True)
    comment = call.forge.post(call.pull, BOT, parse_qs(call.sent)["body"][0])
    return 201, {"id": comment.id}


def _put_note(call: _Call) -> Answer:
    call.may("api", write=True)
    comment = call.comment(call.parts[1])
    if comment.author != BOT:
        raise _Refused("somebody else's note")
    comment.body = parse_qs(call.sent)["body"][0]
    return 200, {"id": comment.id}


def _merge_requests_of_commit(call: _Call) -> Answer:
    call.may("api")
    return 200, [
        {
            "iid": pull.number,
            "state": "merged",
            "target_branch": "main",
            "merge_commit_sha": None,
            "squash_commit_sha": pull.merged,
            "sha": pull.head,
        }
        for pull in call.merged
    ]


def _pipelines(call: _Call) -> Answer:
    call.may("api")
    return 200, [
        {"id": run.id, "source": run.event, "sha": run.commit, "status": "failed" if red else "success"}
        for run in call.forge.runs
        if run.path == f"refs/merge-requests/{call.pull.number}/head"
        for red in [run.conclusion == "failure"]
    ]


def _pipeline_jobs(call: _Call) -> Answer:
    call.may("api")
    return 200, [{"id": job.id, "name": job.name, "status": job.result} for job in call.run(call.parts[0]).jobs]


def _job_artifacts(call: _Call) -> Answer:
    call.may("api")
    [artifact] = [each for each in call.forge.artifacts if each.name == f"job-{call.parts[0]}"]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for file in sorted(artifact.folder.rglob("*")):
            archive.write(file, file.relative_to(artifact.folder))
    return 200, content.getvalue()


_GITHUB = f"/repos/{REPOSITORY}"
_GITLAB = "/api/v4/projects/7"
_ROUTES: list[tuple[str, str, Callable[[_Call], Answer]]] = [
    ("GET", rf"{_GITHUB}/issues/(\d+)/comments", _comments),
    ("POST", rf"{_GITHUB}/issues/(\d+)/comments", _post_comment),
    ("PATCH", rf"{_GITHUB}/issues/comments/(\d+)", _patch_comment),
    ("GET", rf"{_GITHUB}/commits/(\w+)/pulls", _pulls_of_commit),
    ("GET", rf"{_GITHUB}/actions/artifacts", _artifacts),
    ("GET", rf"{_GITHUB}/actions/runs/(\d+)", _run),
    ("GET", "/api/v4/user", _user),
    ("GET", rf"{_GITLAB}/merge_requests/(\d+)/notes", _notes),
    ("POST", rf"{_GITLAB}/merge_requests/(\d+)/notes", _post_note),
    ("PUT", rf"{_GITLAB}/merge_requests/(\d+)/notes/(\d+)", _put_note),
    ("GET", rf"{_GITLAB}/repository/commits/(\w+)/merge_requests", _merge_requests_of_commit),
    ("GET", rf"{_GITLAB}/merge_requests/(\d+)/pipelines", _pipelines),
    ("GET", rf"{_GITLAB}/pipelines/(\d+)/jobs", _pipeline_jobs),
    ("GET", rf"{_GITLAB}/jobs/(\d+)/artifacts", _job_artifacts),
]
