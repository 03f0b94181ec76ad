"""What the fleet example says of mistakes in its file."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

FLEET = Path(__file__).parents[2] / "examples" / "fleet"

HQ = "- name: hq\n  serial_number: A1\n  extensions: 5\n"


@pytest.fixture(scope="module")
def fleet_file() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fleet_file", FLEET / "fleet_file.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_left_out_is_not_declared(fleet_file: ModuleType) -> None:
    fleet = fleet_file.load(FLEET / "fleet.yaml")

    assert [pbx.name for pbx in fleet] == ["hq", "branch-north", "depot"]
    assert fleet[1].declared() == {"serial_number": "3651D3296883", "extensions": 100}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "must be a list of PBXs"),
        ("hq: 3", "must be a list of PBXs"),
        ("- [", "can't be read"),
        ("- hq", "pbx 1: must hold `name: ...`"),
        ("- serial_number: A1\n  extensions: 5", "pbx 1: name: Field required"),
        ("- name: hq\n  extensions: 5", 'pbx 1 ("hq"): serial_number: Field required'),
        ("- name: hq\n  serial_number: A1", 'pbx 1 ("hq"): extensions or concurrent_calls must be given'),
        (
            "- name: hq\n  serial_number: 3651\n  extensions: 5",
            'pbx 1 ("hq"): serial_number: Input should be a valid s',
        ),
        (HQ.replace("5", "2.5"), 'pbx 1 ("hq"): extensions: Input should be a valid integer, not 2.5'),
        (HQ.replace("5", "true"), 'pbx 1 ("hq"): extensions: Input should be a valid integer, not True'),
        (HQ.replace("5", "0"), 'pbx 1 ("hq"): extensions: Input should be greater than or equal to 1, not 0'),
        (HQ + "  extension: 6", 'pbx 1 ("hq"): extension: is not known; there are name, serial_number, extensions,'),
        (HQ + HQ.replace("A1", "B2"), 'pbx 2 ("hq"): name HQ is already that of pbx 1 ("hq")'),
        (
            HQ + HQ.replace("hq", "b").replace("A1", "a1"),
            'pbx 2 ("b"): serial_number A1 is already that of pbx 1 ("hq")',
        ),
    ],
)
def test_a_mistake_is_named(fleet_file: ModuleType, tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text(text)

    with pytest.raises(fleet_file.FleetFileError) as caught:
        fleet_file.load(file)

    assert f"fleet.yaml: {said}" in str(caught.value)


def test_a_missing_file_is_named(fleet_file: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(fleet_file.FleetFileError, match=r"fleet\.yaml: can't be read: .*No such file"):
        fleet_file.load(tmp_path / "fleet.yaml")
