"""Counts from the PBXs' own API, against the sandbox; and which source a PBX's counts are read from."""

from __future__ import annotations

import json
import logging
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
import uvicorn

from pulumi_yspartner.errors import SettingsError
from pulumi_yspartner.partner import Account, connect
from pulumi_yspartner.sandbox import DIALECTS, PBX_CLIENT_ID, PBX_CLIENT_SECRET, Dialect, Fault, Portal, SandboxServer
from pulumi_yspartner.sandbox.app import create_app
from pulumi_yspartner.settings import Settings, load
from pulumi_yspartner.sources import CountsRead, capacity_source
from pulumi_yspartner.sources.pbx import PbxSource

A, B, C = "3651D3296882", "3651D3296883", "3651D3296884"
COUNTS = {"extensions": 50, "concurrent_calls": 12}


class Watched(Portal):
    """A portal, with PBXs, that remembers every token."""

    def __init__(self) -> None:
        self.tokens: list[str] = []
        super().__init__()

    def issue_tokens(self, audience: str = "") -> tuple[str, str]:
        tokens = super().issue_tokens(audience)
        self.tokens += tokens
        return tokens


@pytest.fixture
def portal() -> Watched:
    portal = Watched()
    for serial in (A, B, C):
        portal.add_pbx(serial, extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def server(portal: Watched) -> Iterator[SandboxServer]:
    with SandboxServer(portal) as server:
        yield server


def access(url: str, **changes: str) -> dict[str, str]:
    return {"url": url, "clientId": PBX_CLIENT_ID, "clientSecret": PBX_CLIENT_SECRET, **changes}


def settings_for(server: SandboxServer, *serials: str, **more: Any) -> Settings:
    pbxs = {serial: access(server.pbx_url(serial)) for serial in serials} | more.pop("pbxs", {})
    config = {"capacitySource": "pbx", "pbxTimeout": "2", **more}
    base = {"baseUrl": server.url, "clientId": "sandbox", "clientSecret": "sandbox-secret", "pbxs": json.dumps(pbxs)}
    return load({**base, **config}, {})


def read_pbx(settings: Settings, *serials: str) -> dict[str, CountsRead]:
    async def read() -> dict[str, CountsRead]:
        return await PbxSource(settings).read(serials)

    return anyio.run(read)


def read_fleet(settings: Settings, *serials: str, times: int = 1) -> dict[str, CountsRead]:
    """As a run does: by the source that the settings name."""

    async def read() -> dict[str, CountsRead]:
        async with connect(settings) as client:
            source = capacity_source(Account(client, settings), settings)
            for _ in range(times):
                found = await source.read(serials)
            return found

    return anyio.run(read)


def no_used(read: dict[str, CountsRead]) -> dict[str, Any]:
    return {serial: dict(each.counts) for serial, each in read.items()}


# --- what is read ---


def test_counts_and_what_is_in_use(server: SandboxServer) -> None:
    read = read_pbx(settings_for(server, A, B), A, B)

    assert no_used(read) == {A: COUNTS, B: COUNTS}
    assert read[A].used == {"extensions": 10, "concurrent_calls": 0}
    assert read[A].unreadable is None


def test_a_token_is_kept_and_renewed_when_the_pbx_ends_it(server: SandboxServer, portal: Watched) -> None:
    source = PbxSource(settings_for(server, A))

    async def read() -> None:
        assert (await source.read([A]))[A].counts == COUNTS
        assert (await source.read([A]))[A].counts == COUNTS
        assert portal.count("pbx.token") == 1
        portal.clock.advance(hours=1)  # ended at the PBX, not yet by our clock
        assert (await source.read([A]))[A].counts == COUNTS
        assert portal.count("pbx.token") == 2

    anyio.run(read)


def test_a_token_is_renewed_before_its_end(server: SandboxServer, portal: Watched) -> None:
    portal.behaviour.token_life = 0
    source = PbxSource(settings_for(server, A))

    async def read() -> None:
        await source.read([A])
        portal.behaviour.token_life = 1800
        assert (await source.read([A]))[A].counts == COUNTS
        assert portal.count("pbx.token") >= 2

    anyio.run(read)


# --- what goes wrong is said of that PBX, and of no other ---


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("pbx.token:status=400x*", "did not accept its clientId and clientSecret in yspartner:pbxs"),
        ("pbx.token:not_successx*", "errcode 10002"),
        ("pbx.capacity:not_successx*", "it refused the request"),
        ("pbx.capacity:htmlx*", "not the documented JSON"),
        ("pbx.capacity:emptyx*", "not the documented JSON"),
        ("pbx.capacity:garbagex*", "not the documented JSON"),
        ("pbx.capacity:truncatedx*", "cut before the answer was complete"),
        ("pbx.capacity:cut_beforex*", "cut before the answer was complete"),
        ("pbx.capacity:gateway_beforex*", "status 502"),
        ("pbx.capacity:status=503x*", "it could not answer"),
        ("pbx.capacity:retry_after=30x*", "status 429"),
        ("pbx.capacity:redirectx*", "answered with a redirect"),
        ("pbx.capacity:timeout_beforex*", "no answer within"),
        ("pbx.token:timeout_beforex*", "POST get_token"),
    ],
)
def test_a_pbx_in_trouble_names_itself_and_leaves_the_others_alone(
    server: SandboxServer, portal: Watched, fault: str, said: str
) -> None:
    spoiled = portal.faults.add(fault)
    spoiled.serial_number = A
    started = time.monotonic()

    read = read_pbx(settings_for(server, A, B), A, B)

    assert read[A].counts == {}
    problem = read[A].unreadable or ""
    assert said in problem
    assert f"PBX {A}" in problem
    assert "127.0.0.1" not in problem
    assert no_used(read)[B] == COUNTS
    assert time.monotonic() - started < 4, "pbxTimeout is 2 s"
    for secret in (PBX_CLIENT_SECRET, *portal.tokens):
        assert secret not in problem


