"""The pipelines on a shared, S3-compatible backend, as runners use it that share nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from engine_stack import DEPOT, HQ, WatchedPortal
from forge import Backend, Forge
from github_runner import merged, pull_request
from gitops_fleets import DEPOT_40
from s3_backend import S3, s3_store

pytestmark = pytest.mark.timeout(900)  # several updates each; 30 s on a machine of its own


@pytest.fixture
def store(empty_fleet: Path) -> Iterator[S3]:
    with s3_store() as store:
        store.fill(empty_fleet / "state")
        yield store


@pytest.fixture
def backend(store: S3) -> Backend:
    return Backend({"PULUMI_BACKEND_URL": store.url}, store.keys)


def test_a_review_only_reads_the_state_and_a_purchase_is_made_once(
    forge: Forge, store: S3, portal: WatchedPortal
) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    store.requests.clear()

    review = pull_request(forge, pull)

    assert review.conclusion == "success", review
    assert store.requests
    assert store.writes == []

    bought = merged(forge, forge.merge(pull))

    assert bought.conclusion == "success", bought
    assert store.writes
    assert {order.serial_number for order in portal.orders} == {HQ, DEPOT}
    assert portal.purchases == 2
