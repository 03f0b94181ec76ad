"""tools/browser with stand-ins for browsers, apt-get and Playwright's download site: nothing real is installed."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType

import pytest
from browser_fixtures import TOOL, ensure_tool

SHOWS_PAGES = "echo '<html><head></head><body><p>ready</p></body></html>'"
STUB = "echo 'requires the chromium snap to be installed' >&2; exit 10"
BEHIND_A_PROXY_THAT_IS_AWAY = "http://127.0.0.1:9"  # nobody listens on the discard port


def executable(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def fake_apt(directory: Path, installs: str = SHOWS_PAGES) -> Path:
    """An apt-get that notes its calls and puts a chromium beside itself."""
    return executable(
        directory / "apt-get",
        f"""echo "$DEBIAN_FRONTEND $*" >> {directory}/calls
        case "$*" in
        *install*) printf '#!/bin/sh\\n%s\\n' "{installs.replace('"', chr(92) + '"')}" > {directory}/chromium
            /bin/chmod +x {directory}/chromium ;;
        esac""",
    )


@pytest.fixture
def bin_directory(tmp_path: Path) -> Path:
    (tmp_path / "bin").mkdir()
    return tmp_path / "bin"


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, bin_directory: Path, tmp_path: Path) -> None:
    """Nothing on PATH but what a test puts there, nothing of Playwright's, and no way out to the network."""
    monkeypatch.setenv("PATH", str(bin_directory))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path / "playwright"))
    monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_CONNECTION_TIMEOUT", "2000")
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, BEHIND_A_PROXY_THAT_IS_AWAY)
    for name in ("YSPARTNER_BROWSER", "NO_PROXY", "no_proxy", "PLAYWRIGHT_DOWNLOAD_HOST"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tool(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The tool on a machine whose usual places are empty."""
    tool = ensure_tool()
    monkeypatch.setattr(tool, "USUAL_PLACES", ())
    return tool


def printed(tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = tool.main()
    told = capsys.readouterr()
    return code, told.out, told.err


class TestThisMachine:
    @pytest.mark.parametrize(
        "name", ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    )
    def test_one_on_path_is_taken(self, bin_directory: Path, name: str) -> None:
        browser = executable(bin_directory / name, SHOWS_PAGES)
        done = subprocess.run([sys.executable, TOOL], capture_output=True, text=True, check=False, timeout=60)
        assert (done.returncode, done.stdout) == (0, f"{browser}\n")
        assert f"{browser} shows pages" in done.stderr

    def test_a_stub_is_passed_over(self, tool: ModuleType, bin_directory: Path) -> None:
        executable(bin_directory / "chromium", STUB)
        browser = executable(bin_directory / "google-chrome", SHOWS_PAGES)
        assert tool.on_this_machine() == browser

    def test_one_that_shows_nothing_is_no_browser(self, tool: ModuleType, bin_directory: Path) -> None:
        executable(bin_directory / "chromium", "echo Chromium 156.0")
        with pytest.raises(tool.Unavailable, match="chromium shows no page"):
            tool.on_this_machine()

    def test_one_that_hangs_is_given_up(
        self, tool: ModuleType, bin_directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tool, "SHOW_SECONDS", 0.3)
        executable(bin_directory / "chromium", "exec /bin/sleep 30")
        with pytest.raises(tool.Unavailable, match="was not done after"):
            tool.on_this_machine()

    def test_a_usual_place_will_do(self, tool: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        browser = executable(tmp_path / "Chromium.app" / "Chromium", SHOWS_PAGES)
        monkeypatch.setattr(tool, "USUAL_PLACES", (str(tmp_path / "absent"), str(browser)))
        assert tool.on_this_machine() == browser


class TestNamed:
    def test_the_named_one_wins(
        self, tool: ModuleType, bin_directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        executable(bin_directory / "chromium", SHOWS_PAGES)
        browser = executable(tmp_path / "mine", SHOWS_PAGES)
        monkeypatch.setenv("YSPARTNER_BROWSER", str(browser))
        assert tool.ensure() == browser

    def test_no_other_is_taken_in_its_place(
        self,
        tool: ModuleType,
        bin_directory: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        executable(bin_directory / "chromium", SHOWS_PAGES)
        monkeypatch.setenv("YSPARTNER_BROWSER", "/nowhere/chrome")
        code, out, err = printed(tool, capsys)
        assert (code, out) == (1, "")
        assert "YSPARTNER_BROWSER is /nowhere/chrome" in err


class TestPlaywright:
    """The real Playwright, with a download site of ours."""

    @pytest.fixture
    def site(self, tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
        """A download site; its value are the paths that it was asked for."""
        folder, program = tool.playwrights_place().parts[-2:]
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for name in (f"{folder}/{program}", "ffmpeg-linux", "ffmpeg-mac"):
                entry = zipfile.ZipInfo(name)
                entry.external_attr = 0o755 << 16
                archive.writestr(entry, f"#!/bin/sh\n{SHOWS_PAGES}\n")
        asked_for: list[str] = []

        class Site(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked_for.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(packed.getvalue())))
                self.end_headers()
                self.wfile.write(packed.getvalue())

            def log_message(self, *_: object) -> None:
                pass

        with ThreadingHTTPServer(("127.0.0.1", 0), Site) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            monkeypatch.setenv("PLAYWRIGHT_DOWNLOAD_HOST", f"http://127.0.0.1:{server.server_port}")
            yield asked_for
            server.shutdown()
            thread.join()

    def test_it_installs_its_own_where_there_is_none_and_finds_it_again(
        self, tool: ModuleType, site: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        place = tool.playwrights_place()
        assert not place.exists()
        code, out, err = printed(tool, capsys)
        assert (code, out) == (0, f"{place}\n"), err
        assert any("chrom" in path for path in site)
        site.clear()
        assert printed(tool, capsys)[:2] == (0, f"{place}\n")
        assert site == []


class TestApt:
    def test_root_on_debian_gets_the_package(
        self, tool: ModuleType, bin_directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake_apt(bin_directory)
        monkeypatch.setattr(tool, "is_root", lambda: True)
        assert tool.by_apt() == bin_directory / "chromium"
        update, install = (bin_directory / "calls").read_text().splitlines()
        assert update == "noninteractive -o DPkg::Lock::Timeout=300 update"
        assert install == ("noninteractive -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends chromium")

    def test_a_package_that_is_a_stub_is_not_enough(
        self, tool: ModuleType, bin_directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake_apt(bin_directory, installs="exit 10")
        monkeypatch.setattr(tool, "is_root", lambda: True)
        with pytest.raises(tool.Unavailable, match="chromium ended with code 10"):
            tool.by_apt()

    def test_others_than_root_are_told(
        self, tool: ModuleType, bin_directory: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fake_apt(bin_directory)
        monkeypatch.setattr(tool, "is_root", lambda: False)
        with pytest.raises(tool.Unavailable, match="needs root"):
            tool.by_apt()
        assert not (bin_directory / "calls").exists()


class TestNothingThere:
    def test_says_what_was_tried_and_what_helps(self, tool: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
        code, out, err = printed(tool, capsys)
        assert (code, out) == (1, "")
        assert "Traceback" not in err
        told = err[err.index("no usable Chromium") :]
        for part in (
            "this machine: none there",
            "Playwright's own: none in",
            "installing with Playwright: ",
            "no apt-get",
        ):
            assert part in told
        assert "Any one of these helps" in told


def test_root_goes_without_chromiums_sandbox(tool: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert "--no-sandbox" in tool.flags()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "--no-sandbox" not in tool.flags()