@pytest.mark.parametrize("fault", ["pbx.capacity:status=503", "pbx.token:cut_after", "pbx.capacity:html"])
def test_a_short_trouble_is_repeated(server: SandboxServer, portal: Watched, fault: str) -> None:
    portal.faults.add(fault)

    assert read_pbx(settings_for(server, A, pbxTimeout="10"), A)[A].counts == COUNTS


def test_nobody_listens(server: SandboxServer) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        read = read_pbx(settings_for(server, B, pbxs={A: access(url)}), A, B)

    assert "no connection to its url in yspartner:pbxs could be made" in str(read[A].unreadable)
    assert no_used(read)[B] == COUNTS


def test_wrong_credentials(server: SandboxServer) -> None:
    wrong = access(server.pbx_url(A), clientSecret="wrong-0815")
    read = read_pbx(settings_for(server, pbxs={A: wrong}), A)

    assert "did not accept its clientId and clientSecret in yspartner:pbxs" in str(read[A].unreadable)
    assert "errcode 10004" in str(read[A].unreadable)
    assert "wrong-0815" not in str(read[A].unreadable)


def changed(**fields: Any) -> Callable[[str, Any], Any]:
    """Capacity answers with other fields; None takes one away."""

    def rewrite(endpoint: str, result: Any) -> Any:
        if endpoint != "pbx.capacity":
            return result
        data = {**result["data"], **fields}
        return {"data": {name: value for name, value in data.items() if value is not None}}

    return rewrite


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"extension_capacity": None},
            "holds no extension_capacity; fields found: errcode, errmsg, data, extension_used",
        ),
        ({"cc_capacity": None}, "holds no cc_capacity"),
        ({"extension_capacity": -1}, "extension_capacity is no count: -1"),
        ({"cc_capacity": "12"}, "cc_capacity is no count: '12'"),
        ({"cc_capacity": "many"}, "cc_capacity is no count: 'many'"),
        ({"cc_capacity": 12.5}, "cc_capacity is no count: 12.5"),
        ({"extension_capacity": True}, "extension_capacity is no count"),
        ({"extension_capacity": {"max": 5}}, "extension_capacity is no count: dict"),
    ],
    ids=str,
)
def test_counts_that_are_no_counts(server: SandboxServer, portal: Watched, fields: dict[str, Any], said: str) -> None:
    portal.dialect = Dialect(rewrite=changed(**fields))

    read = read_pbx(settings_for(server, A), A)

    assert read[A].counts == {}
    assert said in str(read[A].unreadable)


