"""The provider's reference in every user's state: by name, constant, without any content."""

from __future__ import annotations

import base64
import os
import pickletools
import subprocess
import sys

import pytest
from pulumi.dynamic.dynamic import serialize_provider

from pulumi_yspartner.provider import PbxCapacityProvider
from pulumi_yspartner.settings import Settings

FROZEN = "gASVOAAAAAAAAACMGXB1bHVtaV95c3BhcnRuZXIucHJvdmlkZXKUjBNQYnhDYXBhY2l0eVByb3ZpZGVylJOUKYGULg=="

PROGRAM = """
from pulumi.dynamic.dynamic import serialize_provider
from pulumi_yspartner.provider import PbxCapacityProvider
print(serialize_provider(PbxCapacityProvider()))
"""


def test_reference_is_the_frozen_one() -> None:
    reference = serialize_provider(PbxCapacityProvider())
    assert reference == FROZEN
    assert len(reference) == 92


def test_reference_holds_the_import_path_and_nothing_else() -> None:
    texts = [argument for _, argument, _ in pickletools.genops(base64.b64decode(FROZEN)) if isinstance(argument, str)]
    assert texts == ["pulumi_yspartner.provider", "PbxCapacityProvider"]


def test_frozen_import_path_leads_to_the_provider() -> None:
    assert PbxCapacityProvider.__module__ == "pulumi_yspartner.provider"
    assert PbxCapacityProvider.__qualname__ == "PbxCapacityProvider"


@pytest.mark.parametrize("seed", ["1", "2"])
def test_reference_is_equal_over_processes_and_hash_seeds(seed: str) -> None:
    environment = {
        **os.environ,
        "PYTHONHASHSEED": seed,
        "YSPARTNER_CLIENT_ID": f"client-{seed}",
        "YSPARTNER_CLIENT_SECRET": f"s3cret-{seed}",
    }
    said = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True, env=environment, timeout=60
    )
    assert said.stdout.strip() == FROZEN


def test_reference_holds_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PbxCapacityProvider, "_settings", Settings.model_validate({"client_secret": "s3cret"}))
    assert serialize_provider(PbxCapacityProvider()) == FROZEN


def test_a_new_instance_holds_nothing() -> None:
    assert vars(PbxCapacityProvider()) == {}
