"""The examples do what their texts say, with their own Pulumi.yaml."""

from __future__ import annotations

import shutil
from pathlib import Path

from engine_stack import BRANCH, DEPOT, HQ, ROOT, Stack, refused, succeeded

EXAMPLES = ROOT / "examples"

BROKEN = """\
- name: hq
  serial_number: "3651D3296882"
  extensions: 250
- name: branch-north
  serial_number: "3651D3296883"
  extensions: "100"
- name: branch-south
  serial_number: " 3651d3296882"
  extensions: 60
"""


def use(stack: Stack, example: str) -> None:
    """Put an example into the stack's folder, as it is."""
    shutil.copytree(EXAMPLES / example, stack.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    succeeded(stack.run("stack init"))


def test_the_quickstart_buys_once_and_then_what_is_added(stack: Stack) -> None:
    use(stack, "quickstart")

    preview = succeeded(stack.preview(), "1 of 1 PBX would buy: 200 extensions, 48 concurrent calls")
    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in preview.rows["hq"]
    assert stack.portal.purchases == 0

    succeeded(stack.up())
    assert stack.portal.purchases == 1
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 1

    succeeded(stack.run("config set extensions 300"))
    assert "buy 50 extensions (250 -> 300)" in succeeded(stack.preview()).rows["hq"]
    assert stack.portal.purchases == 1


def test_the_fleet_buys_for_the_pbxs_that_are_short(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=20, concurrent_calls=10)
    use(stack, "fleet")

    preview = succeeded(stack.preview(), "2 of 3 PBXs would buy: 200 extensions, 68 concurrent calls")
    assert "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in preview.rows["hq"]
    assert "nothing to buy: has 100 extensions" in preview.rows["branch-north"]
    assert "buy 20 concurrent calls (10 -> 30)" in preview.rows["depot"]
    assert stack.portal.purchases == 0

    succeeded(stack.up())
    assert stack.portal.purchases == 2
    bought = {order.serial_number: order.po_number for order in stack.portal.orders}
    assert set(bought) == {HQ, DEPOT}
    assert str(bought[DEPOT]).startswith("PO 2024-7 YS-")
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.purchases == 2


def test_a_broken_fleet_file_is_one_error_that_names_every_mistake(stack: Stack) -> None:
    use(stack, "fleet")
    Path(stack.folder, "customer-a.yaml").write_text(BROKEN)
    succeeded(stack.run("config set file customer-a.yaml"))

    preview = refused(
        stack.preview(),
        """customer-a.yaml: pbx 2 ("branch-north"): extensions: Input should be a valid integer, not '100'""",
        'customer-a.yaml: pbx 3 ("branch-south"): serial_number 3651D3296882 is already that of pbx 1 ("hq")',
    )

    assert preview.output.partition("Diagnostics:")[2].count("error: ") == 1, preview
    assert stack.portal.requests.total() == stack.portal.purchases == 0
