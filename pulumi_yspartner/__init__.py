"""Declare the capacity of Yeastar P-Series PBXs in Pulumi, review the purchase in preview, order it once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .lookups import BillingContact as BillingContact
    from .lookups import ListedPbx as ListedPbx
    from .lookups import get_billing_contact as get_billing_contact
    from .lookups import get_billing_contact_output as get_billing_contact_output
    from .lookups import get_billing_contacts as get_billing_contacts
    from .lookups import get_pbxs as get_pbxs
    from .pbx_capacity import PbxCapacity as PbxCapacity

__all__ = [
    "BillingContact",
    "ListedPbx",
    "PbxCapacity",
    "get_billing_contact",
    "get_billing_contact_output",
    "get_billing_contacts",
    "get_pbxs",
]


def __getattr__(name: str) -> object:
    # Imported when first used: the provider process and the `yspartner` command need not load Pulumi's program side.
    if name in __all__:
        module = "pbx_capacity" if name == "PbxCapacity" else "lookups"
        return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
