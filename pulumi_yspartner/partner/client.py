"""A method per endpoint. Paths and parameters are SEEN unless a line says otherwise."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio

from ..errors import ReadingError, RequestRefusedError, YsPartnerError
from ..model import COUNTS, CountName, Counts
from ..settings import Settings
from . import answers
from .connection import Connection, open_connection

PRODUCT_ID = 12
"""P-Series Software Edition (SEEN: get-order-details.html and the tutorials)."""
PAGE_SIZE = 100
"""The most that a page may hold is UNKNOWN; where the portal refuses this, its default is used."""
MOST_PAGES = 10_000
"""Pages of one list; more is no list of one account."""

_PRODUCTS = "/product/openapi/instance_product/v1/client/instance_product_list"
_PRODUCT = "/product/openapi/instance_product/v1/detail"
_PURCHASE_INFO = "/pricing/openapi/purchase/v1/purchase_product_info"
PRICE = "/pricing/openapi/purchase/v1/pricing/calculate"
_CONTACTS = "/user/openapi/user/v1/client/billing_contact_list"
_ORDERS = "/order/openapi/order/v1/page"
_ORDER = "/order/openapi/order/v1/get"
_SAVE = "/order/openapi/order/v1/save"


@dataclass(frozen=True)
class Catalog:
    """What can be bought for one PBX: the raw answer, read where it is needed."""

    document: Any = field(repr=False)

    def plan(self, chosen: str | None) -> str:
        """The id of the PBX's plan; raises `ReadingError`, which lists the plans, when it can't be told."""
        return answers.current_plan(self.document, chosen)

    def services(self, plan_id: str, wanted: Iterable[CountName]) -> dict[CountName, str]:
        """The expansion services' ids for the wanted counts; raises `ReadingError` when one is not offered."""
        found = answers.services(self.document, plan_id)
        for name in wanted:
            if name not in found:
                raise ReadingError(
                    f'the portal offers no service named "{answers.SERVICE_NAMES[name]}" for this PBX; '
                    f"services found: {answers.service_names(self.document)}"
                )
        return found

    def pricing_ids(self, plan_id: str, wanted: Iterable[CountName]) -> dict[CountName, str]:
        """The ids that a price is asked with, for the wanted counts; raises `ReadingError` when one is not stated."""
        found = answers.pricing_ids(self.document, plan_id)
        for name in wanted:
            if name not in found:
                raise ReadingError(
                    f'the portal states no pricing id of the service "{answers.SERVICE_NAMES[name]}" (looked for '
                    f"{' or '.join(answers.PRICING_ID_NAMES)})"
                )
        return found


@dataclass(frozen=True)
class OrderRequest:
    """One order that expands the capacity of one PBX."""

    serial_number: str
    billing_contact_id: str
    plan_id: str
    services: dict[CountName, str]
    quantities: Counts
    po_number: str

    def body(self) -> dict[str, Any]:
        """The JSON of the order: field by field the expansion tutorial's (SEEN), plus `poNumber` (SEEN in the table).

        Ids are integers here, as documented, and text everywhere else. One item per count in one order is INFERRED
        from `serviceList` being a list.
        """
        return {
            "operationType": "purchase_service",
            "productId": PRODUCT_ID,
            "productNo": self.serial_number,
            "billingId": _integer("billing contact", self.billing_contact_id),
            "poNumber": self.po_number,
            "serviceList": [
                {
                    "connectionPlanId": _integer("plan", self.plan_id),
                    "serviceType": "service",
                    "serviceId": _integer("service", self.services[name]),
                    "quantity": self.quantities[name],
                    "purchaseType": "purchase",
                    "billingModel": "recurring",
                    "billingCycle": "annually",
                }
                for name in COUNTS
                if self.quantities.get(name)
            ],
        }


@dataclass(frozen=True)
class PriceRequest:
    """A question for the price of one order."""

    serial_number: str
    pricing_ids: dict[CountName, str]
    quantities: Counts

    def body(self) -> dict[str, Any]:
        """The JSON of the question (calculate-subscription-price.html), as far as it is documented.

        SEEN: `operationType`, `productId`, `productNo`, `serviceList`, and of its items `serviceType`, `pricingId` (an
        integer) and `billingCycle`. UNKNOWN: `quantity`, which is named here as in an order; a portal that names it
        otherwise answers with the price of another quantity, which `yspartner doctor` looks for.
        """
        return {
            "operationType": "purchase_service",
            "productId": PRODUCT_ID,
            "productNo": self.serial_number,
            "serviceList": [
                {
                    "serviceType": "service",
                    "pricingId": _integer("pricing", self.pricing_ids[name]),
                    "quantity": self.quantities[name],
                    "billingCycle": "annually",
                }
                for name in COUNTS
                if self.quantities.get(name)
            ],
        }


