"""`yspartner export`: the fleet as the YAML of examples/fleet. That it buys nothing is tested on the engine."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from pulumi_yspartner.cli import main
from pulumi_yspartner.export import Exported, Fleet, as_yaml, resource_names
from pulumi_yspartner.sandbox import DIALECTS, PBX_CLIENT_ID, PBX_CLIENT_SECRET, Dialect, Portal, SandboxServer

A, B, C = "3651D3296882", "3651D3296883", "3651D3296884"
FLEET_FILE = Path(__file__).parents[2] / "examples" / "fleet" / "fleet_file.py"


@pytest.fixture
def portal() -> Portal:
    portal = Portal()
    portal.add_pbx(A, extensions=50, concurrent_calls=12)
    portal.add_pbx(B, extensions=100, concurrent_calls=25)
    return portal


@pytest.fixture
def server(portal: Portal) -> Iterator[SandboxServer]:
    with SandboxServer(portal) as server:
        yield server


@pytest.fixture
def run(server: SandboxServer, portal: Portal, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in [name for name in os.environ if name.startswith("YSPARTNER_")]:
        monkeypatch.delenv(name)

    def call(*arguments: str, **changes: str) -> Result:
        base = {"BASE_URL": server.url, "CLIENT_ID": "sandbox", "CLIENT_SECRET": "sandbox-secret"}
        env = {f"YSPARTNER_{name}": value for name, value in {**base, **changes}.items()}
        result = CliRunner().invoke(main, ["export", *arguments], env=env)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        assert "Traceback" not in result.output
        return result

    yield call
    assert portal.count("order.save") == 0


def labelled(**labels: str) -> Dialect:
    """PBXs that somebody has put a comment on."""

    def rewrite(endpoint: str, result: Any) -> Any:
        if endpoint == "product.list":
            for item in result["results"]:
                item["comment"] = labels.get(f"pbx_{item['productNo'][-1]}", "")
        return result

    return Dialect(rewrite=rewrite)


def entries(result: Result) -> list[dict[str, Any]]:
    found = yaml.safe_load(result.stdout)
    assert isinstance(found, list)
    return found


def test_the_fleet_as_it_is(run: Any) -> None:
    result = run()

    assert result.exit_code == 0, result.output
    assert entries(result) == [
        {"name": "pbx-3651d3296882", "serial_number": A, "extensions": 50, "concurrent_calls": 12},
        {"name": "pbx-3651d3296883", "serial_number": B, "extensions": 100, "concurrent_calls": 25},
    ]
    assert "2 PBXs, counts from the portal" in result.stdout
    assert "not numbers to add" in result.stdout


def test_the_example_reads_it(run: Any, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("fleet_file", FLEET_FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "fleet.yaml").write_text(run().stdout)

    assert [pbx.serial_number for pbx in module.load(tmp_path / "fleet.yaml")] == [A, B]


def test_names_and_comments_that_a_person_would_write(run: Any, portal: Portal) -> None:
    portal.dialect = labelled(pbx_2="Büro Zürich (HQ)", pbx_3="Lager: Halle 2 # rechts")

    result = run()

    assert [entry["name"] for entry in entries(result)] == ["buero-zuerich-hq", "lager-halle-2-rechts"]
    assert "# Büro Zürich (HQ)\n- name: buero-zuerich-hq\n" in result.stdout


def test_the_same_label_twice(run: Any, portal: Portal) -> None:
    portal.dialect = labelled(pbx_2="Branch", pbx_3="branch!")

    assert [entry["name"] for entry in entries(run())] == ["branch-3651d3296882", "branch-3651d3296883"]


def test_a_label_cannot_break_out_of_its_comment(run: Any, portal: Portal) -> None:
    portal.dialect = labelled(pbx_2='x\n- name: evil\n  serial_number: "1"\x85\u2028- name: worse')

    result = run()

    assert [entry["serial_number"] for entry in entries(result)] == [A, B]


@pytest.mark.parametrize("dialect", ["default", "text-ids", "nested", "counts-in-list", "counts-everywhere", "bare"])
def test_each_dialect(run: Any, portal: Portal, dialect: str) -> None:
    portal.dialect = DIALECTS[dialect]

    assert [entry["extensions"] for entry in entries(run())] == [50, 100]


def test_counts_of_the_pbxs_themselves(run: Any, server: SandboxServer, portal: Portal) -> None:
    portal.dialect = DIALECTS["no-counts"]
    access = {
        serial: {"url": server.pbx_url(serial), "clientId": PBX_CLIENT_ID, "clientSecret": PBX_CLIENT_SECRET}
        for serial in (A, B)
    }

    result = run(CAPACITY_SOURCE="pbx", PBXS=json.dumps(access))

    assert [entry["extensions"] for entry in entries(result)] == [50, 100]
    assert "used" not in result.stdout
    assert PBX_CLIENT_SECRET not in result.output


def test_a_pbx_that_cannot_be_read_is_a_comment_and_said(run: Any, portal: Portal) -> None:
    portal.faults.add("product.detail:status=404x*").serial_number = A

    result = run()

    assert result.exit_code == 1
    assert [entry["serial_number"] for entry in entries(result)] == [B]
    assert f'#   serial_number: "{A}"' in result.stdout
    assert f"left out: {A}: its counts could not be read" in result.stderr


def test_a_count_of_nothing_is_not_declared(run: Any, portal: Portal) -> None:
    portal.set_counts(A, concurrent_calls=0)
    portal.set_counts(B, extensions=0, concurrent_calls=0)

    result = run()

    assert entries(result) == [{"name": "pbx-3651d3296882", "serial_number": A, "extensions": 50}]
    assert "nothing to declare" in result.stderr


def test_chosen_pbxs(run: Any) -> None:
    assert [entry["serial_number"] for entry in entries(run("--pbx", B.lower()))] == [B]
    assert run("--pbx", "NOWHERE").exit_code == 1


def test_an_account_without_a_pbx(run: Any, portal: Portal) -> None:
    portal.pbxs.clear()

    result = run()

    assert result.exit_code == 1
    assert "no P-Series Software Edition PBX" in result.stderr


def test_wrong_credentials(run: Any) -> None:
    result = run(CLIENT_SECRET="wrong-0815")

    assert result.exit_code == 1
    assert result.stdout == ""
    assert "did not accept the credentials" in result.stderr
    assert "wrong-0815" not in result.output


def test_a_name_that_a_label_has_taken() -> None:
    names = resource_names({"1": "x", "2": "x", "3": "x 1"})

    assert len(set(names.values())) == 3


@given(st.dictionaries(st.from_regex(r"[A-Z0-9]{1,12}", fullmatch=True), st.text(max_size=60), max_size=8))
def test_names_are_usable_and_unique(labels: dict[str, str]) -> None:
    names = resource_names(labels)

    assert set(names) == set(labels)
    assert len({name.casefold() for name in names.values()}) == len(names)
    for name in names.values():
        assert name[0].isalnum()
        assert all(char in "abcdefghijklmnopqrstuvwxyz0123456789-" for char in name)


@pytest.mark.parametrize("label", ["No", "On", "null", "2024", "2026-11-25", "1e5", "0x10", "12-30", "Y", "hq"])
def test_a_name_that_yaml_would_take_for_something_else_stays_text(label: str) -> None:
    [name] = resource_names({"3651D3296882": label}).values()
    [entry] = yaml.safe_load(as_yaml(Fleet([Exported(name, "3651D3296882", label, {"extensions": 50})]), "2026-11-25"))

    assert entry["name"] == name == label.lower()
