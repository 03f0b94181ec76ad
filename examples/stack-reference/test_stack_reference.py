"""What the headcount of another stack would buy. Pulumi's mocks say what that stack exports."""

from pathlib import Path
from typing import Any

from pulumi.runtime import MockCallArgs, MockResourceArgs, Mocks

from pulumi_yspartner.testing import Pbx, preview

PBXS = Path(__file__).parent / "pbxs"
ACCOUNT = [Pbx("3651D3296882", extensions=200), Pbx("3651D3296883", extensions=80)]


class People(Mocks):
    def new_resource(self, args: MockResourceArgs) -> tuple[str, dict[str, Any]]:
        assert args.inputs["name"] == "organization/people/dev"
        return args.name, {"outputs": {"headcount": {"hq": 227, "branch": 60}}}

    def call(self, args: MockCallArgs) -> dict[str, Any]:
        return {}


def test_there_is_an_extension_for_everybody_and_some_to_spare() -> None:
    previewed = preview(PBXS, ACCOUNT, mocks=People())

    assert {name: purchase.extensions for name, purchase in previewed.purchases.items()} == {"hq": 50}
    assert previewed.refused == {}


def test_a_count_stays_where_it_was_when_people_leave() -> None:
    previewed = preview(PBXS, ACCOUNT, mocks=People(), config={"atLeast": {"branch": 90}})

    assert previewed.purchases["branch"].extensions == 10
