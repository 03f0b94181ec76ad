"""Bad input: one clear message, no traceback (the `stack` fixture looks for one), and never an order."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import Any

import pytest
from engine_stack import BRANCH, DEPOT, HQ, Stack, refused, succeeded

from pulumi_yspartner.sandbox import DIALECTS, ENTERPRISE, Fault

NUMBER_ON_REQUEST = """
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Provider(ResourceProvider):
    def create(self, props):
        return CreateResult("1", {"number": 60})

class Number(Resource):
    number: pulumi.Output[int]
    def __init__(self, name):
        super().__init__(Provider(), name, {"number": None})

"""


@pytest.fixture(autouse=True)
def nothing_is_bought(stack: Stack) -> Iterator[None]:
    """Whatever a test does, unless it says otherwise by the name of its purchases."""
    yield
    expected = getattr(stack, "expected_purchases", 0)
    assert stack.portal.purchases == expected
    assert stack.portal.count("order.save") == expected


def expect_purchases(stack: Stack, number: int) -> None:
    """Say that a test ends with a purchase, in proof that the way out of its refusal works."""
    assert stack.portal.purchases == number
    stack.expected_purchases = number  # type: ignore[attr-defined]


# --- declarations ---


@pytest.mark.deep
@pytest.mark.parametrize(
    ("declared", "said"),
    [
        ({"extensions": 0}, "extensions must be at least 1"),
        ({"extensions": -5}, "extensions must be at least 1, and -5 is not"),
        ({"concurrent_calls": 60.5}, "concurrent_calls must be a whole number, and 60.5 is not"),
        ({"extensions": 2_000_000}, "extensions must be at most 1000000"),
        ({"extensions": 60, "billing_contact_id": 3197218168379846218}, "billing_contact_id must be text"),
    ],
    ids=["zero", "negative", "fraction", "huge", "rounded id"],
)
def test_a_malformed_declaration(stack: Stack, declared: dict[str, Any], said: str) -> None:
    stack.declare(**declared)

    refused(stack.up(), said, "hq")
    assert stack.resources == []


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("__import__('datetime').date(2026, 11, 25)", "date"),  # what a YAML file makes of 2026-11-25
        pytest.param("b'again'", "bytes", marks=pytest.mark.deep),
    ],
)
def test_a_value_that_pulumi_cannot_take(stack: Stack, value: str, kind: str) -> None:
    stack.program(f"PbxCapacity('hq', serial_number='3651D3296882', extensions=60, reorder={value})")

    refused(stack.preview(), f"hq: reorder is a {kind}, and must be text or a whole number", "put it in quotes")


def test_a_declaration_without_counts(stack: Stack) -> None:
    stack.declare()

    refused(stack.up(), "hq", "extensions or concurrent_calls must be declared")
    assert stack.resources == []


def test_two_resources_with_one_serial_number_both_fail(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "again": {"serial_number": f" {HQ.lower()} ", "extensions": 70},
            "branch": {"serial_number": BRANCH, "extensions": 110},
        }
    )

    preview = refused(stack.preview(), "2 of 3 PBXs were refused")
    for name in ("hq", "again"):
        assert f"serial number {HQ} is declared by 2 resources" in preview.rows[name]
    assert "buy 10 extensions (100 -> 110)" in preview.rows["branch"]


def test_two_resources_with_one_serial_number_order_nothing_for_it(stack: Stack) -> None:
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "again": {"serial_number": HQ.lower(), "concurrent_calls": 20},
        }
    )

    refused(stack.up(), f"serial number {HQ} is declared by 2 resources")
    assert stack.resources == []


def test_an_unknown_serial_number_does_not_hide_the_other_purchases(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.fleet(
        {
            "depot": {"serial_number": DEPOT, "extensions": 10},
            "hq": {"serial_number": HQ, "extensions": 60},
            "branch": {"serial_number": BRANCH, "extensions": 110},
        }
    )

    preview = refused(stack.preview(), "1 of 3 PBXs was refused")

    assert preview.code == 1
    assert "buy 10 extensions (50 -> 60)" in preview.rows["hq"]
    assert "buy 10 extensions (100 -> 110)" in preview.rows["branch"]
    assert f"{DEPOT} is not among" in preview.rows["depot"]
    assert "2 of 3 PBXs would buy: 20 extensions" in preview.rows["fleet-dev"]


def test_a_fleet_with_an_unknown_serial_number_buys_nothing_in_up(stack: Stack) -> None:
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "depot": {"serial_number": DEPOT, "extensions": 10},
        }
    )

    refused(stack.run("up", "--yes"), f"{DEPOT} is not among")
    assert stack.resources == []


def test_a_count_that_is_not_known_in_preview(stack: Stack) -> None:
    stack.program(NUMBER_ON_REQUEST + f"PbxCapacity('hq', {HQ!r}, extensions=Number('number').number)")

    refused(stack.run("up", "--yes"), "extensions", "is not known in preview")
    refused(stack.preview("--save-plan", "plan.json"), "is not known in preview")


@pytest.mark.deep
def test_a_serial_number_that_is_not_known_in_preview(stack: Stack) -> None:
    stack.program(
        NUMBER_ON_REQUEST + "PbxCapacity('hq', Number('number').number.apply(str), extensions=60)",
    )

    refused(stack.preview(), "serial_number", "is not known in preview")


def test_import_is_refused(stack: Stack) -> None:
    stack.program(f"PbxCapacity('hq', {HQ!r}, extensions=60, opts=pulumi.ResourceOptions(import_={HQ!r}))")

    refused(stack.up(), "hq: import_ is not possible")


def test_ignore_changes_on_our_own_inputs_is_refused(stack: Stack) -> None:
    stack.program(
        f"""
        for name in ["purchase", "observed.extensions", "refused"]:
            try:
                PbxCapacity(name, {HQ!r}, extensions=60, opts=pulumi.ResourceOptions(ignore_changes=[name]))
            except pulumi.RunError as error:
                pulumi.log.warn(f"caught {{error}}")
        PbxCapacity('hq', {HQ!r}, extensions=60, opts=pulumi.ResourceOptions(ignore_changes=['*']))
        """
    )

    up = refused(stack.up(), "hq: ignore_changes with * is not possible")
    for name in ("purchase", "observed.extensions", "refused"):
        assert f"caught {name}: ignore_changes with {name} is not possible" in up


def test_ignore_changes_on_our_own_inputs_is_refused_in_quoted_spelling(stack: Stack) -> None:
    """`["purchase"]` is a property path, too."""
    stack.program(
        f"""PbxCapacity('hq', {HQ!r}, extensions=60, opts=pulumi.ResourceOptions(ignore_changes=['["purchase"]']))"""
    )

    refused(stack.up(), "ignore_changes", "is not possible")


@pytest.mark.deep
def test_ignoring_a_declared_count_is_possible(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.program(
        f"PbxCapacity('hq', {HQ!r}, extensions=90, opts=pulumi.ResourceOptions(ignore_changes=['extensions']))"
    )

    succeeded(stack.up())


# --- what the account leaves open ---


def test_several_billing_contacts_are_listed_and_one_can_be_chosen(stack: Stack) -> None:
    first = stack.portal.contacts[0]
    other = stack.portal.add_contact(3197218168379846300, "Other Company")
    stack.declare(extensions=60)

    refused(
        stack.up(),
        "several billing contacts",
        f"{first.contact_id} ({first.company})",
        f"{other.contact_id} ({other.company})",
        "billing_contact_id",
        "yspartner:billingContactId",
    )
    assert stack.portal.purchases == 0

    stack.settings(BILLING_CONTACT_ID=str(first.contact_id))
    succeeded(stack.up())
    stack.declare(extensions=70, billing_contact_id=str(other.contact_id))  # the resource's own choice wins
    succeeded(stack.up())
    assert [order.contact_id for order in stack.portal.orders] == [first.contact_id, other.contact_id]
    expect_purchases(stack, 2)


@pytest.mark.deep
def test_an_unknown_billing_contact(stack: Stack) -> None:
    stack.declare(extensions=60, billing_contact_id="123")

    refused(stack.up(), "billing contact 123 is not among the account's", str(stack.portal.contacts[0].contact_id))


@pytest.mark.deep
def test_an_unknown_plan(stack: Stack) -> None:
    stack.declare(extensions=60, plan_id="123")

    refused(stack.up(), "123", str(ENTERPRISE.plan_id), ENTERPRISE.name)


@pytest.mark.deep
def test_several_plans_are_listed_and_one_can_be_chosen(stack: Stack) -> None:
    stack.portal.dialect = DIALECTS["unmarked-plans"]
    stack.declare(extensions=60)
    refused(stack.up(), str(ENTERPRISE.plan_id), ENTERPRISE.name, "plan_id")
    assert stack.portal.purchases == 0

    stack.declare(extensions=60, plan_id=str(ENTERPRISE.plan_id))
    succeeded(stack.up())
    expect_purchases(stack, 1)


# --- counts that cannot be read ---


def test_counts_under_unknown_names_are_named_and_can_be_configured(stack: Stack) -> None:
    stack.portal.dialect = DIALECTS["unknown-counts"]
    stack.declare(extensions=60, concurrent_calls=20)
    for run in (stack.preview(), stack.up()):
        refused(run, "lineQuota", "talkQuota", "capacityFields")
    assert stack.portal.purchases == 0

    stack.config(capacityFields={"extensions": "lineQuota", "concurrentCalls": "talkQuota"})
    succeeded(stack.up())
    [order] = stack.portal.orders
    assert (order.extensions, order.concurrent_calls) == (10, 8)
    succeeded(stack.preview("--expect-no-changes"))
    expect_purchases(stack, 1)


def test_a_portal_that_states_no_counts(stack: Stack) -> None:
    stack.portal.dialect = DIALECTS["no-counts"]
    stack.declare(extensions=60)

    refused(stack.up(), "does not state its counts", "fields found: activationCode", "capacityFields")


@pytest.mark.deep
def test_an_existing_pbx_that_cannot_be_read_is_a_warning(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    before = stack.outputs()
    stack.portal.dialect = DIALECTS["no-counts"]

    assert "does not state its counts" in succeeded(stack.preview("--expect-no-changes"))
    assert "does not state its counts" in succeeded(stack.refresh())
    assert stack.outputs() == before


# --- limits ---


def test_a_purchase_above_a_limit_of_the_config_is_refused(stack: Stack) -> None:
    stack.config(limits={"extensions": 100})
    stack.declare(extensions=250)

    for run in (stack.preview(), stack.up()):
        refused(run, "200 extensions is above the limit of 100 per order", "limits")
    assert stack.resources == []


@pytest.mark.deep
def test_a_purchase_above_a_limit_of_the_environment_is_refused(stack: Stack) -> None:
    stack.config(limits={"concurrentCalls": 1000})
    stack.settings(LIMITS='{"concurrentCalls": 5}')
    stack.declare(extensions=60, concurrent_calls=60)

    for run in (stack.preview(), stack.up()):
        refused(run, "48 concurrent calls is above the limit of 5 per order")


@pytest.mark.deep
def test_a_limit_that_holds_lets_the_purchase_through(stack: Stack) -> None:
    stack.settings(LIMITS='{"extensions": 10}')
    stack.declare(extensions=60)

    succeeded(stack.up())
    expect_purchases(stack, 1)


@pytest.mark.deep
def test_a_limit_that_is_stricter_in_the_update_is_kept(stack: Stack) -> None:
    stack.declare(extensions=60)
    succeeded(stack.preview("--save-plan", "plan.json"))
    stack.settings(LIMITS='{"extensions": 5}')

    up = stack.up("--plan", "plan.json")

    assert up.code != 0
    assert "above the limit of 5" in up


# --- settings ---


def test_an_unknown_configuration_key(stack: Stack) -> None:
    stack.config(purchase="allow")
    stack.declare(extensions=60)

    refused(stack.up(), "unknown configuration: yspartner:purchase.", "Known keys", "purchases")


def test_bad_configuration_values_are_all_named(stack: Stack) -> None:
    stack.settings(PURCHASES=None)
    stack.config(
        purchases="yes", limits={"extension": 5}, capacityFields={"extensions": "[["}, timeout="soon", settleHours=0
    )
    stack.declare(extensions=60)

    refused(
        stack.up(),
        "yspartner:purchases (or YSPARTNER_PURCHASES) should be 'deny' or 'allow'",
        "yspartner:limits.extension (or YSPARTNER_LIMITS) is not known",
        "yspartner:capacityFields.extensions (or YSPARTNER_CAPACITY_FIELDS) is not a JMESPath expression",
        "yspartner:timeout (or YSPARTNER_TIMEOUT)",
        "yspartner:settleHours (or YSPARTNER_SETTLE_HOURS)",
    )


@pytest.mark.deep
def test_bad_environment_variables_are_all_named(stack: Stack) -> None:
    stack.settings(PURCHASES="true", LIMITS="5 extensions", BASE_URL="http://portal.example.com")
    stack.declare(extensions=60)

    refused(
        stack.up(),
        "(or YSPARTNER_PURCHASES) should be 'deny' or 'allow'",
        "(or YSPARTNER_LIMITS) must be JSON",
        "(or YSPARTNER_BASE_URL) plain http is allowed to this machine only",
    )


# --- the portal's side ---


def test_missing_credentials(stack: Stack) -> None:
    stack.settings(CLIENT_SECRET=None)
    stack.declare(extensions=60)

    refused(stack.up(), "yspartner:clientSecret is missing", "pulumi config set --secret", "YSPARTNER_CLIENT_SECRET")


def test_wrong_credentials(stack: Stack) -> None:
    stack.settings(CLIENT_SECRET="wrong-secret-0815")
    stack.declare(extensions=60)

    result = refused(stack.up(), "requestId")
    assert "wrong-secret-0815" not in result


def test_an_unreachable_portal(stack: Stack) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, not listening
        stack.settings(BASE_URL=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        stack.declare(extensions=60)

        refused(stack.up(), "could not be read", "127.0.0.1")


def test_a_web_page_in_place_of_json(stack: Stack) -> None:
    stack.portal.faults.add(Fault("product.list", "html", times=None))
    stack.declare(extensions=60)

    result = refused(stack.up(), "could not be read", "product_list")
    assert "<html" not in result


@pytest.mark.deep
def test_an_unchanged_stack_survives_a_portal_that_is_down(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())
    before = stack.outputs()
    stack.portal.faults.add(Fault("any", "html", times=None))

    assert "could not be read" in succeeded(stack.preview("--expect-no-changes"))
    assert "state is kept" in succeeded(stack.refresh("--expect-no-changes"))
    assert stack.outputs() == before
    succeeded(stack.destroy())
