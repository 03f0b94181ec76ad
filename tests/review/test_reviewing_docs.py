"""docs/reviewing.md names every field of the data, every state, and the options of the command."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from pulumi_yspartner.cli import main
from pulumi_yspartner.review.model import STATES, Pbx, Review, Stack

DOCS = (Path(__file__).parents[2] / "docs" / "reviewing.md").read_text()


@pytest.mark.parametrize("model", [Review, Stack, Pbx])
def test_every_field_of_the_data_is_named(model: type[BaseModel]) -> None:
    fields = [*model.model_fields, *model.model_computed_fields]
    assert [name for name in fields if f"`{name}`" not in DOCS] == []


def test_every_state_is_explained() -> None:
    assert [state for state in STATES if f"| `{state}` |" not in DOCS] == []


def test_every_option_is_explained() -> None:
    command = main.commands["review"]
    options = [option for each in command.params if isinstance(each, click.Option) for option in each.opts]
    assert [option for option in options if f"`{option}" not in DOCS] == []
