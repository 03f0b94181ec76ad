"""Runners that share nothing but an S3-compatible backend: on one stack, and side by side."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from engine_stack import BRANCH, HQ, Stack, succeeded
from killing import LOCKED, held
from s3_backend import S3, s3_store

from pulumi_yspartner.sandbox import Fault


@pytest.fixture
def store() -> Iterator[S3]:
    with s3_store() as store:
        yield store


def runner(stack: Stack, store: S3, folder: Path, template: Path, project: str = "fleet") -> Stack:
    """Another runner: a folder of its own, the same account, the same bucket."""
    other = Stack.create(folder, stack.cli, template, stack.portal, stack.url)
    (folder / "Pulumi.yaml").write_text(f"name: {project}\nruntime: python\n")
    other.env |= store.environment
    return other


def test_two_runners_on_one_stack(stack: Stack, store: S3, template: Path, tmp_path: Path) -> None:
    stack.env |= store.environment
    succeeded(stack.run("stack init"))
    second = runner(stack, store, tmp_path / "second", template)
    for each in (stack, second):
        each.declare(extensions=60)
    with held(stack, Fault("order.save", "hold_before")) as run:
        told = second.up()

        assert told.code != 0
        assert LOCKED in told
        assert stack.portal.purchases == 0
        stack.portal.faults.clear()
        succeeded(run.ended())

    assert stack.portal.purchases == 1
    succeeded(second.preview("--expect-no-changes"))
    assert stack.portal.count("order.save") == stack.portal.purchases == 1


def test_two_stacks_side_by_side(stack: Stack, store: S3, template: Path, tmp_path: Path) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    runners = [runner(stack, store, tmp_path / name, template, project=name) for name in ("north", "south")]
    for each, serial_number in zip(runners, (HQ, BRANCH), strict=True):
        each.declare(serial_number=serial_number, extensions=120)
        succeeded(each.run("stack init"))

    with ThreadPoolExecutor() as pool:
        for done in pool.map(Stack.up, runners):
            succeeded(done, "ordered: OQ")

    assert {order.serial_number: order.extensions for order in stack.portal.orders} == {HQ: 70, BRANCH: 20}
    assert stack.portal.purchases == 2


def test_a_preview_writes_nothing_to_the_backend(stack: Stack, store: S3) -> None:
    """So that the keys of a job that only previews need to read only."""
    stack.env |= store.environment
    succeeded(stack.run("stack init"))
    stack.declare(extensions=60)
    succeeded(stack.up())
    stack.declare(extensions=70)
    store.requests.clear()

    succeeded(stack.preview("--save-plan", "plan.json"), "buy 10 extensions")

    assert store.requests
    assert store.writes == []
    assert json.loads((stack.folder / "plan.json").read_text())
