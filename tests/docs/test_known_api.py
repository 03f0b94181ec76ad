"""`docs/known-api.md` names what the code relies on: requests, names with a mark, and the body of an order."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import api_names
import pytest
from doc_pages import ROOT, blocks

from pulumi_yspartner.partner import OrderRequest

PAGE = ROOT / "docs" / "known-api.md"
PACKAGE = ROOT / "pulumi_yspartner"
ANSWERS = PACKAGE / "partner" / "answers.py"
MARK = re.compile(r"\b(SEEN|INFERRED|UNKNOWN)\b")


@pytest.fixture(scope="module")
def page() -> str:
    """The page as the site shows it, with the table that is made from the code."""
    return PAGE.read_text() + api_names.table()


def texts(file: Path) -> set[str]:
    """All texts of a module."""
    nodes = ast.walk(ast.parse(file.read_text()))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def marked_names() -> set[str]:
    """The texts of the constants of `answers` beside which a mark stands."""
    source = ANSWERS.read_text()
    lines = source.splitlines()
    found: set[str] = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            segment = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if MARK.search(segment.partition("=")[2]) and "Sought(" not in segment:
                inside = ast.walk(node.value)
                found |= {each.value for each in inside if isinstance(each, ast.Constant) and type(each.value) is str}
    return found - {"extensions", "concurrent_calls"}  # keys: our own names of the counts


def test_every_request_to_the_portal_is_named(page: str) -> None:
    paths = {text for file in (PACKAGE / "partner").glob("*.py") for text in texts(file) if "/openapi/" in text}

    assert len(paths) > 5
    for path in paths:
        assert f"{path}`" in page or f"{path}/{{id}}`" in page, path


def test_every_request_to_a_pbx_is_named(page: str) -> None:
    for text in ("get_token", "system/capacity", "/openapi/v1.0", "extension_capacity", "cc_capacity"):
        assert text in texts(PACKAGE / "sources" / "pbx.py")
        assert text in page


def test_every_name_with_a_mark_is_named(page: str) -> None:
    names = marked_names()

    assert {"planId", "extensionCapacity", "isCurrent"} <= names
    missing = [name for name in names if f"`{name.casefold()}`" not in page.casefold()]
    assert missing == []


def test_the_order_is_the_one_that_is_sent() -> None:
    [block] = [block for block in blocks(PAGE) if block.language == "json"]
    shown = json.loads(block.text)
    [service] = shown["serviceList"]
    request = OrderRequest(
        serial_number=shown["productNo"],
        billing_contact_id=str(shown["billingId"]),
        plan_id=str(service["connectionPlanId"]),
        services={"extensions": str(service["serviceId"])},
        quantities={"extensions": service["quantity"]},
        po_number=shown["poNumber"],
    )

    assert request.body() == shown
