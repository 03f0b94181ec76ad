"""Prices: how they are asked for, what reads as one, and that nothing hangs on them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st
from partner_calls import BASE, failure, portal, sent, success

from pulumi_yspartner.errors import NoAnswerError, PartnerError, ReadingError
from pulumi_yspartner.model import Counts, Declaration, Reading
from pulumi_yspartner.money import Money
from pulumi_yspartner.observing import Observer
from pulumi_yspartner.partner import Account, Catalog, connect, http
from pulumi_yspartner.partner.answers import price, pricing_ids
from pulumi_yspartner.sandbox import DIALECTS, Fault, Portal, SandboxServer
from pulumi_yspartner.settings import PriceFields, Settings, load

A, B = "3651D3296882", "3651D3296883"
PLAN, OTHER_PLAN = "3049040650094403584", "3049040721948753920"
PRICE = "/pricing/openapi/purchase/v1/pricing/calculate"
DEFAULT = PriceFields()
USD_1250 = Money(Decimal("1250.00"), "USD")


def fields(**paths: str) -> PriceFields:
    return PriceFields(**paths)


# --- what reads as a price -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        {"currencyCode": "USD", "totalPrice": "1250.00"},
        {"currency": "USD", "price": 1250},
        {"currency": "USD", "amount": Decimal("1250.0")},
        {"data": {"summary": {"currencyCode": "USD", "finalPrice": " 1250 "}}},
        {"currencyCode": "USD", "totalPrice": 1250, "finalPrice": "1250.00", "tax": None},
        {"currencyCode": "USD", "totalPrice": 1250, "totalCount": 2, "priceType": "annual", "payTime": 1800000000000},
        # Amounts in a list are those of parts.
        {
            "currencyCode": "USD",
            "totalPrice": 1250,
            "serviceList": [{"currencyCode": "USD", "price": 500}, {"currencyCode": "USD", "price": 750}],
        },
        {"currencyCode": "USD", "totalPrice": 1250, "service": {"currency": "USD", "price": 6.25, "quantity": 200}},
    ],
)
def test_an_amount_with_a_currency_beside_it_is_the_price(answer: Any) -> None:
    answer = json.loads(json.dumps(answer, default=float), parse_float=Decimal)
    found = price(answer, DEFAULT)
    assert found == USD_1250
    assert str(found) == "1250.00 USD"


def test_a_price_of_nothing_is_one_only_with_its_currency() -> None:
    assert str(price({"totalPrice": 0, "currencyCode": "USD"}, DEFAULT)) == "0.00 USD"
    with pytest.raises(ReadingError, match="states no price"):
        price({"totalPrice": 0}, DEFAULT)


@pytest.mark.parametrize(
    ("stated", "written"), [("6.2", "6.20"), ("6.255", "6.255"), ("6.250000", "6.25"), ("1000", "1000.00")]
)
def test_a_price_is_written_with_its_cents_and_never_rounded(stated: str, written: str) -> None:
    assert str(price({"price": stated, "currency": "RMB"}, DEFAULT)) == f"{written} RMB"


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (None, "states no price"),
        ([], "states no price"),
        ({}, "states no price"),
        ("1250.00 USD", "states no price"),
        ({"totalPrice": "1250.00"}, "states no price"),
        ({"currencyCode": "USD"}, "states no price"),
        ({"currencyCode": "USD", "totalPrice": None}, "states no price"),
        ({"currencyCode": "USD", "totalPrice": "on request"}, "states no price"),
        ({"currencyCode": "USD", "totalPrice": True}, "states no price"),
        # Beside the currency stands the price of one, of a part, or what is taken off: none is the whole.
        ({"currencyCode": "USD", "unitPrice": "6.25"}, "states no price"),
        ({"currencyCode": "USD", "discountAmount": "6.25"}, "states no price"),
        ({"currencyCode": "USD", "price": "6.25", "quantity": 200}, "states no price"),
        ({"serviceList": [{"currencyCode": "USD", "price": "6.25"}]}, "states no price"),
        ([{"currencyCode": "USD", "totalPrice": "6.25"}], "states no price"),
        ({"currencyCode": "USD", "totals": {"totalPrice": "6.25"}}, "states no price"),
        # Which of them would be charged?
        ({"currencyCode": "USD", "totalPrice": 1250, "finalPrice": 1300}, "more than once and differently"),
        ({"currencyCode": "USD", "totalPrice": 1250, "taxAmount": 250}, "more than once and differently"),
        ({"currencyCode": "USD", "price": Decimal("6.25"), "unitPrice": 5}, "more than once and differently"),
        ({"currencyCode": "USD", "amount": 200, "money": 1250}, "more than once and differently"),
        (
            {"now": {"currencyCode": "USD", "price": 1}, "later": {"currencyCode": "USD", "price": 2}},
            "more than once and differently",
        ),
        ({"currencyCode": "USD", "currency": "EUR", "price": 1}, "currency is stated more than once"),
        ({"currencyCode": "USD", "price": 1, "local": [{"currency": "EUR"}]}, "currency is stated more than once"),
        # Stated, but not readable for certain.
        ({"currencyCode": "USD", "totalPrice": "1,250.00"}, "no amount of money: '1,250.00'"),
        ({"currencyCode": "USD", "totalPrice": "$1250"}, "no amount of money"),
        ({"currencyCode": "USD", "totalPrice": -5}, "no amount of money: -5"),
        ({"currencyCode": "USD", "totalPrice": Decimal("1E+99999999")}, "no amount of money"),
        ({"currencyCode": "USD", "totalPrice": 10**30}, "no amount of money"),
        ({"currencyCode": "USD", "totalPrice": 1, "amountDue": "2 or 3"}, "no amount of money"),
        ({"currencyCode": "$", "totalPrice": 1}, r"no currency code such as USD: '\$'"),
        ({"currencyCode": 840, "totalPrice": 1}, "no currency code"),
        ({"currencyCode": {"name": "USD"}, "totalPrice": 1}, "no currency code"),
    ],
)
def test_anything_else_is_unknown_and_says_what_was_found(answer: Any, says: str) -> None:
    with pytest.raises(ReadingError, match=says):
        price(answer, DEFAULT)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.decimals() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["price", "totalPrice", "currency", "currencyCode", "x", "a[0]"]), inner)
        ),
        max_leaves=8,
    )
)
def test_no_answer_breaks_the_reading(answer: Any) -> None:
    try:
        found = price(answer, DEFAULT)
    except ReadingError:
        return
    assert found.amount >= 0
    assert Money.parse(str(found)) == found


# --- priceFields ---------------------------------------------------------------------------------------------------

BILL = {"bill": {"dueNow": "1250.00", "original": "1500.00", "paidIn": "USD"}, "currencyCode": "USD"}


@pytest.mark.parametrize(
    ("paths", "answer"),
    [
        ({"amount": "bill.dueNow", "currency": "bill.paidIn"}, BILL),
        ({"amount": "bill.dueNow"}, BILL),
        ({"amount": "bill.dueNow", "currency": "'USD'"}, {"bill": {"dueNow": 1250}}),
        ({"currency": "'USD'"}, {"totalPrice": 1250}),
        ({"currency": "meta.money"}, {"totalPrice": 1250, "meta": {"money": "USD"}}),
        ({"amount": "items[0].price", "currency": "items[0].in"}, {"items": [{"price": 1250, "in": "USD"}]}),
        ({"amount": "items[].price", "currency": "items[].in"}, {"items": [{"price": 1250, "in": "USD"}] * 2}),
        ({"amount": "finalPrice"}, {"currencyCode": "USD", "totalPrice": 1500, "finalPrice": 1250}),
    ],
)
def test_a_setting_says_where_the_price_stands(paths: dict[str, str], answer: Any) -> None:
    assert price(answer, fields(**paths)) == USD_1250


@pytest.mark.parametrize(
    ("paths", "answer", "says"),
    [
        ({"amount": "nowhere"}, BILL, "looked for the amount as nowhere, the currency as currencyCode or currency"),
        ({"amount": "bill.dueNow", "currency": "nowhere"}, BILL, "the currency as nowhere"),
        ({"amount": "bill"}, BILL, "bill is no amount of money: dict"),
        ({"amount": "items[].price"}, {"items": [{"price": 1}, {"price": 2}], "currency": "USD"}, "differently"),
        (
            {"amount": "avg(items[].price)"},
            {"items": [{"price": 1}], "currency": "USD"},
            "is no amount of money: float",
        ),
        ({"amount": "abs(currency)"}, {"currency": "USD"}, "yspartner:priceFields"),
        ({"currency": "'dollars'"}, {"totalPrice": 1}, "no currency code such as USD: 'dollars'"),
        ({"currency": "'USD'"}, {"totalPrice": 1, "unitPrice": 2}, "differently"),
    ],
)
def test_a_setting_that_finds_no_price_says_so(paths: dict[str, str], answer: Any, says: str) -> None:
    with pytest.raises(ReadingError, match=says):
        price(answer, fields(**paths))


# --- the id that a price is asked with -----------------------------------------------------------------------------

EXTENSIONS = {"serviceId": 11, "serviceName": "Extension Expansion"}
CALLS = {"serviceId": 12, "serviceName": "Concurrent Call Expansion"}


@pytest.mark.parametrize("name", ["pricingServiceId", "pricingId"])
@pytest.mark.parametrize("id", [111, "111"])
def test_the_pricing_id_stands_in_the_services_own_object(name: str, id: int | str) -> None:
    document = {
        "planList": [{"planId": PLAN, "pricingPlanId": 999, "pricingId": 998}],
        "serviceList": [{**EXTENSIONS, name: id}, CALLS],
    }
    assert pricing_ids(document, PLAN) == {"extensions": "111"}


def test_a_service_of_another_plan_lends_no_pricing_id() -> None:
    document = [
        {"planId": PLAN, "services": [{**EXTENSIONS, "pricingId": 1}]},
        {"planId": OTHER_PLAN, "services": [{**EXTENSIONS, "pricingId": 2}]},
    ]
    assert pricing_ids(document, PLAN) == {"extensions": "1"}


def test_several_pricing_ids_are_none() -> None:
    with pytest.raises(ReadingError, match="has several pricing ids: 1, 2"):
        pricing_ids([{**EXTENSIONS, "pricingId": 1, "pricingServiceId": 2}], PLAN)


# --- asking --------------------------------------------------------------------------------------------------------

CATALOG = Catalog(
    {"planId": PLAN, "services": [{**EXTENSIONS, "pricingServiceId": 111}, {**CALLS, "pricingServiceId": 112}]}
)


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    real = http.anyio.sleep

    async def sleep(_: float) -> None:
        await real(0)

    monkeypatch.setattr(http.anyio, "sleep", sleep)


async def ask(quantities: Counts, catalog: Catalog = CATALOG, within: float = 5, **options: Any) -> Money:
    settings = load({"clientId": "id", "clientSecret": "secret", "baseUrl": BASE, **options}, {})
    async with connect(settings) as client:
        return await Account(client, settings).price(A, catalog, PLAN, quantities, within=within)


@pytest.mark.anyio
async def test_a_price_is_asked_for_field_by_field(router: respx.MockRouter) -> None:
    portal(router)
    route = router.post(PRICE).mock(return_value=success({"currencyCode": "USD", "totalPrice": 1250}))

    assert await ask({"concurrent_calls": 3, "extensions": 200}) == USD_1250

    items = [{"serviceType": "service", "billingCycle": "annually", "pricingId": 111, "quantity": 200}]
    items += [{"serviceType": "service", "billingCycle": "annually", "pricingId": 112, "quantity": 3}]
    question = {"operationType": "purchase_service", "productId": 12, "productNo": A, "serviceList": items}
    assert sent(route) == [question]


@pytest.mark.anyio
async def test_only_what_is_bought_is_asked_for(router: respx.MockRouter) -> None:
    portal(router)
    route = router.post(PRICE).mock(return_value=success({"currencyCode": "USD", "totalPrice": 1250}))
    await ask({"extensions": 0, "concurrent_calls": 3})
    assert [item["pricingId"] for item in sent(route)[0]["serviceList"]] == [112]


@pytest.mark.anyio
async def test_without_a_pricing_id_nothing_is_asked(router: respx.MockRouter) -> None:
    portal(router)
    route = router.post(PRICE)
    with pytest.raises(ReadingError, match='no pricing id of the service "extension expansion"'):
        await ask({"extensions": 1}, Catalog({"planId": PLAN, "services": [EXTENSIONS]}))
    with pytest.raises(ReadingError, match="the pricing's id is not a number"):
        await ask({"extensions": 1}, Catalog({"planId": PLAN, "services": [{**EXTENSIONS, "pricingId": "p-1"}]}))
    assert not route.called


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "tries"),
    [
        (failure(404), 1),
        (failure(403), 1),
        (failure(500), http.ATTEMPTS),
        (httpx.Response(200, html="<html>"), http.ATTEMPTS),
        (httpx.Response(404, html="<html>"), http.ATTEMPTS),
        (httpx.ReadError("cut"), http.ATTEMPTS),
    ],
    ids=str,
)
async def test_a_price_that_is_not_told_is_an_error_of_ours(router: respx.MockRouter, answer: Any, tries: int) -> None:
    portal(router)
    route = router.post(PRICE).mock(side_effect=[answer] * 9)
    with pytest.raises(PartnerError):
        await ask({"extensions": 1})
    assert route.call_count == tries


@pytest.mark.anyio
async def test_a_hiccup_is_asked_over(router: respx.MockRouter) -> None:
    portal(router)
    told = success({"currencyCode": "USD", "totalPrice": 1250})
    router.post(PRICE).mock(side_effect=[failure(503), httpx.ReadTimeout("no"), told])
    assert await ask({"extensions": 1}) == USD_1250


@pytest.mark.anyio
async def test_a_price_is_not_waited_for_longer_than_said(router: respx.MockRouter) -> None:
    portal(router)
    router.post(PRICE).mock(side_effect=[failure(503)] * 9)
    with pytest.raises(NoAnswerError, match="no price within 0 s"):
        await ask({"extensions": 1}, within=0)


# --- for which PBXs a run asks -------------------------------------------------------------------------------------


@pytest.fixture
def sandbox() -> Portal:
    sandbox = Portal()
    sandbox.add_pbx(A, extensions=50, concurrent_calls=12)
    sandbox.add_pbx(B, extensions=100, concurrent_calls=25)
    return sandbox


@pytest.fixture
def server(sandbox: Portal) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as server:
        yield server


async def seen(server: SandboxServer, *declared: dict[str, Any], **options: Any) -> list[Reading]:
    credentials = {"clientId": "sandbox", "clientSecret": "sandbox-secret", "baseUrl": server.url}
    settings = load({"timeout": "0.5", **credentials, **options}, {})
    declarations = [Declaration.model_validate({"serial_number": A, **each}) for each in declared]
    now = server.portal.clock.now()
    async with connect(settings) as client:
        observer = Observer(Account(client, settings), settings)
        return [await observer.read(declaration, now) for declaration in declarations]


@pytest.mark.anyio
async def test_a_price_is_asked_for_where_a_pbx_is_short_and_nowhere_else(
    server: SandboxServer, sandbox: Portal
) -> None:
    read = await seen(server, {"extensions": 60, "concurrent_calls": 14}, {"serial_number": B, "extensions": 100})
    assert [each.price for each in read] == ["87.50 USD", None]
    assert [each.unpriced for each in read] == [None, None]
    assert sandbox.count("price") == 1


@pytest.mark.anyio
@pytest.mark.parametrize("what", ["pending order", "no contact", "no plan", "not offered"])
async def test_where_nothing_could_be_ordered_no_price_is_asked_for(
    server: SandboxServer, sandbox: Portal, what: str
) -> None:
    if what == "pending order":
        sandbox.place_elsewhere(A, extensions=5, status="pending")
    elif what == "no contact":
        sandbox.contacts.clear()
    elif what == "no plan":
        sandbox.faults.add(Fault("purchase_info", "status=403", times=None))
    else:
        sandbox.services = sandbox.services[1:]
    [read] = await seen(server, {"extensions": 60})
    assert (read.price, read.unpriced) == (None, None)
    assert sandbox.count("price") == 0


@pytest.mark.anyio
async def test_a_raise_soon_after_an_order_has_its_price(server: SandboxServer, sandbox: Portal) -> None:
    sandbox.place_elsewhere(A, extensions=5)
    [read] = await seen(server, {"extensions": 60})
    assert read.price == "31.25 USD"


KINDS = ["status=404", "status=403", "status=400", "status=500", "retry_after=60", "html", "garbage", "empty"]


@pytest.mark.anyio
@pytest.mark.parametrize("kind", [*KINDS, "truncated", "cut_before", "timeout_before", "redirect", "not_success"])
async def test_a_price_that_cannot_be_read_changes_nothing_else(
    server: SandboxServer, sandbox: Portal, kind: str
) -> None:
    [told] = await seen(server, {"extensions": 60})
    sandbox.faults.add(Fault("price", kind, times=None))

    [read] = await seen(server, {"extensions": 60})

    assert told.price == "62.50 USD"
    assert read.price is None
    assert read.unpriced
    assert read == told.model_copy(update={"price": None, "unpriced": read.unpriced})


@pytest.mark.anyio
@pytest.mark.parametrize("dialect", [name for name in DIALECTS if name not in ("no-counts", "unmarked-plans")])
async def test_each_dialect_tells_its_price_or_none(server: SandboxServer, sandbox: Portal, dialect: str) -> None:
    sandbox.dialect = DIALECTS[dialect]
    options = {"capacityFields": '{"extensions": "lineQuota"}'} if dialect == "unknown-counts" else {}

    [read] = await seen(server, {"extensions": 60}, **options)

    unknown = {"unknown-counts": "states no price", "counts-everywhere": "differently", "no-echo": "no pricing id"}
    if dialect in unknown:
        assert read.price is None
        assert unknown[dialect] in str(read.unpriced)
    else:
        assert read.price == "62.50 USD"
    paths = {
        "unknown-counts": '{"amount": "bill.dueNow", "currency": "bill.paidIn"}',
        "counts-everywhere": '{"amount": "totalPrice"}',
    }
    if dialect in paths:
        [read] = await seen(server, {"extensions": 60}, **options, priceFields=paths[dialect])
        assert read.price == "62.50 USD"


def test_the_settings_hold_where_the_price_stands() -> None:
    text = '{"amount": "bill.dueNow", "currency": "\'USD\'"}'
    assert load({"priceFields": text}, {}).price_fields == fields(amount="bill.dueNow", currency="'USD'")
    assert Settings().price_fields == DEFAULT
