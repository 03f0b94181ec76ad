"""The examples do what their texts say, with their own Pulumi.yaml."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from engine_stack import BRANCH, DEPOT, HQ, ROOT, Stack, refused, succeeded

EXAMPLES = ROOT / "examples"
ACME, GLOBEX = 3197218168379846301, 3197218168379846302

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


def copy(stack: Stack, example: str) -> None:
    """Put an example into the stack's folder, as it is."""
    shutil.copytree(EXAMPLES / example, stack.folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))


def use(stack: Stack, example: str) -> None:
    """The same, with its stack `dev`."""
    copy(stack, example)
    succeeded(stack.run("stack init"))


def python(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python program in the stack's folder, with what its `pulumi` gets."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=stack.folder,
        env={**stack.environment(), "COLUMNS": "120"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )


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


def test_adopting_what_is_there_buys_nothing(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    use(stack, "adopting")
    refused(stack.preview(), "fleet.yaml is missing: write it with `yspartner export > fleet.yaml`")

    exported = python(stack, "-m", "pulumi_yspartner", "export")
    assert exported.returncode == 0, exported.stderr
    fleet = stack.folder / "fleet.yaml"
    fleet.write_text(exported.stdout)

    succeeded(stack.up(), "3 created")  # the stack and its two PBXs
    assert stack.portal.purchases == 0

    fleet.write_text(exported.stdout.replace("extensions: 100", "extensions: 120"))
    succeeded(stack.preview(), "buy 20 extensions (100 -> 120)", "1 of 2 PBXs would buy: 20 extensions")
    assert stack.portal.purchases == 0


def test_each_customer_is_a_stack_with_its_own_bill(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=20, concurrent_calls=10)
    stack.portal.contacts.clear()
    stack.portal.add_contact(ACME, "ACME", "billing@acme.example")
    stack.portal.add_contact(GLOBEX, "Globex", "billing@globex.example")
    copy(stack, "customers")
    for customer in ("acme", "globex"):
        succeeded(stack.run("stack init", of=customer))

    read = stack.portal.count("contacts")
    succeeded(stack.run("preview", of="acme"), "1 of 2 PBXs would buy: 200 extensions, 48 concurrent calls")
    assert stack.portal.count("contacts") - read == 1, "the look-up and the resources share what is read"

    succeeded(stack.run("up", "--yes", "--skip-preview", of="acme"))
    assert stack.portal.purchases == 1
    succeeded(stack.run("up", "--yes", "--skip-preview", of="globex"), "20 concurrent calls (10 -> 30)")
    assert stack.portal.purchases == 2
    assert {order.serial_number: order.contact_id for order in stack.portal.orders} == {HQ: ACME, DEPOT: GLOBEX}
    states = [file.read_text() for file in stack.folder.glob(".pulumi/stacks/customers/*.json")]
    assert len(states) == 2
    assert all(".example" not in state for state in states), "an address is in a state"


def test_a_company_that_has_no_contact_is_one_clear_error(stack: Stack) -> None:
    copy(stack, "customers")
    succeeded(stack.run("stack init", of="acme"))

    refused(
        stack.run("preview", of="acme"),
        "no billing contact has company 'ACME'; the account has: 3197218168379846218 (Example Partner Ltd, "
        "billing@example.com)",
    )


def test_a_count_of_another_stack_is_known_in_the_review(stack: Stack) -> None:
    stack.portal.set_counts(HQ, 200, 40)
    stack.portal.add_pbx(BRANCH, extensions=80, concurrent_calls=20)
    copy(stack, "stack-reference")
    succeeded(stack.run("-C people stack init"))
    succeeded(stack.run("-C people up", "--yes", "--skip-preview"))
    succeeded(stack.run("-C pbxs stack init"))

    succeeded(stack.run("-C pbxs preview", "--save-plan", "plan.json"), "buy 50 extensions (200 -> 250)")
    assert stack.portal.purchases == 0
    succeeded(stack.run("-C pbxs up", "--yes", "--plan", "plan.json"))
    assert stack.portal.purchases == 1


def test_a_program_of_ones_own_reviews_asks_and_buys(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.settings(PURCHASES=None)
    copy(stack, "automation")

    asked = python(stack, "buy.py")
    assert (asked.returncode, asked.stderr) == (1, "")
    assert "hq: buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)" in asked.stdout
    assert "Not confirmed. Nothing was bought." in asked.stdout
    assert stack.portal.purchases == 0

    bought = python(stack, "buy.py", "--yes")
    assert (bought.returncode, bought.stderr) == (0, ""), bought
    assert "hq: ordered: OQ" in bought.stdout
    assert "2/2" in bought.stdout
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_program_of_ones_own_buys_nothing_where_something_is_refused(stack: Stack) -> None:
    stack.settings(PURCHASES=None)
    copy(stack, "automation")  # the branch's PBX is not in the account

    run = python(stack, "buy.py", "--yes")

    assert (run.returncode, run.stderr) == (1, "")
    assert "error: branch: refused: serial number 3651D3296883 is not among" in run.stdout
    assert "Refused. Nothing was bought." in run.stdout
    assert stack.portal.purchases == 0
