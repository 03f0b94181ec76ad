from __future__ import annotations

from collections.abc import Iterator

import pytest
import respx
from hypothesis import settings
from partner_calls import BASE

# The same examples on every run, and no limits on time: CI machines are busy.
settings.register_profile("repeatable", derandomize=True, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def router() -> Iterator[respx.MockRouter]:
    with respx.mock(base_url=BASE, assert_all_called=False) as router:
        yield router
