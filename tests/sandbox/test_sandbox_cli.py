"""The command `yspartner sandbox`, as a process."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from click.testing import CliRunner
from sandbox_calls import CONTACTS, Api

from pulumi_yspartner.cli import main
from pulumi_yspartner.sandbox import DIALECTS, KINDS, SandboxServer


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, and the text that it begins with."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pulumi_yspartner", "sandbox", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        text = ""
        while line := process.stdout.readline():
            text += line
            if " concurrent calls\n" in line:
                break
        try:
            yield process, text
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_runs_reports_and_quits_quietly(number: int) -> None:
    options = ("--order-status", "pending", "--client-secret", "it's secret", "--fault", "order.save:cut_after@2")
    with running(*options) as (process, text):
        url = re.search(r"^export YSPARTNER_BASE_URL=(http://127\.0\.0\.1:\d+)$", text, re.M)
        assert url is not None, text
        assert "export YSPARTNER_CLIENT_ID=sandbox\n" in text
        assert """export YSPARTNER_CLIENT_SECRET='it'"'"'s secret'\n""" in text
        assert "3651D3296882: 50 extensions, 12 concurrent calls\n" in text
        with Api(base_url=url[1]) as api:
            form = {"grant_type": "pp_credentials", "client_id": "sandbox", "client_secret": "it's secret"}
            token = api.grant(**form).json()["result"]["token"]
            api.headers["Authorization"] = f"Bearer {token}"
            order_no = api.order().json()["result"]["orderNo"]
            assert api.get("/_sandbox/purchases").json()["purchases"] == 1
        process.send_signal(number)
        out, err = process.communicate(timeout=10)
    assert out.strip() == f"order {order_no} for 3651D3296882: 200 extensions (pending)"
    assert (process.returncode, err) == (0, "")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--pbx", "3651D3296882"], "must look like 3651D3296882=50/12"),
        (["--pbx", "A=1/2", "--pbx", "a=3/4"], "A is given twice"),
        (["--contact", "ACME"], "must look like ACME=billing@acme.example"),
        (["--fault", "order.save:nonsense"], ", ".join(sorted(KINDS))),
        (["--fault", "nonsense"], "isn't of the form"),
        (["--dialect", "nonsense"], ", ".join(DIALECTS)),
    ],
)
def test_bad_options(options: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["sandbox", *options])
    assert result.exit_code == 2
    assert message in result.output


def test_contacts_can_be_given() -> None:
    with (
        running("--contact", "ACME = a@acme.example", "--contact", "Globex=b@globex.example") as (_, text),
        Api(base_url=re.findall(r"http://127\.0\.0\.1:\d+", text)[0]) as api,
    ):
        api.sign_in()
        contacts = api.result(CONTACTS)

    assert [(contact["company"], contact["emailAddress"]) for contact in contacts] == [
        ("ACME", "a@acme.example"),
        ("Globex", "b@globex.example"),
    ]
    assert len({contact["billingContactId"] for contact in contacts}) == 2


def test_port_in_use(server: SandboxServer) -> None:
    result = CliRunner().invoke(main, ["sandbox", "--port", str(server.port)])
    assert (result.exit_code, result.output) == (1, f"Error: port {server.port}: Address already in use\n")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("pulumi_yspartner.sandbox")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "starlette.applications", None)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    result = CliRunner().invoke(main, ["sandbox"])
    assert result.exit_code == 1
    assert "pip install 'pulumi_yspartner[sandbox]'" in result.output


def test_version_and_help() -> None:
    assert CliRunner().invoke(main, ["--version"]).output.startswith("yspartner, version ")
    assert "sandbox" in CliRunner().invoke(main, ["--help"]).output


def test_the_command_loads_without_the_sandbox() -> None:
    code = (
        "import sys, pulumi_yspartner.cli\n"
        "print([m for m in sys.modules if m.startswith(('pulumi_yspartner.sandbox', 'starlette', 'uvicorn', 'rich'))])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
