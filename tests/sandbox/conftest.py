from __future__ import annotations

from collections.abc import Iterator

import pytest
from sandbox_calls import SERIAL, Api

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
def api(server: SandboxServer) -> Iterator[Api]:
    with Api(base_url=server.url, timeout=5, verify=False) as api:
        api.sign_in()
        yield api
