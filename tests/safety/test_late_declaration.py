"""A second resource for a PBX, of which the program learns only when the first has been registered."""

from __future__ import annotations

import pulumi

from pulumi_yspartner import PbxCapacity
from pulumi_yspartner.testing import Pbx, preview

HQ = "3651D3296882"


def test_window_a_second_declaration_that_becomes_known_late() -> None:
    """The first is planned, the second refused: the preview fails, and no plan buys for both."""

    async def late(first: PbxCapacity) -> str:
        await first.urn.future()
        return HQ

    def program() -> None:
        first = PbxCapacity("first", serial_number=HQ, extensions=60)
        PbxCapacity("second", serial_number=pulumi.Output.from_input(late(first)), extensions=70)

    previewed = preview(program, [Pbx(HQ, extensions=50, concurrent_calls=12)])

    assert set(previewed.purchases) == {"first"}
    assert set(previewed.refused) == {"second"}