def test_strange_numbers_in_use_are_no_obstacle(server: SandboxServer, portal: Watched) -> None:
    portal.dialect = Dialect(rewrite=changed(extension_used="ten", cc_used=None))

    read = read_pbx(settings_for(server, A), A)[A]

    assert (read.counts, read.used) == (COUNTS, {})


# --- certificates ---


def openssl(folder: Path, *arguments: str) -> None:
    if shutil.which("openssl") is None:
        pytest.fail("this test needs openssl, to make certificates", pytrace=False)
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private authority, `ca.pem`, and a certificate of it for 127.0.0.1."""
    folder = tmp_path_factory.mktemp("certificates")
    key = ["-newkey", "rsa:2048", "-nodes"]
    ca = ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"]
    openssl(folder, "req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Private", *ca)
    openssl(folder, "req", *key, "-keyout", "pbx.key", "-out", "pbx.csr", "-subj", "/CN=pbx")
    (folder / "extensions").write_text(
        "subjectAltName=IP:127.0.0.1\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    signing = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-extfile", "extensions", "-days", "2"]
    openssl(folder, "x509", "-req", "-in", "pbx.csr", "-out", "pbx.pem", *signing)
    return folder


@contextmanager
def over_tls(portal: Portal, certificates: Path) -> Iterator[str]:
    """The sandbox with a certificate; yields the URL."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            create_app(portal),
            ssl_certfile=certificates / "pbx.pem",
            ssl_keyfile=str(certificates / "pbx.key"),
            lifespan="off",
            ws="none",
            log_config=None,
            log_level="critical",
        )
        uvicorn_server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: anyio.run(uvicorn_server.serve, [sock]), daemon=True)
        thread.start()
        while not uvicorn_server.started:
            assert thread.is_alive()
            time.sleep(0.01)
        try:
            yield f"https://127.0.0.1:{sock.getsockname()[1]}"
        finally:
            uvicorn_server.should_exit = True
            thread.join(10)


def test_a_certificate_of_an_unknown_authority_is_refused(
    server: SandboxServer, portal: Watched, certificates: Path
) -> None:
    with over_tls(portal, certificates) as url:
        read = read_pbx(settings_for(server, pbxs={A: access(f"{url}/pbx/{A}")}), A)

    assert "its certificate is not trusted" in str(read[A].unreadable)
    assert "yspartner:pbxCaFile" in str(read[A].unreadable)
    assert portal.count("pbx.token") == 0, "the secret was sent to a PBX that nobody trusts"


def test_a_private_authority_is_trusted_by_setting(server: SandboxServer, portal: Watched, certificates: Path) -> None:
    ca = str(certificates / "ca.pem")
    with over_tls(portal, certificates) as url:
        read = read_pbx(settings_for(server, pbxs={A: access(f"{url}/pbx/{A}")}, pbxCaFile=ca), A)
        # trusted, but for another host
        other = url.replace("127.0.0.1", "localhost")
        wrong = read_pbx(settings_for(server, pbxs={A: access(f"{other}/pbx/{A}")}, pbxCaFile=ca), A)

    assert read[A].counts == COUNTS
    assert "its certificate is not trusted" in str(wrong[A].unreadable)


def test_a_file_of_certificates_that_cannot_be_read(server: SandboxServer, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"yspartner:pbxCaFile.*nowhere\.pem"):
        PbxSource(settings_for(server, A, pbxCaFile=str(tmp_path / "nowhere.pem")))
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(SettingsError, match="holds no certificates"):
        PbxSource(settings_for(server, A, pbxCaFile=str(tmp_path / "text.pem")))


def test_the_check_of_certificates_is_never_off(server: SandboxServer) -> None:
    tls = PbxSource(settings_for(server, A))._tls

    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


# --- settings ---


