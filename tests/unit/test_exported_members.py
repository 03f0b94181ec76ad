"""What the package offers to programs and to their tests."""

from __future__ import annotations

import subprocess
import sys

import pulumi_yspartner
from pulumi_yspartner import testing


def test_each_exported_name_is_there() -> None:
    assert pulumi_yspartner.__all__ == [
        "BillingContact",
        "ListedPbx",
        "PbxCapacity",
        "get_billing_contact",
        "get_billing_contact_output",
        "get_billing_contacts",
        "get_pbxs",
    ]
    assert all(getattr(pulumi_yspartner, name).__name__ == name for name in pulumi_yspartner.__all__)
    assert set(pulumi_yspartner.__all__) <= set(dir(pulumi_yspartner))
    assert testing.__all__ == ["BillingContact", "Order", "Pbx", "Preview", "Purchase", "preview"]
    assert all(getattr(testing, name).__name__ == name for name in testing.__all__)


def test_what_runs_without_a_program_loads_none_of_it() -> None:
    loaded = "import sys, pulumi_yspartner.provider as _; print(*(name for name in sys.modules if 'yspartner' in name))"

    names = subprocess.run([sys.executable, "-c", loaded], capture_output=True, text=True, check=True).stdout.split()

    assert "pulumi_yspartner.provider" in names
    for module in ("pbx_capacity", "lookups", "fleet", "testing"):
        assert f"pulumi_yspartner.{module}" not in names
