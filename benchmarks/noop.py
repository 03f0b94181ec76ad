"""The floor: a dynamic resource of the same size that does nothing, pickled by reference as ours is."""

from __future__ import annotations

from typing import Any

import pulumi
from pulumi.dynamic import CreateResult, ReadResult, Resource, ResourceProvider


class NoopProvider(ResourceProvider):
    """Stores what it is given."""

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Nothing."""
        return CreateResult(props["serial_number"], _declared(props))

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Nothing."""
        return ReadResult(id_, _declared(props))


class Noop(Resource, module="benchmarks", name="Noop"):
    """Takes what a PBX is declared with."""

    serial_number: pulumi.Output[str]

    def __init__(self, resource_name: str, serial_number: str, extensions: int, concurrent_calls: int) -> None:
        declared = {"serial_number": serial_number, "extensions": extensions, "concurrent_calls": concurrent_calls}
        super().__init__(NoopProvider(), resource_name, declared)


def _declared(props: dict[str, Any]) -> dict[str, Any]:
    return {name: props[name] for name in ("serial_number", "extensions", "concurrent_calls")}
