"""How answers are shaped, where the vendor's documentation leaves it open.

A name marked SEEN stands in the vendor's documentation. Every other name is merely one possibility:
nobody may rely on it, and a client that passes under all `DIALECTS` relies on none.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from .portal import Contact, Order, Pbx, Plan, Service

Json = Any
Place = Literal["list", "details", "both", "nowhere"]


@dataclass(frozen=True)
class Dialect:
    """One way to fill the gaps of the documentation; by default with documented names where there are any."""

    ids: Literal["number", "text"] = "number"
    """Plan, service and pricing ids. Their type in answers is unknown."""
    contact_ids: Literal["number", "text"] = "text"
    """Text is SEEN, although the order wants the same id as a number."""
    plans: str = "planList"
    services: str = "serviceList"
    """The containers in purchase_product_info; these two names are SEEN in another endpoint only."""
    purchase_info_under: tuple[str, ...] = ()
    """Objects between `result` and the containers."""
    services_under_plans: bool = False
    """Each plan holds its services, in place of a list beside the plans."""
    current_plan: Literal["only", "mark", "id", "unmarked"] = "only"
    """How the plan in force is told: it is the only one in the answer, by a boolean in the plan, by its id
    beside the plans, or not at all though there are several."""
    current_plan_name: str = "current"
    """The name of that boolean or id."""
    plan_name: str = "planName"
    service_name: str = "serviceName"
    pricing_ids: Literal["specific", "plain", "absent"] = "specific"
    """`pricingPlanId` and `pricingServiceId`, or `pricingId` (SEEN, but as names in requests), or none."""
    counts: Place = "details"
    """Where the counts of a PBX are; the documentation shows them nowhere."""
    extensions_name: str = "extensionCapacity"
    concurrent_calls_name: str = "concurrentCallCapacity"
    """SEEN in other APIs of the vendor, as are the other known spellings."""
    counts_as: Literal["number", "text"] = "number"
    counts_under: tuple[str, ...] = ()
    """Objects between the product and its counts."""
    po_number: Place = "both"
    po_number_name: str = "poNumber"
    """`poNumber` is SEEN in the order's request only."""
    product_no_in_list: bool = True
    """Whether an order in the list names its PBX. In the details `productNo` is SEEN."""
    create_time: Literal["ms", "s", "us", "text", "absent"] = "ms"
    """`createTime` is SEEN as Long; its unit isn't stated."""
    newest_first: bool = True
    quantities: bool = True
    """Whether order details state what was bought."""
    page: Literal["paged", "list"] = "paged"
    """A paged object is SEEN; a bare list holds one page as well."""
    max_page_size: int = 1000
    errors: Literal["http", "envelope"] = "http"
    """Errors with their HTTP status, or with HTTP 200 and the status only in the envelope."""
    contacts: Literal["array", "object"] = "array"
    """The documented type is Object. With several contacts it is always an array."""
    price: Literal["text", "number", "several", "absent"] = "text"
    """A decimal as text or number, several amounts of which one is to be paid, or 404."""
    price_name: str = "totalPrice"
    currency_name: str = "currencyCode"
    """SEEN in orders."""
    price_under: tuple[str, ...] = ()
    """Objects between `result` and the price."""
    token_head: str = "Bearer"  # noqa: S105 (it is no secret)
    """The value of `tokenHead`, which isn't documented: with or without a space."""
    rewrite: Callable[[str, Json], Json] | None = None
    """Gets the endpoint's name and the `result`, and returns another: for shapes that no field covers."""


# Small parts ----------------------------------------


def _id(kind: Literal["number", "text"], value: int) -> Json:
    return value if kind == "number" else str(value)


def _under(names: Iterable[str], value: dict[str, Json]) -> dict[str, Json]:
    for name in reversed(tuple(names)):
        value = {name: value}
    return value


