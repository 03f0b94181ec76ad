"""Declare the capacity of Yeastar P-Series PBXs in Pulumi, review the purchase in preview, order it once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .pbx_capacity import PbxCapacity as PbxCapacity

__all__ = ["PbxCapacity"]


def __getattr__(name: str) -> object:
    # Imported when first used: the provider process and the `yspartner` command need not load Pulumi's program side.
    if name == "PbxCapacity":
        from .pbx_capacity import PbxCapacity

        return PbxCapacity
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
