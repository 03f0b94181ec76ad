"""The resource `PbxCapacity`.

Annotations are evaluated here: Pulumi asks for the class's types at each resource, and texts would be parsed each time.
"""

import re
from collections.abc import Awaitable, Mapping
from typing import Any

import pulumi
from pulumi.dynamic import Resource

from .fleet import Fleet
from .model import DECLARED
from .provider import PbxCapacityProvider

_OURS = ("observed", "purchase", "refused")
"""Inputs that a program never sets: what was read, and what `check` decides."""


class PbxCapacity(Resource, module="yspartner", name="PbxCapacity"):
    """The capacity that one Yeastar P-Series PBX (Software Edition) must at least have.

    The counts are floors: totals, never "how many to add". `pulumi preview` shows what would be bought to reach them;
    `pulumi up` orders just that, once, and only where `yspartner:purchases` allows it. Only a new or raised count
    buys. Nothing is ever given back: lowering a count below what the PBX has is refused, and deleting the resource
    only forgets it.
    """

    serial_number: pulumi.Output[str]
    """The PBX's serial number, upper case. It is the resource's id; a new one replaces the resource."""
    extensions: pulumi.Output[int | None]
    """The declared floor of extensions."""
    concurrent_calls: pulumi.Output[int | None]
    """The declared floor of concurrent calls."""
    billing_contact_id: pulumi.Output[str | None]
    """The declared billing contact."""
    plan_id: pulumi.Output[str | None]
    """The declared plan."""
    po_number: pulumi.Output[str | None]
    """The user's own purchase order number."""
    reorder: pulumi.Output[str | None]
    """The text whose change asked for a shortfall once more."""
    capacity: pulumi.Output[dict[str, int]]
    """The PBX's counts as of the last change or refresh: `extensions`, `concurrent_calls`."""
    orders: pulumi.Output[list[dict[str, Any]]]
    """Orders that this resource placed or found: `order_no`, `transaction_no`, `reference`, `status`, quantities
    (`extensions`, `concurrent_calls`), counts before (`extensions_before`, `concurrent_calls_before`), `time`."""
    status: pulumi.Output[str]
    """`satisfied`, `ordered`, `awaiting_payment`, `unconfirmed` or `short`, as of the last change or refresh."""

    def __init__(
        self,
        resource_name: str,
        serial_number: pulumi.Input[str],
        extensions: pulumi.Input[int] | None = None,
        concurrent_calls: pulumi.Input[int] | None = None,
        billing_contact_id: pulumi.Input[str] | None = None,
        plan_id: pulumi.Input[str] | None = None,
        po_number: pulumi.Input[str] | None = None,
        reorder: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Declare the capacity of one PBX. At least one of the two counts must be given.

        :param resource_name: The resource's name in the stack.
        :param serial_number: The PBX's serial number, as the portal shows it.
        :param extensions: The extensions that it must at least have, a whole number.
        :param concurrent_calls: The concurrent calls that it must at least have, a whole number.
        :param billing_contact_id: Id of the billing contact to order with, as text; needed where the account has
            several and `yspartner:billingContactId` is not set.
        :param plan_id: Id of the PBX's plan, as text; needed where the portal's answer does not tell which it is.
        :param po_number: A purchase order number of your own; it is sent with the order, before our reference.
        :param reorder: Any text. *Changing* it asks once more for a shortfall that an unchanged declaration would not
            buy, for example after an order was denied.
        :param opts: Pulumi's options. `import_` is refused (declaring a PBX adopts it, and buys nothing that it has),
            and so is `ignore_changes` on this resource's own inputs.
        :raises pulumi.RunError: for such options, for values that Pulumi can't take, and for malformed settings.
        """
        _refuse(resource_name, opts)
        fleet = Fleet.of_this_program()
        given: dict[str, Any] = {
            "serial_number": serial_number,
            "extensions": extensions,
            "concurrent_calls": concurrent_calls,
            "billing_contact_id": billing_contact_id,
            "plan_id": plan_id,
            "po_number": po_number,
            "reorder": reorder,
        }
        _refuse_strange(resource_name, given)
        # An awaitable can be awaited once, an output by all.
        declared = {
            name: pulumi.Output.from_input(value) if isinstance(value, Awaitable) else value
            for name, value in given.items()
        }
        member = fleet.join(declared)
        computed = dict.fromkeys(["purchase", "refused", "capacity", "orders", "status"])
        # Each property costs Pulumi time in a large fleet, so only those are named that are there.
        present = {name: value for name, value in declared.items() if value is not None}
        super().__init__(
            PbxCapacityProvider(),
            resource_name,
            {**present, "observed": member.observed, **computed},
            opts,
        )
        # Pulumi waits for outputs at the end of the program, so it waits for the line, and hears of its error.
        _: pulumi.Output[None] = pulumi.Output.from_input(fleet.report(self, member))

    def __getattr__(self, name: str) -> pulumi.Output[None]:
        """What is not declared is an output all the same, of None."""
        if name in DECLARED:
            return pulumi.Output.from_input(None)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")


def _refuse(resource_name: str, opts: pulumi.ResourceOptions | None) -> None:
    if opts is None:
        return
    if opts.import_ is not None or opts.id is not None:
        option = "import_" if opts.import_ is not None else "id"
        raise pulumi.RunError(
            f"{resource_name}: {option} is not possible for a PbxCapacity, and not needed: declare the PBX with the "
            f"counts it has, or less, and `pulumi up` takes it over and buys nothing. Nothing was bought."
        )
    ignored = [path for path in opts.ignore_changes or [] if _first_name(path) in (*_OURS, "*")]
    if ignored:
        raise pulumi.RunError(
            f"{resource_name}: ignore_changes with {', '.join(ignored)} is not possible: it would repeat an old "
            f"purchase. Name declared inputs instead, such as extensions. Nothing was bought."
        )


def _refuse_strange(resource_name: str, given: Mapping[str, object]) -> None:
    """Of values that Pulumi can't take, it would only show a traceback; what it takes, `check` looks at."""
    for name, value in given.items():
        if value is not None and not isinstance(value, str | int | float | list | dict | Awaitable | pulumi.Output):
            kind = type(value).__name__
            raise pulumi.RunError(
                f"{resource_name}: {name} is a {kind}, and must be text or a whole number. In a YAML file, put it in "
                f"quotes. Nothing was bought."
            )


def _first_name(property_path: str) -> str:
    """The property that a path begins with: `purchase` of `purchase.extensions` and of `["purchase"]`."""
    found = re.search(r"\w+|\*", property_path)
    return found.group() if found else ""
