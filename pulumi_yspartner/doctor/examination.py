"""Looking at the configured account: every look goes through the code that a run uses, with its answers recorded, so
what is read here is what a run reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Any, TypeVar, cast

from ..errors import ReadingError, YsPartnerError
from ..model import COUNTS, SUCCEED, Counts, SeenOrder, iso
from ..money import Money
from ..orders import blocked_by, is_dead, is_settled
from ..partner import Account, Catalog
from ..partner import answers as names
from ..partner.client import run_all
from ..partner.recording import Exchange, Recorder, connect_recorded
from ..planning import over_amount
from ..settings import Settings, variable
from ..sources import CapacitySource, CountsRead, PortalSource, capacity_source
from ..sources.pbx import PbxSource
from ..sources.per_pbx import disagreement
from ..wording import age, amount, describe
from .report import Answer, Name, Orders, Pbx, Report, Setting, Status

ENDPOINTS: Mapping[str, str] = {
    "token": "/oauth/token",
    "product list": "/instance_product_list",
    "product details": "/instance_product/v1/detail",
    "purchase info": "/purchase_product_info",
    "price": "/pricing/calculate",
    "contacts": "/billing_contact_list",
    "order list": "/order/v1/page",
    "order details": "/order/v1/get/",
    "PBX token": "/get_token",
    "PBX capacity": "/system/capacity",
}
"""What each answer is called here, and the part of its path that tells it."""
MORE = 10
"""A price is asked for one more, and for so many."""
ORDERS_LOOKED_AT = 5
"""Of the newest orders the details are read as well."""

_T = TypeVar("_T")


class Doctor:
    """One examination of the account that the settings name."""

    def __init__(self, settings: Settings, environment: Mapping[str, str], now: float) -> None:
        self.recorder = Recorder()
        self._settings = settings
        self._now = now
        self._problems: dict[str, str] = {}
        self._catalogs: dict[str, Catalog] = {}
        self._price: Money | None = None
        self._unpriced = "no PBX's plan and services could be read"
        self.report = Report(settings.base_url, iso(now), shown_settings(settings, environment))

    async def examine(self, serial_numbers: Collection[str], most: int) -> Report:
        """Look at the account, and at these PBXs, or at the first `most` where none is named. Never raises for what
        is wrong: it is in the report."""
        try:
            async with connect_recorded(self._settings, self.recorder) as client:
                account = Account(client, self._settings)
                source = capacity_source(account, self._settings, self.recorder.hear)
                await self._examine(account, source, serial_numbers, most)
        except YsPartnerError as error:
            self._stops(str(error))
        self._look_at_answers()
        self._look_at_switches()
        return self.report

    async def _examine(
        self, account: Account, source: CapacitySource, serial_numbers: Collection[str], most: int
    ) -> None:
        products = await self._try("product list", account.products)
        self.report.token, refused = token_life(self.recorder)
        if refused:
            return  # every other request would say the same
        known = products.by_serial_number if products else {}
        self.report.pbxs_found = len(known) if products else None
        if products and not known:
            self._stops("the account has no P-Series Software Edition PBX")
        chosen = list(dict.fromkeys(serial_numbers)) or list(known)[:most]
        self.report.pbxs = [Pbx(serial, self._counts_from(serial)) for serial in chosen]
        await self._examine_contacts(account)
        unsettled = await self._examine_orders(account)
        await self._examine_pbxs(account, source, known if products else None, unsettled)
        for serial in self._settings.pbxs:
            if products and serial not in known:
                self._warns(f"{serial} is in yspartner:pbxs, but it is no PBX of this account")

    # --- contacts --------------------------------------------------------------------------------------------------

    async def _examine_contacts(self, account: Account) -> None:
        contacts = await self._try("contacts", account.client.contacts)
        if contacts is None:
            return
        self.report.contacts = {contact.id: contact.name for contact in contacts}
        self.report.contact = await self._try("contacts", lambda: account.contact(self._settings.billing_contact_id))

    # --- orders ----------------------------------------------------------------------------------------------------

    async def _examine_orders(self, account: Account) -> list[tuple[str | None, SeenOrder]]:
        """The unsettled orders, with the PBX that each is for where it says so."""
        listed = await self._try("order list", account.client.orders)
        if listed is None:
            return []
        self.report.orders = orders = Orders(total=len(listed))
        counted = Counter(order.status or "none stated" for order in listed)
        orders.statuses = [Status(each, number, self._meaning(each)) for each, number in counted.most_common()]
        newest = sorted(listed, key=lambda order: order.created or 0.0, reverse=True)
        unsettled = [order for order in newest if not is_settled(order.seen(), (), {}, self._settings, self._now)]
        details: dict[str, names.ReadOrder] = {}

        async def read(order: names.ReadOrder) -> None:
            found = await self._try("order details", lambda: account.client.order(order.order_no))
            if found is not None:
                details[order.order_no] = found

        looked_at = {order.order_no: order for order in [*newest[:ORDERS_LOOKED_AT], *unsettled]}
        await run_all([(read, order) for order in looked_at.values()])
        if listed:
            orders.create_time = self._create_time()
            orders.po_number = self._po_number(len(looked_at))
        found = []
        for order in unsettled:
            more = details.get(order.order_no)
            found.append((order.serial_number or (more.serial_number if more else None), order.seen(more)))
        return found

    def _meaning(self, status: str) -> str:
        if is_dead(status, self._settings):
            return "over: blocks nothing"
        if status.casefold() == SUCCEED:
            return f"blocks until its capacity is in the counts, or for {self._settings.settle_hours:g} h"
        return "blocks its PBX until it changes"

    def _create_time(self) -> str:
        values = [value for each in self.recorder.results(ENDPOINTS["order list"]) for value in names.times(each)]
        if not values:
            return "not stated: no order's age is known, so a succeeded order blocks until it is in the counts"
        unreadable = sum(names.when(value) is None for value in values)
        if unreadable:
            return f"{unreadable} of {len(values)} could not be read, such as {values[0]!r:.40}"
        seconds = names.when(values[0]) or 0.0
        return f"{values[0]!r:.40} reads as {_unit(values[0], seconds)}: {iso(seconds)}, {age(seconds, self._now)}"

    def _po_number(self, looked_at: int) -> str:
        found = []
        for answer in ("order list", "order details"):
            results = self.recorder.results(ENDPOINTS[answer])
            places = [*names.places(results, ["poNumber"]), *names.reference_places(results)]
            if places:
                found.append(f"{answer}: {', '.join(_shown_path(path) for path in dict.fromkeys(places))}")
        return "; ".join(found) or f"not found in the list, nor in the details of {looked_at} orders"

    # --- PBXs ------------------------------------------------------------------------------------------------------

    async def _examine_pbxs(
        self,
        account: Account,
        source: CapacitySource,
        account_has: Collection[str] | None,
        unsettled: list[tuple[str | None, SeenOrder]],
    ) -> None:
        pbxs = {pbx.serial_number: pbx for pbx in self.report.pbxs}
        if not pbxs:
            return
        read = await self._try("product details", lambda: source.read(list(pbxs), max_age=None)) or {}
        known = pbxs if account_has is None else account_has
        for serial, pbx in pbxs.items():
            _take_counts(pbx, read.get(serial))
            if serial not in known and not pbx.problems:
                pbx.problems.append("it is no P-Series Software Edition PBX of this account")
        await self._compare(account, pbxs)
        if not self.recorder.of(ENDPOINTS["product details"]):  # to see which names it has
            await self._try("product details", lambda: account.product(next(iter(pbxs))), decides=False)

        async def look_at_plans(pbx: Pbx) -> None:
            await self._examine_plans(account, pbx)

        await run_all([(look_at_plans, pbx) for pbx in pbxs.values() if pbx.serial_number in known])
        await self._examine_price(account, pbxs.values())
        for serial_number, order in unsettled:
            blocked = blocked_by(order, self._settings, self._now)
            if self.report.orders is not None:
                self.report.orders.unsettled.append(
                    f"{serial_number or 'an unknown PBX'}: {describe(order, self._now)}"
                )
            if serial_number is None:
                self._stops(f"order {order.order_no} does not say which PBX it is for, so it blocks all")
            elif serial_number in pbxs and order.status.casefold() == SUCCEED:
                pbxs[serial_number].warnings.append(
                    f"{serial_number}: {blocked}, or at once for the stack that placed it"
                )
            elif serial_number in pbxs:
                pbxs[serial_number].problems.append(blocked)
        for pbx in pbxs.values():
            for problem in dict.fromkeys(pbx.problems):
                self._stops(problem if pbx.serial_number in problem else f"{pbx.serial_number}: {problem}")
            self.report.warnings += list(dict.fromkeys(pbx.warnings))

    async def _compare(self, account: Account, pbxs: Mapping[str, Pbx]) -> None:
        """Where a PBX has both sources, read the other one too, and say where they disagree."""
        both = [pbx for serial, pbx in pbxs.items() if serial in self._settings.pbxs]
        by_source = {name: [pbx.serial_number for pbx in both if pbx.counts_from == name] for name in ("portal", "pbx")}
        others: dict[str, CountsRead] = {}
        if serials := by_source["portal"]:
            others.update(await PbxSource(self._settings, self.recorder.hear).read(serials))
        if serials := by_source["pbx"]:
            portal = PortalSource(account, self._settings)
            others.update(await self._try("product details", lambda: portal.read(serials), decides=False) or {})
        for pbx in both:
            other = others.get(pbx.serial_number, CountsRead({}, "the portal could not be read"))
            own, listed = cast("Counts", pbx.counts), other.counts
            if pbx.counts_from == "portal":
                own, listed = listed, own
            if difference := disagreement(pbx.serial_number, own, listed, pbx.counts_from):
                pbx.warnings.append(difference)
            elif other.unreadable and pbx.counts_from == "portal":
                pbx.warnings.append(f"{other.unreadable}; the portal's numbers are used")

    async def _examine_plans(self, account: Account, pbx: Pbx) -> None:
        try:
            catalog = self._catalogs[pbx.serial_number] = await account.catalog(pbx.serial_number)
            pbx.plans = names.plans(catalog.document)
            pbx.plan = catalog.plan(None)
            found = names.services(catalog.document, pbx.plan)
            pbx.services = {str(name): id for name, id in found.items()}
            for name in COUNTS:
                catalog.services(pbx.plan, [name])
        except YsPartnerError as error:
            if not isinstance(error, ReadingError):
                self._problems.setdefault("purchase info", str(error))
            pbx.problems.append(str(error))

    async def _examine_price(self, account: Account, pbxs: Iterable[Pbx]) -> None:
        """Ask what one more would cost, and what several would: that the price follows the quantity is not documented.

        The first PBX that could be ordered for stands for all.
        """
        pbx = next((each for each in pbxs if each.plan is not None and each.services), None)
        if pbx is None or pbx.plan is None:
            return
        serial, plan_id, catalog = pbx.serial_number, pbx.plan, self._catalogs[pbx.serial_number]
        name = next(count for count in COUNTS if count in pbx.services)

        async def ask(quantity: int) -> Money:
            return await account.price(serial, catalog, plan_id, {name: quantity}, within=self._settings.timeout)

        try:
            self._price, several = await ask(1), await ask(MORE)
        except YsPartnerError as error:
            if not isinstance(error, ReadingError):
                self._problems.setdefault("price", str(error))
            self._unpriced = str(error)
            self.report.price = f"unknown: {error}"
            return
        self.report.price = f"{self._price} for {amount(name, 1)}, {several} for {MORE} ({serial})"
        if self._price == several:
            self._warns(
                f"{amount(name, MORE)} would cost as much as {amount(name, 1)}: the portal seems to overlook the "
                f"quantity as it is sent, so neither the price in a preview nor the limit on money can be relied on"
            )

    def _counts_from(self, serial_number: str) -> str:
        if self._settings.capacity_source == "mixed":
            return "pbx" if serial_number in self._settings.pbxs else "portal"
        return self._settings.capacity_source

    # --- what was recorded -----------------------------------------------------------------------------------------

    def _look_at_answers(self) -> None:
        for name, path in ENDPOINTS.items():
            heard = self.recorder.of(path)
            if name.startswith("PBX ") and not heard:
                continue
            self.report.answers.append(
                Answer(
                    name=name,
                    requests=len(heard),
                    status=heard[-1].status if heard else None,
                    slowest=round(max(each.seconds for each in heard), 3) if heard else None,
                    problem=self._problems.get(name) or (_problem(heard[-1]) if heard else None),
                )
            )
        counts, price = self._settings.capacity_fields, self._settings.price_fields
        configured = {
            "extensions": (counts.extensions, "capacityFields"),
            "concurrent calls": (counts.concurrent_calls, "capacityFields"),
            "amount": (price.amount, "priceFields"),
            "currency": (price.currency, "priceFields"),
        }
        for sought in names.SOUGHT:
            results = self.recorder.results(ENDPOINTS[sought.answer])
            expression, setting = configured.get(sought.what, (None, ""))
            found = (
                names.configured_places(results, expression, setting)
                if expression
                else names.places(results, sought.names)
            )
            self.report.names.append(
                Name(
                    what=sought.what,
                    answer=sought.answer,
                    mark="set" if expression else sought.mark,
                    sought=[expression] if expression else list(sought.names),
                    places=[_shown_path(path) for path in found] if results else None,
                )
            )

    def _look_at_switches(self) -> None:
        if problem := over_amount(self._price, self._unpriced, self._settings.limits):
            self._stops(problem)
        if self._settings.purchases != "allow":
            self._stops(
                "purchases are off (yspartner:purchases is deny, as it is by default); preview works all the same, "
                "and YSPARTNER_PURCHASES=allow lets `pulumi up` buy"
            )

    async def _try(self, answer: str, read: Callable[[], Awaitable[_T]], *, decides: bool = True) -> _T | None:
        """What was read, or None with its problem noted."""
        try:
            return await read()
        except YsPartnerError as error:
            self._problems.setdefault(answer, str(error))
            if decides:
                self._stops(str(error))
        return None

    def _stops(self, problem: str) -> None:
        if problem not in self.report.would_stop:
            self.report.would_stop.append(problem)

    def _warns(self, warning: str) -> None:
        self.report.warnings.append(warning)


def _take_counts(pbx: Pbx, read: CountsRead | None) -> None:
    if read is None:
        return
    pbx.counts = {str(name): count for name, count in read.counts.items()}
    pbx.used = {str(name): count for name, count in read.used.items()}
    if read.unreadable:
        pbx.problems.append(read.unreadable)


def _problem(heard: Exchange) -> str | None:
    """What is wrong with an answer, by itself."""
    if not heard.is_json:
        return f"no JSON ({heard.size} bytes)"
    answer = heard.answer if isinstance(heard.answer, dict) else {}
    code = answer.get("code", answer.get("errcode"))
    return None if code in ("success", 0) else f"answered {code!s:.40}"


def token_life(recorder: Recorder) -> tuple[str, bool]:
    """The token's life in words, and whether no token was given."""
    results = recorder.results(ENDPOINTS["token"])
    if not results:
        return "none given", True
    life = results[-1].get("expiresIn") if isinstance(results[-1], dict) else None
    if not str(life).isdigit():
        return f"life not stated (expiresIn is {life!r:.40}); taken as 1800 s", False
    return f"lives {life} s ({int(str(life)) // 60} min)", False


