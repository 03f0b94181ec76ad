"""The obvious first version: `check` reads what it needs with a blocking client, one PBX after the other.

It knows how the sandbox answers, and orders nothing: `create` only takes note.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import httpx
import pulumi
from pulumi.dynamic import CheckResult, CreateResult, ReadResult, Resource, ResourceProvider

_COUNTS = {"extensions": "extensionCapacity", "concurrent_calls": "concurrentCallCapacity"}
_SERVICES = {"extensions": "Extension Expansion", "concurrent_calls": "Concurrent Call Expansion"}


class NaiveProvider(ResourceProvider):
    """Reads the counts of a PBX, and where it is short also what can be bought, who pays, and how much."""

    def check(self, _olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Say what would be bought."""
        serial_number = news["serial_number"]
        have = _counts(serial_number)
        need = {name: int(news[name]) - have[name] for name in _COUNTS if news[name] > have[name]}
        inputs = {name: value for name, value in news.items() if name != "__provider"}
        if need:
            query = {"productId": 12, "productNo": serial_number}
            catalog = _get("/pricing/openapi/purchase/v1/purchase_product_info", query)
            contacts = _get("/user/openapi/user/v1/client/billing_contact_list", {})
            inputs["purchase"] = {
                **need,
                "plan": str(catalog["planList"][0]["planId"]),
                "contacts": len(contacts),
                "price": _price(serial_number, catalog, need),
            }
        return CheckResult(inputs, [])

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Take note of the PBX."""
        return CreateResult(props["serial_number"], {"capacity": _counts(props["serial_number"])})

    def read(self, id_: str, _props: dict[str, Any]) -> ReadResult:
        """Read the counts again."""
        return ReadResult(id_, {"capacity": _counts(id_)})


class Naive(Resource, module="benchmarks", name="Naive"):
    """Takes what a PBX is declared with."""

    capacity: pulumi.Output[dict[str, int]]

    def __init__(self, resource_name: str, serial_number: str, extensions: int, concurrent_calls: int) -> None:
        declared = {"serial_number": serial_number, "extensions": extensions, "concurrent_calls": concurrent_calls}
        super().__init__(NaiveProvider(), resource_name, {**declared, "capacity": None})


@cache
def _client() -> httpx.Client:
    client = httpx.Client(base_url=os.environ["YSPARTNER_BASE_URL"], trust_env=False, headers={"User-Agent": "naive"})
    form = {
        "grant_type": "pp_credentials",
        "client_id": os.environ["YSPARTNER_CLIENT_ID"],
        "client_secret": os.environ["YSPARTNER_CLIENT_SECRET"],
    }
    token = client.post("/auth/openapi/v1/oauth/token", data=form).raise_for_status().json()["result"]["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    return client


def _price(serial_number: str, catalog: dict[str, Any], need: dict[str, int]) -> str:
    pricing = {service["serviceName"]: service["pricingServiceId"] for service in catalog["serviceList"]}
    services = [
        {"serviceType": "service", "pricingId": pricing[_SERVICES[name]], "quantity": more, "billingCycle": "annually"}
        for name, more in need.items()
    ]
    question = {"operationType": "purchase_service", "productId": 12, "productNo": serial_number}
    answer = _client().post(
        "/pricing/openapi/purchase/v1/pricing/calculate", json={**question, "serviceList": services}
    )
    price = answer.raise_for_status().json()["result"]
    return f"{price['totalPrice']} {price['currencyCode']}"


def _get(path: str, query: dict[str, Any]) -> Any:
    return _client().get(path, params=query).raise_for_status().json()["result"]


def _counts(serial_number: str) -> dict[str, int]:
    details = _get("/product/openapi/instance_product/v1/detail", {"productId": 12, "productNo": serial_number})
    return {name: int(details[field]) for name, field in _COUNTS.items()}
