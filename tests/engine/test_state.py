"""What is left behind: the shape of the state, the frozen reference to the provider, and nothing secret."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from typing import Any

import pytest
from engine_stack import HQ, Stack, succeeded

from pulumi_yspartner.sandbox import Fault

DECLARED = {"serial_number", "extensions", "concurrent_calls"}

PICKLED = """
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_yspartner.provider import PbxCapacityProvider
print(serialize_provider(PbxCapacityProvider()))
"""


def pickled_reference(hash_seed: str) -> str:
    """The provider as the state stores it, made in a process of its own."""
    made = subprocess.run(
        [sys.executable, "-c", PICKLED],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PYTHONHASHSEED": hash_seed, "PATH": ""},
    )
    return made.stdout.strip()


def test_the_state_has_the_promised_shape(stack: Stack) -> None:
    stack.declare(extensions=250, concurrent_calls=60)
    succeeded(stack.up())

    resource = stack.resource()
    assert resource["type"] == "pulumi-python:dynamic/yspartner:PbxCapacity"
    assert resource["id"] == HQ
    assert set(resource["inputs"]) == {*DECLARED, "observed", "purchase", "__provider"}
    assert resource["inputs"]["observed"] == {"extensions": 50, "concurrent_calls": 12}
    purchase = resource["inputs"]["purchase"]
    assert set(purchase) == {
        "summary",
        "extensions",
        "concurrent_calls",
        "billing_contact_id",
        "plan_id",
        "reference",
    }
    assert purchase["billing_contact_id"] == "3197218168379846218"
    assert purchase["plan_id"] == "3049040650094403584"
    assert set(resource["outputs"]) == {*DECLARED, "capacity", "orders", "status", "__provider"}
    outputs = stack.outputs()
    assert outputs["capacity"] == {"extensions": 250, "concurrent_calls": 60}
    assert outputs["status"] == "satisfied"
    [sent] = stack.portal.orders
    [order] = outputs["orders"]
    assert order["time"].endswith("Z")
    assert {**order, "time": ""} == {
        "time": "",
        "order_no": sent.order_no,
        "transaction_no": sent.transaction_no,
        "reference": sent.po_number,
        "status": "succeed",
        "extensions": 200,
        "concurrent_calls": 48,
        "extensions_before": 50,
        "concurrent_calls_before": 12,
    }

    # Once bought, an unchanged run takes the purchase out of the inputs.
    succeeded(stack.up())
    assert set(stack.resource()["inputs"]) == {*DECLARED, "__provider"}
    assert stack.outputs() == outputs
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_a_pbx_that_has_its_capacity_has_only_its_declaration_as_inputs(stack: Stack) -> None:
    stack.declare(extensions=50)
    succeeded(stack.up())

    assert set(stack.resource()["inputs"]) == {"serial_number", "extensions", "__provider"}
    assert stack.outputs()["orders"] == []
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_the_providers_pickled_reference_is_constant(stack: Stack) -> None:
    stack.declare(extensions=60)
    succeeded(stack.run("up", "--yes", "--skip-preview", PYTHONHASHSEED="0"))
    exported = json.loads(succeeded(stack.run("stack export", "--show-secrets")).output)
    [state] = [each for each in exported["deployment"]["resources"] if each["type"].endswith(":PbxCapacity")]

    found = {json.loads(state[where]["__provider"]["plaintext"]) for where in ("inputs", "outputs")}

    assert found == {pickled_reference("0"), pickled_reference("1")}
    [text] = found
    assert len(text) < 100
    assert b"pulumi_yspartner.provider" in base64.b64decode(text)
    assert b"PbxCapacityProvider" in base64.b64decode(text)
    succeeded(stack.run("preview", "--expect-no-changes", PYTHONHASHSEED="1"))
    assert stack.portal.purchases == 1


def secrets_of(stack: Stack) -> list[str]:
    assert len(stack.portal.tokens) >= 4
    plain = [stack.portal.client_secret, *stack.portal.tokens]
    return plain + [base64.b64encode(secret.encode()).decode().rstrip("=") for secret in plain]


def test_no_secret_is_in_outputs_state_plans_or_logs(stack: Stack) -> None:
    stack.settings(CLIENT_SECRET=None, PURCHASES=None)
    succeeded(stack.run("config set", "--secret", "yspartner:clientSecret", stack.portal.client_secret))
    stack.results.clear()  # its command line has the secret
    stack.portal.behaviour.token_life = 1.5
    stack.declare(extensions=60)

    stack.preview("--save-plan", "plan.json", "--diff")
    stack.preview("--json")
    assert stack.up().code != 0  # refused: purchases are off
    stack.settings(PURCHASES="allow")
    stack.portal.faults.add(Fault("order.save", "expired_token"))
    stack.up("--plan", "plan.json", "--logtostderr", "-v=3")  # the portal refuses it
    succeeded(stack.up("--diff"))
    succeeded(stack.up("--json"))
    succeeded(stack.refresh())
    succeeded(stack.run("stack export"))
    succeeded(stack.run("stack", "--show-urns"))
    stack.portal.client_secret = "changed-since-1234"
    stack.refresh()  # told that the credentials are wrong
    stack.portal.client_secret = "not-for-any-log-4711"

    for where, text in stack.everything_written():
        for secret in secrets_of(stack):
            assert secret not in text, f"a secret is in {where}"
    assert (stack.folder / "plan.json").read_text()
    assert stack.portal.purchases == 1


@pytest.mark.deep
def test_rotated_credentials_come_from_the_environment(stack: Stack) -> None:
    """A refresh and a destroy run with the configuration of the last update."""
    stack.settings(CLIENT_SECRET=None)
    succeeded(stack.run("config set", "--secret", "yspartner:clientSecret", stack.portal.client_secret))
    stack.results.clear()
    stack.declare(extensions=50)
    succeeded(stack.up())
    stack.portal.client_secret = "rotated-since-1234"
    stack.portal.set_counts(HQ, extensions=55)

    assert "state is kept" in succeeded(stack.refresh())
    stack.settings(CLIENT_SECRET="rotated-since-1234")
    succeeded(stack.refresh())

    assert stack.outputs()["capacity"]["extensions"] == 55
    assert stack.portal.purchases == 0


@pytest.mark.deep
def test_json_and_diff_previews_hold_the_purchase(stack: Stack) -> None:
    stack.declare(extensions=60)

    shown: dict[str, Any] = json.loads(succeeded(stack.preview("--json")).output)

    [step] = [step for step in shown["steps"] if step["urn"].endswith("::hq")]
    assert step["newState"]["inputs"]["purchase"]["summary"] == "buy 10 extensions (50 -> 60)"
    lines = {each.get("urn", "").rpartition("::")[2]: each["message"] for each in shown["diagnostics"]}
    assert "buy 10 extensions (50 -> 60)" in lines["hq"]
    assert "1 of 1 PBX would buy: 10 extensions" in lines[""]
    diff = succeeded(stack.preview("--diff"))
    assert "buy 10 extensions (50 -> 60)" in diff
    assert stack.portal.purchases == 0
