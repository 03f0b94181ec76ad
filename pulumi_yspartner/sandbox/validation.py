"""What the sandbox demands, field by field: of an order exactly what the vendor's tutorial sends, of a price request
what is documented."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .portal import SOFTWARE_EDITION, Count, Portal

ORDER_FIELDS = {"operationType", "productId", "productNo", "billingId", "serviceList"}
OPTIONAL_ORDER_FIELDS = {"poNumber"}
ITEM_TEXTS = {
    "serviceType": "service",
    "purchaseType": "purchase",
    "billingModel": "recurring",
    "billingCycle": "annually",
}
ITEM_FIELDS = {*ITEM_TEXTS, "connectionPlanId", "serviceId", "quantity"}
PRICE_FIELDS = {"operationType", "productId", "serviceList"}
OPTIONAL_PRICE_FIELDS = {"productNo", "partnerView"}
PRICE_ITEM_FIELDS = {"serviceType", "pricingId", "quantity"}
OPTIONAL_PRICE_ITEM_FIELDS = {"billingCycle"}


class Invalid(Exception):
    """A parameter that is refused."""

    def __init__(self, field: str, tag: str) -> None:
        super().__init__(f"{field}: {tag}")
        self.field = field
        self.tag = tag


def check_order(portal: Portal, body: Any) -> dict[str, Any]:
    """The body of an order, if every part of it is right."""
    if not isinstance(body, dict):
        raise Invalid("body", "must be an object")
    _names(body, ORDER_FIELDS, OPTIONAL_ORDER_FIELDS, "")
    _text(body, "operationType", "purchase_service")
    if _integer(body, "productId") != SOFTWARE_EDITION:
        raise Invalid("productId", "the sandbox knows product 12 only")
    serial_number = _text(body, "productNo")
    if serial_number not in portal.pbxs:
        raise Invalid("productNo", "unknown")
    if _integer(body, "billingId") not in {contact.contact_id for contact in portal.contacts}:
        raise Invalid("billingId", "unknown")
    if "poNumber" in body:
        _text(body, "poNumber")
    items = body["serviceList"]
    if not isinstance(items, list) or not items:
        raise Invalid("serviceList", "must be a list with at least one item")
    bought = [
        _check_item(portal, item, portal.pbxs[serial_number].plan.plan_id, f"serviceList[{i}]")
        for i, item in enumerate(items)
    ]
    if len(set(bought)) < len(bought):
        raise Invalid("serviceList", "one service twice")
    return body


def _check_item(portal: Portal, item: Any, plan_id: int, where: str) -> int:
    if not isinstance(item, dict):
        raise Invalid(where, "must be an object")
    _names(item, ITEM_FIELDS, set(), f"{where}.")
    for name, value in ITEM_TEXTS.items():
        _text(item, name, value, f"{where}.")
    if _integer(item, "connectionPlanId", f"{where}.") != plan_id:
        raise Invalid(f"{where}.connectionPlanId", "isn't the current plan")
    service_id = _integer(item, "serviceId", f"{where}.")
    on_sale = {s.service_id for s in portal.services if s.count and s.plan_id in (None, plan_id)}
    if service_id not in on_sale:
        raise Invalid(f"{where}.serviceId", "isn't an expansion service of this plan")
    if _integer(item, "quantity", f"{where}.") < 1:
        raise Invalid(f"{where}.quantity", "must be at least 1")
    return service_id


def check_price_request(portal: Portal, body: Any) -> list[tuple[Count, int]]:
    """What a price request asks for, and how many, if every part of it is right.

    The documentation stops before an item's quantity; the sandbox wants it under the name that an order has.
    """
    if not isinstance(body, dict):
        raise Invalid("body", "must be an object")
    _names(body, PRICE_FIELDS, OPTIONAL_PRICE_FIELDS, "")
    if _integer(body, "productId") != SOFTWARE_EDITION:
        raise Invalid("productId", "the sandbox knows product 12 only")
    _text(body, "operationType", "purchase_service")
    if "productNo" in body and _text(body, "productNo") not in portal.pbxs:
        raise Invalid("productNo", "unknown")
    items = body["serviceList"]
    if not isinstance(items, list) or not items:
        raise Invalid("serviceList", "must be a list with at least one item")
    asked = [_check_price_item(portal, item, f"serviceList[{i}]") for i, item in enumerate(items)]
    if len({count for count, _ in asked}) < len(asked):
        raise Invalid("serviceList", "one service twice")
    return asked


def _check_price_item(portal: Portal, item: Any, where: str) -> tuple[Count, int]:
    if not isinstance(item, dict):
        raise Invalid(where, "must be an object")
    _names(item, PRICE_ITEM_FIELDS, OPTIONAL_PRICE_ITEM_FIELDS, f"{where}.")
    _text(item, "serviceType", "service", f"{where}.")
    if "billingCycle" in item:
        _text(item, "billingCycle", "annually", f"{where}.")
    priced = {service.pricing_id: service.count for service in portal.services}
    count = priced.get(_integer(item, "pricingId", f"{where}."))
    if count is None:
        raise Invalid(f"{where}.pricingId", "isn't an expansion service's")
    quantity = _integer(item, "quantity", f"{where}.")
    if quantity < 1:
        raise Invalid(f"{where}.quantity", "must be at least 1")
    return count, quantity


def query_number(query: Mapping[str, str], name: str, default: int | None = None) -> int:
    """A positive whole number from the query."""
    text = query.get(name)
    if text is None or text == "":
        if default is None:
            raise Invalid(name, "required")
        return default
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        raise Invalid(name, "must be a positive integer")
    return int(text)


def _names(value: dict[str, Any], required: set[str], optional: set[str], where: str) -> None:
    for name in sorted(required - value.keys()):
        raise Invalid(where + name, "required")
    for name in sorted(value.keys() - required - optional):
        raise Invalid(where + name, "unknown field")


def _text(value: dict[str, Any], name: str, expected: str | None = None, where: str = "") -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text:
        raise Invalid(where + name, "must be text")
    if expected is not None and text != expected:
        raise Invalid(where + name, f"must be {expected}")
    return text


def _integer(value: dict[str, Any], name: str, where: str = "") -> int:
    number = value.get(name)
    if type(number) is not int:  # neither true nor 12.0
        raise Invalid(where + name, "must be an integer")
    return number
