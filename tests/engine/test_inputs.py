"""Inputs that are outputs: known in preview they work, and are read in the same batch."""

from __future__ import annotations

import shutil

import pytest
from engine_stack import BRANCH, DEPOT, HQ, ROOT, Stack, succeeded


def test_outputs_that_are_known_in_preview_work_and_are_read_in_one_batch(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=10, concurrent_calls=5)
    stack.program(
        f"""
        async def later():
            return {BRANCH!r}

        PbxCapacity("hq", {HQ!r}, extensions=pulumi.Output.from_input(60))
        PbxCapacity("branch", later(), extensions=pulumi.Output.from_input(100).apply(lambda n: n + 10))
        PbxCapacity("depot", pulumi.Output.concat("3651D", "3296884"), extensions=10)
        """
    )

    preview = succeeded(stack.preview())

    assert "buy 10 extensions (50 -> 60)" in preview.rows["hq"]
    assert "buy 10 extensions (100 -> 110)" in preview.rows["branch"]
    assert "nothing to buy" in preview.rows["depot"]
    assert "2 of 3 PBXs would buy: 20 extensions" in preview.rows["fleet-dev"]
    assert stack.portal.count("product.list") == 1
    assert stack.portal.count("product.detail") == 3
    assert stack.portal.purchases == 0


def test_an_unchanged_fleet_is_read_with_one_request_per_pbx_and_a_handful(stack: Stack) -> None:
    serials = [f"3651D{number:07}" for number in range(20)]
    for serial in serials:
        stack.portal.add_pbx(serial, extensions=50, concurrent_calls=12)
    stack.fleet({f"pbx{n}": {"serial_number": serial, "extensions": 50} for n, serial in enumerate(serials)})
    succeeded(stack.up())
    stack.portal.reset_requests()

    succeeded(stack.preview("--expect-no-changes"))

    assert stack.portal.requests.total() <= len(serials) + 5
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_a_count_from_another_stack_works(stack: Stack) -> None:
    """Numbers of a stack reference are floats."""
    stack.program("pulumi.export('wanted', 60)")
    succeeded(stack.up())
    stack.program(
        f"""
        wanted = pulumi.StackReference("organization/fleet/dev").get_output("wanted")
        hq = PbxCapacity("hq", {HQ!r}, extensions=wanted)
        pulumi.export("wanted", 60)
        pulumi.export("text", hq.capacity.apply(lambda have: f"{{have['extensions']}} extensions"))
        """
    )

    succeeded(stack.up(), "60 extensions")
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_secret_input_works(stack: Stack) -> None:
    stack.program(f"PbxCapacity('hq', pulumi.Output.secret({HQ!r}), extensions=pulumi.Output.secret(60))")

    succeeded(stack.up())
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_the_quickstart_example_runs_as_it_stands(stack: Stack) -> None:
    shutil.copy(ROOT / "examples" / "quickstart" / "__main__.py", stack.folder)

    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in succeeded(stack.preview()).rows["hq"]
    up = succeeded(stack.up())
    assert "concurrent_calls: 60" in up
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 1


def test_what_is_not_declared_is_an_output_of_none(stack: Stack) -> None:
    stack.program(f"""
        hq = PbxCapacity("hq", {HQ!r}, extensions=50)
        names = ("concurrent_calls", "billing_contact_id", "plan_id", "po_number", "reorder")
        pulumi.export("undeclared", [getattr(hq, name).apply(str) for name in names])
        assert not hasattr(hq, "no_such_thing")
    """)
    succeeded(stack.preview(), *[f'[{index}]: "None"' for index in range(5)])
