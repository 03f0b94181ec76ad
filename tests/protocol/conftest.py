from __future__ import annotations

from collections.abc import Iterator

import pytest
from protocol_host import SERIAL, Host, config, running_host

from pulumi_yspartner.sandbox import Portal, SandboxServer


@pytest.fixture
def portal() -> Portal:
    portal = Portal()
    portal.add_pbx(SERIAL, extensions=50, concurrent_calls=12)
    return portal


@pytest.fixture
def server(portal: Portal) -> Iterator[SandboxServer]:
    with SandboxServer(portal) as server:
        yield server


@pytest.fixture
def host(server: SandboxServer) -> Iterator[Host]:
    """A provider process with purchases allowed."""
    with running_host(config(server.url)) as host:
        yield host


@pytest.fixture(scope="module")
def offline_host() -> Iterator[Host]:
    """A provider process for calls that make no request; its portal is unreachable."""
    with running_host(config("http://127.0.0.1:9")) as host:
        yield host
