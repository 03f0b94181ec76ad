"""The documented endpoints: from a request to `result`."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from email import message_from_bytes
from email.message import Message
from typing import Any
from urllib.parse import parse_qsl

from starlette.routing import Route

from . import dialect as shape
from .endpoint import Call, Endpoint, Handler, Refusal
from .faults import Fault
from .portal import SOFTWARE_EDITION, Portal, UnknownError
from .validation import Invalid, check_order, check_price_request, query_number

Json = Any


def token(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Request or refresh an access token."""
    form = _form(call)
    match form.get("grant_type"):
        case "pp_credentials":
            for name in ("client_id", "client_secret"):
                if not form.get(name):
                    raise Invalid(name, "required")
            known = (portal.client_id, portal.client_secret)
            if (form["client_id"], form["client_secret"]) != known:
                raise Refusal(401, "invalid_client", "client id or client secret is wrong")
            tokens = portal.issue_tokens()
        case "refresh_token":
            if not form.get("refresh_token"):
                raise Invalid("refresh_token", "required")
            rotated = portal.rotate_tokens(form["refresh_token"])
            if rotated is None:
                raise Refusal(401, "invalid_refresh_token", "the refresh token has expired or was used")
            tokens = rotated
        case _:
            raise Invalid("grant_type", "must be pp_credentials or refresh_token")
    return shape.render_token(portal.dialect, *tokens, portal.behaviour.token_life)


def product_list(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Query Product List."""
    pbxs = portal.all_pbxs() if query_number(call.query, "productId") == SOFTWARE_EDITION else []
    return _page(portal, call, pbxs, lambda pbx: shape.render_product(portal.dialect, pbx))


def product_detail(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Get Product Details."""
    _software_edition(call)
    if not call.query.get("productNo"):
        raise Invalid("productNo", "required")
    return shape.render_product_details(portal.dialect, portal.pbx(call.query["productNo"]))


def purchase_info(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Query Available Subscription / Trial Plans and Services for a Product."""
    _software_edition(call)
    serial_number = call.query.get("productNo")
    current = portal.pbx(serial_number).plan if serial_number else None
    return shape.render_purchase_info(portal.dialect, portal.plans, portal.services, current)


def contacts(portal: Portal, _call: Call, _fault: Fault | None) -> Json:
    """Query Billing Contact List."""
    return shape.render_contacts(portal.dialect, portal.contacts)


def price(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Calculate Subscription Price."""
    if portal.dialect.price == "absent":
        raise Refusal(404, "not_found", "no such endpoint")
    wanted = check_price_request(portal, _json(call))
    prices = portal.behaviour.prices
    return shape.render_price(portal.dialect, sum((prices[count] * n for count, n in wanted), Decimal(0)))


def order_save(portal: Portal, call: Call, fault: Fault | None) -> Json:
    """Create an Order: this is where a purchase happens."""
    body = check_order(portal, _json(call))
    odd_status = fault.value if fault is not None and fault.kind == "unknown_status" else None
    order = portal.take_order(body, odd_status)
    answer = shape.render_order_taken(order, portal.pbx(order.serial_number))
    if fault is not None and fault.kind == "no_order_number":
        del answer["orderNo"]
    return answer


def order_list(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Query Order List."""
    orders = portal.listed_orders()
    if portal.dialect.newest_first:
        orders = orders[::-1]
    return _page(portal, call, orders, lambda order: shape.render_order_item(portal.dialect, order))


def order_get(portal: Portal, call: Call, _fault: Fault | None) -> Json:
    """Get Order Details, by order number or by id."""
    portal.listed_orders()  # lets appear what is due by now
    order = portal.order(call.path["id"])
    if not order.listed:
        raise UnknownError(f"no order {call.path['id']} in the sandbox")
    contact = next((c for c in portal.contacts if c.contact_id == order.contact_id), None)
    return shape.render_order_details(portal.dialect, order, portal.services, contact)


def _page(portal: Portal, call: Call, items: Any, render: Callable[[Any], Json]) -> Json:
    page_no = query_number(call.query, "pageNo", default=1)
    page_size = min(query_number(call.query, "pageSize", default=25), portal.dialect.max_page_size)
    start = (page_no - 1) * page_size
    shown = [render(item) for item in items[start : start + page_size]]
    return shape.render_page(portal.dialect, shown, len(items), page_no, page_size)


def _software_edition(call: Call) -> None:
    if query_number(call.query, "productId") != SOFTWARE_EDITION:
        raise Invalid("productId", "the sandbox knows product 12 only")


def _form(call: Call) -> dict[str, str]:
    if call.media_type == "application/x-www-form-urlencoded":
        return dict(parse_qsl(call.body.decode("utf-8", "replace")))
    if call.media_type == "multipart/form-data":
        head = f"Content-Type: {call.headers['content-type']}\r\n\r\n".encode()
        parts = message_from_bytes(head + call.body).get_payload()
        fields: dict[str, str] = {}
        for part in parts if isinstance(parts, list) else []:
            if not isinstance(part, Message):
                continue
            name = part.get_param("name", header="content-disposition")
            payload = part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(payload, bytes):
                fields[name] = payload.decode("utf-8", "replace")
        return fields
    raise Invalid("Content-Type", "must be multipart/form-data or application/x-www-form-urlencoded")


def _json(call: Call) -> Json:
    if call.media_type != "application/json":
        raise Invalid("Content-Type", "must be application/json")
    try:
        return json.loads(call.body)
    except ValueError:
        raise Invalid("body", "isn't JSON") from None


DOCUMENTED: tuple[tuple[str, str, str, Handler], ...] = (
    ("token", "POST", "/auth/openapi/v1/oauth/token", token),
    (
        "product.list",
        "GET",
        "/product/openapi/instance_product/v1/client/instance_product_list",
        product_list,
    ),
    ("product.detail", "GET", "/product/openapi/instance_product/v1/detail", product_detail),
    ("purchase_info", "GET", "/pricing/openapi/purchase/v1/purchase_product_info", purchase_info),
    ("contacts", "GET", "/user/openapi/user/v1/client/billing_contact_list", contacts),
    ("price", "POST", "/pricing/openapi/purchase/v1/pricing/calculate", price),
    ("order.save", "POST", "/order/openapi/order/v1/save", order_save),
    ("order.list", "GET", "/order/openapi/order/v1/page", order_list),
    ("order.get", "GET", "/order/openapi/order/v1/get/{id}", order_get),
)


def api_routes(portal: Portal) -> list[Route]:
    """The routes of the Partner API."""
    return [
        Route(path, Endpoint(portal, name, handler), methods=[method], name=name)
        for name, method, path, handler in DOCUMENTED
    ]