def _integer(what: str, id: str) -> int:
    if not (id.isascii() and id.isdigit()):
        raise ReadingError(f"the {what}'s id is not a number, and the portal takes no other")
    return int(id)


@dataclass(frozen=True)
class Receipt:
    """What the portal answered to an order, as far as it said so."""

    order_no: str | None
    transaction_no: str | None
    status: str | None
    serial_number: str | None


class PartnerClient:
    """The Partner API. Every method raises `PartnerError`, and `ReadingError` for answers of another shape."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def products(self) -> list[Any]:
        """All Software Edition PBXs of the account, as the product list has them."""
        return await self._pages(_PRODUCTS, {"productId": PRODUCT_ID})

    async def product(self, serial_number: str) -> Any:
        """The details of one PBX."""
        return await self._connection.get(_PRODUCT, {"productNo": serial_number, "productId": PRODUCT_ID})

    async def catalog(self, serial_number: str) -> Catalog:
        """The plans and services that can be bought for one PBX."""
        query: dict[str, str | int] = {"productId": PRODUCT_ID, "productNo": serial_number}
        return Catalog(await self._connection.get(_PURCHASE_INFO, query))

    async def contacts(self) -> list[answers.BillingContact]:
        """The account's billing contacts."""
        return answers.contacts(await self._connection.get(_CONTACTS))

    async def orders(self) -> list[answers.ReadOrder]:
        """All orders of the account, as the order list has them."""
        return [answers.order(item) for item in await self._pages(_ORDERS, {})]

    async def order(self, order_no: str) -> answers.ReadOrder:
        """One order, by its number."""
        return answers.order(await self._connection.get(f"{_ORDER}/{order_no}"))

    async def price(self, request: PriceRequest) -> Any:
        """What the portal answers about the price of an order, as it came. It changes nothing."""
        return await self._connection.post_read(PRICE, request.body())

    async def place(self, request: OrderRequest, last_check: Callable[[], Awaitable[None]]) -> Receipt:
        """Place an order: spends money, is sent once, and can't be undone.

        `last_check` runs right before it is sent, and raises to call it off.

        Only `NotSentError` and `RequestRefusedError` prove that nothing was bought.
        """
        return Receipt(*answers.receipt(await self._connection.post_once(_SAVE, request.body(), last_check)))

    async def _pages(self, path: str, query: dict[str, str | int]) -> list[Any]:
        """All items of a paged list; the pages after the first are read side by side."""
        sized = {**query, "pageSize": PAGE_SIZE}
        try:
            opening = answers.page(await self._connection.get(path, {**sized, "pageNo": 1}))
        except RequestRefusedError as error:
            if error.status in (401, 403, 404):
                raise
            sized = query
            opening = answers.page(await self._connection.get(path, {**sized, "pageNo": 1}))
        if opening.pages is not None and opening.pages > MOST_PAGES:
            raise ReadingError(f"a list says that it has {opening.pages} pages ({path}); {MOST_PAGES} are read at most")
        if opening.pages is None:
            return await self._until_empty(path, sized, opening.items)

        rest: dict[int, list[Any]] = {}

        async def read(number: int) -> None:
            rest[number] = answers.page(await self._connection.get(path, {**sized, "pageNo": number})).items

        await run_all([(read, number) for number in range(2, opening.pages + 1)])
        items = [*opening.items, *(item for number in sorted(rest) for item in rest[number])]
        if opening.total is not None and len(items) < opening.total:
            raise ReadingError(f"a list came incomplete: {len(items)} of {opening.total} items ({path})")
        return items

    async def _until_empty(self, path: str, query: dict[str, str | int], items: list[Any]) -> list[Any]:
        """A list that doesn't say how long it is: go on until a page is empty or repeats the one before."""
        read, last, number = list(items), items, 1
        while last:
            number += 1
            if number > MOST_PAGES:
                raise ReadingError(f"a list does not end after {MOST_PAGES} pages ({path})")
            following = answers.page(await self._connection.get(path, {**query, "pageNo": number})).items
            if following == last:
                break
            read, last = [*read, *following], following
        return read


async def run_all(calls: list[tuple[Any, Any]]) -> None:
    """Run calls side by side; the first error ends the others and is raised as itself."""
    if len(calls) < 2:
        for function, argument in calls:
            await function(argument)
        return
    try:
        async with anyio.create_task_group() as group:
            for function, argument in calls:
                group.start_soon(function, argument)
    except* YsPartnerError as errors:
        error: BaseException = errors
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        raise error from None


@asynccontextmanager
async def connect(settings: Settings) -> AsyncIterator[PartnerClient]:
    """A client that is closed at the end of the block. Raises `SettingsError` without credentials."""
    async with open_connection(settings) as connection:
        yield PartnerClient(connection)
