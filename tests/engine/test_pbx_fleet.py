"""Fleets whose counts come from the PBXs' own API, on the engine: `pbx`, `mixed`, and one that is down among twenty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from engine_stack import BRANCH, DEPOT, HQ, Stack, refused, succeeded

from pulumi_yspartner.sandbox import DIALECTS, PBX_CLIENT_ID, PBX_CLIENT_SECRET, Dialect, Fault


@pytest.fixture(autouse=True)
def nothing_secret(stack: Stack) -> Iterator[None]:
    """Besides what the `stack` fixture looks for: the secret of the PBXs."""
    yield
    for where, text in stack.everything_written():
        assert PBX_CLIENT_SECRET not in text, f"the PBXs' secret is in {where}"


def pbxs(stack: Stack, *serials: str, **changes: str) -> str:
    access = {"clientId": PBX_CLIENT_ID, "clientSecret": PBX_CLIENT_SECRET, **changes}
    return json.dumps({serial: {"url": f"{stack.url}/pbx/{serial}", **access} for serial in serials})


def of_their_own(stack: Stack, *serials: str, source: str = "pbx") -> None:
    """Counts from the PBXs; the portal tells none."""
    stack.portal.dialect = DIALECTS["no-counts"]
    stack.settings(CAPACITY_SOURCE=source, PBXS=pbxs(stack, *serials))


def test_a_pbx_fleet_buys_and_then_rests(stack: Stack) -> None:
    of_their_own(stack, HQ)
    stack.declare(extensions=60, concurrent_calls=20)

    bought = (
        "buy 10 extensions (50 -> 60), 8 concurrent calls (12 -> 20); in use 10 extensions, 0 concurrent calls; price"
    )
    assert bought in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())
    assert stack.outputs()["capacity"] == {"extensions": 60, "concurrent_calls": 20}
    assert "used" not in stack.checkpoint, "what is in use is for reports"

    succeeded(stack.preview("--expect-no-changes"))
    succeeded(stack.refresh("--expect-no-changes"))
    stack.declare(extensions=70, concurrent_calls=20)
    succeeded(stack.up())
    assert [(order.extensions, order.concurrent_calls) for order in stack.portal.orders] == [(10, 8), (10, 0)]
    succeeded(stack.destroy())
    assert stack.portal.purchases == 2
    assert stack.portal.count("product.detail") == 0


@pytest.mark.deep
def test_extensions_in_use_may_move_without_touching_a_saved_plan(stack: Stack) -> None:
    used = {"extension_used": 7}

    def rewrite(endpoint: str, result: Any) -> Any:
        return {"data": {**result["data"], **used}} if endpoint == "pbx.capacity" else result

    of_their_own(stack, HQ)
    stack.portal.dialect = Dialect(counts="nowhere", rewrite=rewrite)
    stack.declare(extensions=60)
    succeeded(stack.preview("--save-plan", "plan.json"))
    used["extension_used"] = 44

    succeeded(stack.up("--plan", "plan.json"))

    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_secret_of_the_stack(stack: Stack) -> None:
    """`pulumi config set --secret`: it reaches the program and the provider, and is nowhere in plain text."""
    stack.portal.dialect = DIALECTS["no-counts"]
    stack.settings(CAPACITY_SOURCE="pbx")
    succeeded(stack.run("config set", "--secret", "yspartner:pbxs", pbxs(stack, HQ)))
    stack.declare(extensions=60)

    assert "buy 10 extensions" in succeeded(stack.preview()).rows["hq"]
    succeeded(stack.up())
    succeeded(stack.refresh("--expect-no-changes"))
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_mixed_fleet(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    stack.portal.add_pbx(DEPOT, extensions=20, concurrent_calls=10)
    stack.settings(CAPACITY_SOURCE="mixed", PBXS=pbxs(stack, HQ, DEPOT))
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "branch": {"serial_number": BRANCH, "extensions": 110},
            "depot": {"serial_number": DEPOT, "extensions": 20},
        }
    )

    preview = succeeded(stack.preview(), "2 of 3 PBXs would buy: 20 extensions")
    assert "buy 10 extensions (50 -> 60)" in preview.rows["hq"]
    assert "buy 10 extensions (100 -> 110)" in preview.rows["branch"]
    succeeded(stack.up())
    assert sorted((order.serial_number, order.extensions) for order in stack.portal.orders) == [(HQ, 10), (BRANCH, 10)]

    stack.portal.reset_requests()
    succeeded(stack.preview("--expect-no-changes"))
    assert stack.portal.count("pbx.capacity") == 2
    assert stack.portal.count("product.detail") == 1, "of the one that is read from the portal"


@pytest.mark.deep
def test_a_pbx_without_credentials_is_refused_and_hides_no_other(stack: Stack) -> None:
    stack.portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    of_their_own(stack, HQ)
    stack.fleet(
        {
            "hq": {"serial_number": HQ, "extensions": 60},
            "branch": {"serial_number": BRANCH, "extensions": 110},
        }
    )

    preview = refused(stack.preview(), f"serial number {BRANCH} is not in yspartner:pbxs", "1 of 2 PBXs was refused")

    assert "buy 10 extensions" in preview.rows["hq"]
    assert stack.portal.purchases == 0


@pytest.mark.deep
@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"CAPACITY_SOURCE": "phone"}, "'portal', 'pbx' or 'mixed'"),
        ({"CAPACITY_SOURCE": "pbx", "PBXS": '{"A": {"url": "https://pbx"}}'}, "yspartner:pbxs.A.clientSecret"),
        ({"CAPACITY_SOURCE": "pbx", "PBX_CA_FILE": "/nowhere/ca.pem"}, "yspartner:pbxCaFile"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_settings(stack: Stack, settings: dict[str, str], said: str) -> None:
    stack.settings(**settings)
    stack.declare(extensions=60)

    refused(stack.up(), said)
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_wrong_credentials_of_a_pbx(stack: Stack) -> None:
    stack.settings(CAPACITY_SOURCE="pbx", PBXS=pbxs(stack, HQ, clientSecret="wrong-secret-0815"))
    stack.declare(extensions=60)

    result = refused(stack.up(), f"PBX {HQ}", "did not accept its clientId and clientSecret in yspartner:pbxs")

    assert "wrong-secret-0815" not in result
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_a_portal_and_a_pbx_that_disagree(stack: Stack) -> None:
    def rewrite(endpoint: str, result: Any) -> Any:
        return {"data": {**result["data"], "extension_capacity": 40}} if endpoint == "pbx.capacity" else result

    stack.settings(CAPACITY_SOURCE="pbx", PBXS=pbxs(stack, HQ))
    stack.portal.dialect = Dialect(counts="list", rewrite=rewrite)
    stack.declare(extensions=60)

    preview = succeeded(stack.preview(), "the PBX itself says 40 extensions, the portal says 50 extensions")

    assert "buy 20 extensions (40 -> 60)" in preview.rows["hq"], "the chosen source decides"


# --- one that is down among twenty ---

DOWN = "3651D3300007"


def twenty(stack: Stack, **changes: int) -> None:
    """Twenty PBXs with what they have declared; `changes` by resource name, as the extensions asked for."""
    stack.fleet(
        {
            f"pbx{number:02}": {
                "serial_number": f"3651D33000{number:02}",
                "extensions": changes.get(f"pbx{number:02}", 50),
                "concurrent_calls": 12,
            }
            for number in range(20)
        }
    )


@pytest.fixture
def fleet_of_twenty(stack: Stack) -> Stack:
    serials = [f"3651D33000{number:02}" for number in range(20)]
    for serial in serials:
        stack.portal.add_pbx(serial, extensions=50, concurrent_calls=12)
    of_their_own(stack, *serials)
    stack.settings(PBX_TIMEOUT="2")
    twenty(stack)
    succeeded(stack.up())
    assert stack.portal.purchases == 0
    stack.portal.faults.add(Fault("pbx.token", "timeout_before", times=None, serial_number=DOWN))
    return stack


@pytest.mark.deep
def test_one_of_twenty_is_down_and_nothing_changed(fleet_of_twenty: Stack) -> None:
    stack = fleet_of_twenty
    before = stack.outputs("pbx07")

    preview = succeeded(stack.preview("--expect-no-changes"), f"the counts of PBX {DOWN} could not be read from itself")
    assert "no answer within" in preview
    succeeded(stack.up("--expect-no-changes"))
    assert f"{DOWN}" in succeeded(stack.refresh("--expect-no-changes"), "Its state is kept as it was")
    assert stack.outputs("pbx07") == before
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_one_of_twenty_is_down_and_others_are_raised(fleet_of_twenty: Stack) -> None:
    stack = fleet_of_twenty
    twenty(stack, pbx03=60, pbx15=70)

    succeeded(stack.preview("--save-plan", "plan.json"), "2 of 20 PBXs would buy: 30 extensions", DOWN)
    succeeded(stack.up("--plan", "plan.json"))

    assert sorted(order.extensions for order in stack.portal.orders) == [10, 20]
    assert stack.outputs("pbx03")["capacity"]["extensions"] == 60


@pytest.mark.deep
def test_one_of_twenty_is_down_and_is_itself_raised(fleet_of_twenty: Stack) -> None:
    stack = fleet_of_twenty
    twenty(stack, pbx03=60, pbx07=60)

    preview = refused(stack.preview(), f"the counts of PBX {DOWN} could not be read", "1 of 20 PBXs was refused")
    assert "buy 10 extensions (50 -> 60)" in preview.rows["pbx03"]
    assert stack.portal.purchases == 0

    stack.portal.faults.clear()
    succeeded(stack.up())
    assert stack.portal.purchases == 2
