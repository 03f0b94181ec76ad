"""Pulumi's names of resources: `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. Pure."""

from __future__ import annotations

PBX_CAPACITY = "pulumi-python:dynamic/yspartner:PbxCapacity"
"""The type of our resource."""


def type_of(urn: str) -> str:
    """The resource's own type, without its parents'; empty for what is no URN."""
    parts = urn.split("::", 3)
    return parts[2].rpartition("$")[2] if len(parts) == 4 else ""


def name_of(urn: str) -> str:
    """The resource's name."""
    return urn.split("::", 3)[-1]


def stack_of(urn: str) -> tuple[str, str]:
    """The project and the stack that the resource is in; empty for what is no URN."""
    parts = urn.split("::", 3)
    return (parts[1], parts[0].rpartition(":")[2]) if len(parts) == 4 else ("", "")