def _time(d: Dialect, seconds: float) -> dict[str, Json]:
    match d.create_time:
        case "ms":
            return {"createTime": int(seconds * 1000)}
        case "s":
            return {"createTime": int(seconds)}
        case "us":
            return {"createTime": int(seconds * 1_000_000)}
        case "text":
            moment = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
            return {"createTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}
        case "absent":
            return {}


def _counts(d: Dialect, pbx: Pbx) -> dict[str, Json]:
    counts: dict[str, Json] = {
        d.extensions_name: pbx.extensions,
        d.concurrent_calls_name: pbx.concurrent_calls,
    }
    if d.counts_as == "text":
        counts = {name: str(value) for name, value in counts.items()}
    return _under(d.counts_under, counts)


def _pricing(d: Dialect, name: str, value: int) -> dict[str, Json]:
    if d.pricing_ids == "absent":
        return {}
    return {name if d.pricing_ids == "specific" else "pricingId": _id(d.ids, value)}


# Envelopes ----------------------------------------


def render_success(result: Json, request_id: str) -> dict[str, Json]:
    """The envelope of a good answer (SEEN)."""
    return {"code": "success", "detailMessage": "", "requestId": request_id, "result": result, "status": 200}


def render_error(
    d: Dialect, status: int, code: str, message: str, result: Json, request_id: str
) -> tuple[int, dict[str, Json]]:
    """The HTTP status and the envelope of an error. The fields are SEEN; of the codes only half of one."""
    envelope = {
        "code": code,
        "detailMessage": message,
        "requestId": request_id,
        "result": result,
        "status": status,
    }
    return (status if d.errors == "http" else 200), envelope


def render_page(d: Dialect, items: Sequence[Json], total: int, page_no: int, page_size: int) -> Json:
    """One page of `items`, which are those of the page already (SEEN)."""
    if d.page == "list":
        return list(items)
    return {
        "count": total,
        "pageNo": page_no,
        "pageSize": page_size,
        "results": list(items),
        "total": total,
        "totalPage": -(-total // page_size),
    }


# Results ----------------------------------------


def render_token(d: Dialect, access: str, refresh: str, life: float) -> Json:
    """`Token_Details` (SEEN, with `expiresIn` as text)."""
    return {
        "expiresIn": str(int(life)),
        "refreshToken": refresh,
        "token": access,
        "tokenHead": d.token_head,
    }


def render_product(d: Dialect, pbx: Pbx) -> Json:
    """A PBX in the product list: the first three fields are SEEN."""
    return {
        "activationCode": f"AC{pbx.instance_id}",
        "activationStatus": "activated",
        "comment": "",
        "productId": 12,
        "productNo": pbx.serial_number,
        **(_counts(d, pbx) if d.counts in ("list", "both") else {}),
    }


def render_product_details(d: Dialect, pbx: Pbx) -> Json:
    """A PBX's details: SEEN up to `currentPlanExpireDate`; both plan fields are empty: no switch pends."""
    return {
        "activationCode": f"AC{pbx.instance_id}",
        "activationStatus": "activated",
        "comment": "",
        **_time(d, pbx.created),
        "currentPlan": "",
        "currentPlanExpireDate": "",
        "productId": 12,
        "productNo": pbx.serial_number,
        **(_counts(d, pbx) if d.counts in ("details", "both") else {}),
    }


def render_purchase_info(d: Dialect, plans: Sequence[Plan], services: Sequence[Service], current: Plan | None) -> Json:
    """What can be bought: `offeringId`, `planId` and `serviceId` are SEEN."""

    def service(s: Service) -> Json:
        return {
            "serviceId": _id(d.ids, s.service_id),
            d.service_name: s.name,
            **_pricing(d, "pricingServiceId", s.pricing_id),
            "purchaseType": "purchase",  # SEEN
        }

    def plan(p: Plan) -> Json:
        rendered = {
            "planId": _id(d.ids, p.plan_id),
            d.plan_name: p.name,
            **_pricing(d, "pricingPlanId", p.pricing_id),
        }
        if d.current_plan == "mark" and current is not None:
            rendered[d.current_plan_name] = p == current
        if d.services_under_plans:
            rendered[d.services] = [service(s) for s in services if s.plan_id in (None, p.plan_id)]
        return rendered

    shown = [current] if d.current_plan == "only" and current is not None else list(plans)
    body: dict[str, Json] = {d.plans: [plan(p) for p in shown]}
    if d.current_plan == "id" and current is not None:
        body[d.current_plan_name] = _id(d.ids, current.plan_id)
    if not d.services_under_plans:
        on_sale = {p.plan_id for p in shown} if current is None else {current.plan_id}
        body[d.services] = [service(s) for s in services if s.plan_id is None or s.plan_id in on_sale]
    return {
        "offeringId": "3048990000000000001",
        "productId": 12,
        "productName": "P-Series Software Edition",
        **_under(d.purchase_info_under, body),
    }


def render_contacts(d: Dialect, contacts: Sequence[Contact]) -> Json:
    """The billing contacts: all field names are SEEN."""
    rendered = [
        {
            "billingContactId": _id(d.contact_ids, c.contact_id),
            "city": "Example City",
            "company": c.company,
            "country": "US",
            "emailAddress": c.email,
            "firstName": "Sam",
            "lastName": "Example",
            "phoneNumber": "",
            "remark": "",
            "stateProvince": "",
            "street": "",
            "taxNum": "",
            "zipCode": "",
        }
        for c in contacts
    ]
    return rendered[0] if d.contacts == "object" and len(rendered) == 1 else rendered


def _order_info(d: Dialect, order: Order, place: Place) -> dict[str, Json]:
    info: dict[str, Json] = {
        **_time(d, order.created),
        "currencyCode": "USD",
        "customReferenceNo": "",
        "id": order.order_id,
        "invoiceNo": "",
        "orderNo": order.order_no,
        "orderStatus": order.status,
    }
    if d.po_number in (place, "both"):
        info[d.po_number_name] = order.po_number or ""
    return info


def render_order_item(d: Dialect, order: Order) -> Json:
    """An order in the list: SEEN up to `orderStatus`."""
    info = _order_info(d, order, "list")
    if d.product_no_in_list:
        info["productNo"] = order.serial_number
    return info


def render_order_details(d: Dialect, order: Order, services: Sequence[Service], contact: Contact | None) -> Json:
    """An order's details: the four parts and what is in `basicInformation` are SEEN."""
    bought = [
        {
            "serviceType": "service",
            "serviceId": _id(d.ids, s.service_id),
            d.service_name: s.name,
            "quantity": order.quantity(s.count),
        }
        for s in services
        if s.count is not None and order.quantity(s.count)
    ]
    return {
        "basicInformation": {
            "productId": "12",  # a number elsewhere
            "productName": "P-Series Software Edition",
            "productNo": order.serial_number,
        },
        "billingInformation": {
            "company": contact.company if contact else "",
            "emailAddress": contact.email if contact else "",
        },
        "orderInformation": _order_info(d, order, "details"),
        "orderSummary": {d.services: bought} if d.quantities else {"operationType": "purchase_service"},
    }


def render_order_taken(order: Order, pbx: Pbx) -> Json:
    """The answer to an order (SEEN, complete)."""
    return {
        "instanceId": pbx.instance_id,
        "orderNo": order.order_no,
        "orderStatus": order.status,
        "productNo": order.serial_number,
        "transactionNo": order.transaction_no,
    }


def render_price(d: Dialect, total: Decimal) -> Json:
    """The answer to a price request, of which nothing is documented."""
    stated: dict[str, Json] = {d.currency_name: "USD", d.price_name: format(total, ".2f")}
    if d.price == "number":
        stated[d.price_name] = float(total)  # JSON has no other number with a fraction
    if d.price == "several":
        stated["originalPrice"] = format(2 * total, ".2f")
    return _under(d.price_under, stated)


DIALECTS: dict[str, Dialect] = {
    "default": Dialect(),
    "text-ids": Dialect(
        ids="text",
        contact_ids="number",
        counts_as="text",
        token_head="Bearer ",  # noqa: S106 (it is no secret)
        pricing_ids="plain",
        price="number",
    ),
    "nested": Dialect(
        plans="plans",
        services="addOns",
        purchase_info_under=("product", "offer"),
        services_under_plans=True,
        current_plan="mark",
        current_plan_name="isCurrent",
        plan_name="name",
        service_name="name",
        counts_under=("license", "capacity"),
        price_under=("summary", "payment"),
        price_name="amount",
        currency_name="currency",
    ),
    "counts-in-list": Dialect(
        counts="list",
        extensions_name="extension_capacity",
        concurrent_calls_name="cc_capacity",
        create_time="s",
        contacts="object",
    ),
    "counts-everywhere": Dialect(
        counts="both",
        extensions_name="totalExtensions",
        concurrent_calls_name="totalConcurrentCalls",
        current_plan="id",
        current_plan_name="currentPlanId",
        create_time="us",
        newest_first=False,
        price="several",
    ),
    "no-counts": Dialect(counts="nowhere"),
    "unknown-counts": Dialect(
        extensions_name="lineQuota",
        concurrent_calls_name="talkQuota",
        price_name="dueNow",
        currency_name="paidIn",
        price_under=("bill",),
    ),
    "unmarked-plans": Dialect(current_plan="unmarked", ids="text"),
    "no-echo": Dialect(po_number="nowhere", price="absent", pricing_ids="absent"),
    "terse-orders": Dialect(
        po_number="details",
        po_number_name="purchaseOrderNumber",
        product_no_in_list=False,
        quantities=False,
        create_time="text",
        newest_first=False,
        max_page_size=10,
    ),
    "bare": Dialect(
        page="list",
        errors="envelope",
        create_time="absent",
        po_number="list",
        contacts="object",
        counts="both",
    ),
}
"""Combinations to run tests with. Under `no-counts` nothing can be bought, under `unknown-counts`
not without a setting that says where the counts are, under `unmarked-plans` not without the plan's id.
Under `unknown-counts` and `counts-everywhere` a setting must say where the price is; under `no-echo` there is none."""