@pytest.mark.parametrize(
    ("pbxs", "said"),
    [
        ("not json", "must be JSON"),
        ([], "dictionary"),
        ({A: {"url": "https://pbx"}}, f"pbxs.{A}.clientId (or YSPARTNER_PBXS) is missing"),
        ({A: access("http://pbx.example.com")}, "plain http is allowed to this machine only"),
        ({A: access("pbx.example.com")}, "must be a URL"),
        ({A: access("https://me:hush@pbx")}, "must hold no user, password"),
        ({A: access("https://pbx", clientSecret="")}, "clientSecret"),
        ({A: access("https://pbx"), B: access("https://pbx/")}, f"same url for {A} and {B}"),
        ({A: access("https://pbx"), f" {A.lower()} ": access("https://other")}, f"has {A} twice"),
        ({" ": access("https://pbx")}, "serial number"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) > 12 else "",
)
def test_bad_pbxs(pbxs: object, said: str) -> None:
    text = pbxs if isinstance(pbxs, str) else json.dumps(pbxs)
    with pytest.raises(SettingsError) as error:
        load({"pbxs": text}, {})

    assert said in str(error.value)
    assert PBX_CLIENT_SECRET not in str(error.value)
    assert "hush" not in str(error.value)


def test_an_unknown_source() -> None:
    with pytest.raises(SettingsError, match=r"capacitySource .* should be 'portal', 'pbx' or 'mixed'"):
        load({"capacitySource": "phone"}, {})


def test_secrets_are_not_shown(server: SandboxServer) -> None:
    assert PBX_CLIENT_SECRET not in repr(settings_for(server, A))


# --- which source ---


def test_pbx_refuses_a_pbx_without_credentials(server: SandboxServer, portal: Watched) -> None:
    read = read_fleet(settings_for(server, A), A, B)

    assert no_used(read) == {A: COUNTS, B: {}}
    assert f"serial number {B} is not in yspartner:pbxs" in str(read[B].unreadable)
    assert "mixed" in str(read[B].unreadable)
    assert portal.count("product.detail") == 0


def test_mixed_reads_the_others_from_the_portal(server: SandboxServer, portal: Watched) -> None:
    read = read_fleet(settings_for(server, A, capacitySource="mixed"), A, B, C)

    assert no_used(read) == {A: COUNTS, B: COUNTS, C: COUNTS}
    assert portal.count("pbx.capacity") == 1
    assert portal.count("product.detail") == 2


def test_portal_asks_no_pbx(server: SandboxServer, portal: Watched) -> None:
    assert no_used(read_fleet(settings_for(server, A, capacitySource="portal"), A)) == {A: COUNTS}
    assert portal.count("pbx.token") == 0


def test_a_portal_that_is_down_leaves_the_pbxs_own_counts(server: SandboxServer, portal: Watched) -> None:
    portal.faults.add(Fault("product.list", "status=404", times=None))

    read = read_fleet(settings_for(server, A, capacitySource="mixed"), A, B)

    assert no_used(read) == {A: COUNTS, B: {}}
    assert "the portal could not be read" in str(read[B].unreadable)


def test_a_portal_that_hangs_delays_the_pbxs_own_counts_once_and_briefly(
    server: SandboxServer, portal: Watched
) -> None:
    portal.faults.add(Fault("product.list", "timeout_before", times=None))
    started = time.monotonic()

    assert no_used(read_fleet(settings_for(server, A, pbxTimeout="1"), A, times=3)) == {A: COUNTS}

    assert time.monotonic() - started < 3


def test_a_disagreement_is_a_warning_with_both_numbers(
    server: SandboxServer, portal: Watched, caplog: pytest.LogCaptureFixture
) -> None:
    portal.dialect = Dialect(counts="list", rewrite=changed(extension_capacity=40))

    read = read_fleet(settings_for(server, A), A)

    assert read[A].counts == {"extensions": 40, "concurrent_calls": 12}, "the chosen source decides"
    [warning] = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
    assert A in warning
    assert "the PBX itself says 40 extensions, the portal says 50 extensions" in warning
    assert "the PBX's numbers are used" in warning
    assert portal.count("product.detail") == 0, "nothing is asked per PBX just to compare"


def test_agreement_is_no_warning(server: SandboxServer, portal: Watched, caplog: pytest.LogCaptureFixture) -> None:
    portal.dialect = DIALECTS["counts-in-list"]

    read_fleet(settings_for(server, A), A)

    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


# --- nothing secret ---


def test_no_token_is_ever_logged(server: SandboxServer, portal: Watched, caplog: pytest.LogCaptureFixture) -> None:
    """Also not by the HTTP client, for somebody who logs everything."""
    caplog.set_level(logging.DEBUG)
    portal.faults.add(Fault("pbx.capacity", "status=503"))

    read_fleet(settings_for(server, A, pbxTimeout="10"), A)

    assert "system/capacity" in caplog.text
    for secret in (PBX_CLIENT_SECRET, "sandbox-secret", *portal.tokens):
        assert secret not in caplog.text
