"""The pipelines of examples/gitops, run as they stand, on the real engine and a sandbox."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ENGINE = Path(__file__).parents[1] / "engine"
sys.path.insert(0, str(ENGINE))

# Its fixtures, under a name of their own: both files are called conftest.
_spec = importlib.util.spec_from_file_location("engine_conftest", ENGINE / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_engine = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_engine)

pulumi_cli = _engine.pulumi_cli

from engine_stack import BRANCH, DEPOT, HQ, ROOT, WatchedPortal, clean_environment  # noqa: E402
from forge import Backend, Forge  # noqa: E402

from pulumi_yspartner.sandbox import SandboxServer  # noqa: E402

EXAMPLE = ROOT / "examples" / "gitops"
STACKS = ("customer-a", "customer-b")
PASSPHRASE = "not-for-any-log-0815"


@pytest.fixture(scope="session")
def tools() -> None:
    """What the pipelines' scripts use of a runner's image must be here, too."""
    if missing := [name for name in ("bash", "git", "jq", "curl") if shutil.which(name) is None]:
        pytest.fail(f"The scripts of examples/gitops need {', '.join(missing)}.", pytrace=False)
    git_version = subprocess.run(["git", "version"], capture_output=True, text=True, check=True).stdout.split()[2]
    if tuple(int(part) for part in git_version.split(".")[:2]) < (2, 38):
        pytest.fail(f"The scripts of examples/gitops need git 2.38 or newer, and this is {git_version}.", pytrace=False)


@pytest.fixture(scope="session")
def empty_fleet(tools: None, pulumi_cli: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The example's files and the state of its stacks, which are empty: `stack init` takes as long as a preview."""
    folder = tmp_path_factory.mktemp("empty-fleet")
    shutil.copytree(EXAMPLE, folder / "files", ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "state").mkdir()
    for stack in STACKS:
        subprocess.run(
            [pulumi_cli / "pulumi", "stack", "init", stack, "--non-interactive", "--color=never"],
            cwd=folder / "files",
            env={
                **clean_environment(pulumi_cli, folder),
                "PULUMI_BACKEND_URL": (folder / "state").as_uri(),
                "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            },
            check=True,
            capture_output=True,
        )
    return folder


@pytest.fixture
def portal() -> WatchedPortal:
    """A portal with the PBXs of the example: `hq` and `depot` are short, `branch` is not."""
    portal = WatchedPortal()
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    portal.add_pbx(DEPOT, extensions=20, concurrent_calls=10)
    return portal


@pytest.fixture
def backend(empty_fleet: Path, tmp_path: Path) -> Backend:
    """A folder."""
    shutil.copytree(empty_fleet / "state", tmp_path / "state")
    return Backend({"PULUMI_BACKEND_URL": (tmp_path / "state").as_uri()})


@pytest.fixture
def forge(
    pulumi_cli: Path, empty_fleet: Path, backend: Backend, portal: WatchedPortal, tmp_path: Path
) -> Iterator[Forge]:
    """A repository with the example on main, whose stacks are empty, and the secrets of both environments.

    Afterwards, whatever the test was about: nothing secret was said or kept anywhere.
    """
    files = shutil.copytree(empty_fleet / "files", tmp_path / "files")
    with SandboxServer(portal) as server:
        for stack in STACKS:
            with (files / f"Pulumi.{stack}.yaml").open("a") as file:
                file.write(f"config:\n  yspartner:baseUrl: {server.url}\n")
        secrets = {
            "YSPARTNER_CLIENT_ID": portal.client_id,
            "YSPARTNER_CLIENT_SECRET": portal.client_secret,
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            **backend.secrets,
        }
        with Forge(tmp_path / "forge", files, pulumi_cli, secrets, backend.variables) as forge:
            yield forge
    for where, text in forge.everything_written():
        for secret in (portal.client_secret, PASSPHRASE, *backend.secrets.values(), *portal.tokens, *forge.tokens):
            assert secret not in text, f"a secret is in {where}"
        assert "Traceback" not in text, f"a traceback is in {where}:\n{text}"