def shown_settings(settings: Settings, environment: Mapping[str, str]) -> list[Setting]:
    """The settings that are not left at their default, secrets masked."""
    shown = []
    for name, its in type(settings).model_fields.items():
        key = its.alias or name
        origin = variable(key) if environment.get(variable(key)) else "default"
        if origin == "default" and name not in (
            "client_id",
            "client_secret",
            "base_url",
            "purchases",
            "capacity_source",
        ):
            continue
        shown.append(Setting(key, _masked(name, getattr(settings, name)), origin))
    return shown


def _masked(name: str, value: Any) -> str:
    if value is None:
        return "missing"
    if name == "client_secret":
        return "********"
    if name == "client_id":
        return f"{value[:3]}..." if len(value) > 6 else "***"
    if name == "pbxs":
        return f"{len(value)} PBX{'' if len(value) == 1 else 's'}: {', '.join(value)}"
    if hasattr(value, "model_dump_json"):
        return str(value.model_dump_json(by_alias=True, exclude_none=True))
    return ", ".join(value) if isinstance(value, tuple) else str(value)


def _unit(value: Any, seconds: float) -> str:
    if not str(value).strip().isdigit():
        return "text"
    return {1: "seconds", 1_000: "milliseconds", 1_000_000: "microseconds"}[round(int(value) / seconds)]


def _shown_path(path: str) -> str:
    """Without the list of answers that was looked into, and the envelope's page."""
    return path.removeprefix("$[*]").removeprefix(".results").removeprefix("[*]").removeprefix(".")
