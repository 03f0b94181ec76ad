"""Exchanges with a stubbed portal: tokens, retries of reads, the one try of an order."""

from __future__ import annotations

import email.utils
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
import respx
from anyio.abc import SocketAttribute, SocketStream
from partner_calls import BASE, ORDER, REQUEST_ID, SECRET, envelope, failure, portal, sent, success

from pulumi_yspartner.errors import (
    NoAnswerError,
    NotSentError,
    PartnerError,
    PortalFailedError,
    ReadingError,
    RefusedError,
    RequestRefusedError,
    SettingsError,
    UnreadableAnswerError,
)
from pulumi_yspartner.partner import OrderRequest, PartnerClient, connect, http
from pulumi_yspartner.partner import client as client_module
from pulumi_yspartner.partner import connection as module
from pulumi_yspartner.partner.connection import Connection, open_connection
from pulumi_yspartner.partner.http import ATTEMPTS, ATTEMPTS_WHEN_TOO_MANY
from pulumi_yspartner.partner.pacing import SPREAD
from pulumi_yspartner.settings import Settings

pytestmark = pytest.mark.anyio

DATES_BEYOND_ALL = ["Mon, 01 Jan 99999999999999999999 00:00:00 GMT", "Mon, 01 Jan 2026 00:00:00 +99999999999999999"]

READ = "/some/openapi/read"
PRODUCTS = "/product/openapi/instance_product/v1/client/instance_product_list"
ORDERS = "/order/openapi/order/v1/page"


@asynccontextmanager
async def opened(**changes: Any) -> AsyncIterator[Connection]:
    settings = Settings.model_validate({"client_id": "me", "client_secret": SECRET, "base_url": BASE, **changes})
    async with open_connection(settings) as connection:
        yield connection


@asynccontextmanager
async def client(**changes: Any) -> AsyncIterator[PartnerClient]:
    settings = Settings.model_validate({"client_id": "me", "client_secret": SECRET, "base_url": BASE, **changes})
    async with connect(settings) as found:
        yield found


@pytest.fixture(autouse=True)
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The seconds that retries would have waited; none of them are."""
    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(http.anyio, "sleep", sleep)
    return waited


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[float], None]]:
    """Moves the tokens' clock."""
    offset = 0.0
    monotonic = time.monotonic

    def advance(seconds: float) -> None:
        nonlocal offset
        offset += seconds

    class Time:
        monotonic = staticmethod(lambda: monotonic() + offset)
        time = staticmethod(time.time)

    monkeypatch.setattr(module, "time", Time)
    return advance


async def fine() -> None:
    """A last check that has nothing against the order."""


# --- tokens --------------------------------------------------------------------------------------------------------


async def test_token_request_is_form_encoded_with_the_documented_fields(router: respx.MockRouter) -> None:
    tokens = portal(router)
    router.get(READ).mock(return_value=success(1))
    async with opened() as connection:
        assert await connection.get(READ) == 1
    assert tokens.forms == [{"grant_type": "pp_credentials", "client_id": "me", "client_secret": SECRET}]


async def test_every_request_carries_user_agent_and_bearer_token(router: respx.MockRouter) -> None:
    portal(router)
    read = router.get(READ).mock(return_value=success())
    order = router.post(ORDER).mock(return_value=success())
    async with opened() as connection:
        await connection.get(READ, {"pageNo": 2})
        await connection.post_once(ORDER, {"a": 1}, fine)
    for call in router.calls:
        assert call.request.headers["User-Agent"].startswith("pulumi-yspartner/")
    for route in (read, order):
        assert route.calls.last.request.headers["Authorization"] == "Bearer token-1"
    assert read.calls.last.request.url.params["pageNo"] == "2"
    assert order.calls.last.request.headers["Content-Type"] == "application/json"


async def test_one_token_for_fifty_requests_at_once(router: respx.MockRouter) -> None:
    tokens = portal(router)
    read = router.get(READ).mock(return_value=success())
    async with opened() as connection, anyio.create_task_group() as group:
        for _ in range(50):
            group.start_soon(connection.get, READ)
    assert read.call_count == 50
    assert tokens.grants == ["pp_credentials"]


async def test_token_is_renewed_before_it_ends_with_the_newest_refresh_token(
    router: respx.MockRouter, clock: Callable[[float], None]
) -> None:
    tokens = portal(router, life="1800")
    read = router.get(READ).mock(return_value=success())
    async with opened() as connection:
        await connection.get(READ)
        clock(1700)
        await connection.get(READ)
        assert len(tokens.forms) == 1
        clock(60)
        await connection.get(READ)
        clock(1760)
        await connection.get(READ)
    assert tokens.forms[1:] == [
        {"grant_type": "refresh_token", "refresh_token": "refresh-1"},
        {"grant_type": "refresh_token", "refresh_token": "refresh-2"},
    ]
    assert read.calls.last.request.headers["Authorization"] == "Bearer token-3"


@pytest.mark.parametrize(
    "instead",
    [failure(401), failure(500), success({"no": "token"}), httpx.ConnectError("no"), httpx.ReadTimeout("no")],
    ids=["refused", "failed", "no token", "no connection", "no answer"],
)
async def test_a_refresh_that_fails_falls_back_to_the_credentials(
    router: respx.MockRouter, clock: Callable[[float], None], instead: Any
) -> None:
    tokens = portal(router)
    router.get(READ).mock(return_value=success("fine"))
    tokens.refuse = lambda form: instead if form["grant_type"] == "refresh_token" else None
    async with opened() as connection:
        await connection.get(READ)
        clock(1790)
        assert await connection.get(READ) == "fine"
    assert tokens.grants == ["pp_credentials", "refresh_token", "pp_credentials"]


async def test_without_a_refresh_token_the_credentials_are_used_again(
    router: respx.MockRouter, clock: Callable[[float], None]
) -> None:
    tokens = portal(router, refresh=False)
    router.get(READ).mock(return_value=success())
    async with opened() as connection:
        await connection.get(READ)
        clock(1790)
        await connection.get(READ)
    assert tokens.grants == ["pp_credentials", "pp_credentials"]


@pytest.mark.parametrize("life", ["30", "1"])
async def test_a_short_lived_token_serves_more_than_one_request(router: respx.MockRouter, life: str) -> None:
    tokens = portal(router, life=life)
    router.get(READ).mock(return_value=success())
    async with opened() as connection:
        for _ in range(3):
            await connection.get(READ)
    assert len(tokens.forms) == 1


@pytest.mark.parametrize("life", ["", "soon", "NaN", "-5", "0", None, "1e400", pytest.param(10**400, id="huge")])
async def test_an_odd_life_of_a_token_is_survived(router: respx.MockRouter, life: Any) -> None:
    portal(router, life=life)
    router.get(READ).mock(return_value=success("fine"))
    async with opened() as connection:
        assert await connection.get(READ) == "fine"
        assert await connection.get(READ) == "fine"


@pytest.mark.parametrize("token", ["tok\u20ac", "two words", "line\nbreak", "", 5, None])
async def test_a_token_that_no_header_can_hold_is_no_token(router: respx.MockRouter, token: Any) -> None:
    tokens = portal(router)
    tokens.refuse = lambda form: success({"token": token, "expiresIn": "1800"})
    order = router.post(ORDER).mock(return_value=success())
    async with opened() as connection:
        with pytest.raises(UnreadableAnswerError, match="holds no token"):
            await connection.get(READ)
        with pytest.raises(NotSentError, match="no access token"):
            await connection.post_once(ORDER, {}, fine)
    assert order.call_count == 0


async def test_a_token_ended_early_is_renewed_once_for_all(router: respx.MockRouter) -> None:
    tokens = portal(router)

    def answer(request: httpx.Request) -> httpx.Response:
        return failure(401) if request.headers["Authorization"] == "Bearer token-1" else success("fine")

    read = router.get(READ).mock(side_effect=answer)
    results: list[Any] = []

    async def get() -> None:
        results.append(await connection.get(READ))

    async with opened() as connection, anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(get)
    assert results == ["fine"] * 20
    assert tokens.grants == ["pp_credentials", "refresh_token"]
    assert read.call_count <= 40


async def test_a_401_that_stays_is_refused_after_one_renewal(router: respx.MockRouter) -> None:
    tokens = portal(router)
    read = router.get(READ).mock(return_value=failure(401))
    async with opened() as connection:
        with pytest.raises(RequestRefusedError):
            await connection.get(READ)
    assert read.call_count == 2
    assert len(tokens.forms) == 2


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_wrong_credentials_are_said_clearly_without_the_secret(router: respx.MockRouter, status: int) -> None:
    tokens = portal(router)
    tokens.refuse = lambda form: failure(status, code="invalid_client")
    async with opened() as connection:
        with pytest.raises(RequestRefusedError) as failed:
            await connection.get(READ)
    said = str(failed.value)
    assert "yspartner:clientId" in said
    assert "yspartner:clientSecret" in said
    assert REQUEST_ID in said
    assert SECRET not in said
    assert len(tokens.forms) == 1


async def test_missing_credentials_are_said_before_any_request(router: respx.MockRouter) -> None:
    with pytest.raises(SettingsError, match="clientSecret is missing"):
        async with opened(client_secret=""):
            pass
    assert not router.calls


# --- reads ---------------------------------------------------------------------------------------------------------

TRANSIENT: list[Any] = [
    failure(500),
    failure(502),
    failure(503),
    failure(408),
    failure(409),
    failure(425),
    failure(429),
    httpx.Response(200, json=envelope(status=503, code="busy")),
    httpx.Response(200, json=envelope(code="busy")),
    httpx.Response(502, html="<html>"),
    httpx.Response(200, html="<html>"),
    httpx.ReadTimeout("no"),
    httpx.WriteTimeout("no"),
    httpx.PoolTimeout("no"),
    httpx.ConnectTimeout("no"),
    httpx.ConnectError("no"),
    httpx.ReadError("no"),
    httpx.RemoteProtocolError("no"),
]


@pytest.mark.parametrize("problem", TRANSIENT, ids=str)
async def test_a_read_is_repeated_where_that_may_help(router: respx.MockRouter, problem: Any) -> None:
    portal(router)
    for route, call in (
        (router.get(READ), lambda: connection.get(READ)),
        (router.post(READ), lambda: connection.post_read(READ, {})),
    ):
        route.mock(side_effect=[problem, problem, success("fine")])
        async with opened() as connection:
            assert await call() == "fine"
        assert route.call_count == 3


@pytest.mark.parametrize("problem", TRANSIENT, ids=str)
async def test_a_read_is_given_up_after_a_few_tries(
    router: respx.MockRouter, problem: Any, pauses: list[float]
) -> None:
    portal(router)
    read = router.get(READ).mock(side_effect=[problem] * 20)
    async with opened() as connection:
        with pytest.raises(PartnerError) as failed:
            await connection.get(READ)
    too_many = getattr(problem, "status_code", None) == 429
    assert read.call_count == (ATTEMPTS_WHEN_TOO_MANY if too_many else ATTEMPTS)
    assert failed.value.transient
    assert len(pauses) == read.call_count - 1
    assert all(0 <= pause <= 8 * (1 + SPREAD) for pause in pauses)


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 422])
async def test_a_clear_no_is_not_asked_again(router: respx.MockRouter, status: int) -> None:
    portal(router)
    read = router.get(READ).mock(return_value=failure(status))
    async with opened() as connection:
        with pytest.raises(RequestRefusedError):
            await connection.get(READ)
    assert read.call_count == 1


@pytest.mark.parametrize(("header", "expected"), [("7", 7.0), ("0", 0.0), ("59.5", 59.5), ("-3", 0.0)])
async def test_retry_after_in_seconds_is_waited_out(
    router: respx.MockRouter, pauses: list[float], header: str, expected: float
) -> None:
    portal(router)
    router.get(READ).mock(side_effect=[failure(429, **{"Retry-After": header}), success("fine")])
    async with opened() as connection:
        assert await connection.get(READ) == "fine"
    assert sum(pauses) == pytest.approx(expected, rel=SPREAD, abs=0.1)


async def test_retry_after_as_a_date_is_waited_out(router: respx.MockRouter, pauses: list[float]) -> None:
    portal(router)
    date = email.utils.formatdate(time.time() + 30, usegmt=True)
    router.get(READ).mock(side_effect=[failure(503, **{"Retry-After": date}), success("fine")])
    async with opened() as connection:
        assert await connection.get(READ) == "fine"
    assert len(pauses) == 1
    assert 20 < pauses[0] <= 31 * (1 + SPREAD)


@pytest.mark.parametrize("header", ["soon", "inf", "nan", "Wed, 99 Foo", *DATES_BEYOND_ALL])
async def test_an_unreadable_retry_after_is_as_none(router: respx.MockRouter, pauses: list[float], header: str) -> None:
    portal(router)
    router.get(READ).mock(side_effect=[failure(503, **{"Retry-After": header}), success("fine")])
    async with opened() as connection:
        assert await connection.get(READ) == "fine"
    assert pauses[0] <= 8


@pytest.mark.parametrize("header", DATES_BEYOND_ALL)
async def test_a_clear_no_to_an_order_stays_clear_whatever_its_retry_after(
    router: respx.MockRouter, header: str
) -> None:
    portal(router)
    router.post(ORDER).mock(return_value=failure(400, **{"Retry-After": header}))
    async with opened() as connection:
        with pytest.raises(RequestRefusedError):
            await connection.post_once(ORDER, {}, fine)


async def test_a_portal_that_asks_for_long_is_not_asked_again(router: respx.MockRouter, pauses: list[float]) -> None:
    portal(router)
    read = router.get(READ).mock(return_value=failure(429, **{"Retry-After": "3600"}))
    async with opened() as connection:
        with pytest.raises(PortalFailedError):
            await connection.get(READ)
    assert read.call_count == 1
    assert pauses == []


@pytest.mark.parametrize("proxy", ["ftp://me:s3cretword@proxy:1", "socks5://me:s3cretword@proxy:1", "http://[::"])
async def test_a_proxy_that_cannot_be_used_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    async with opened() as connection:
        with pytest.raises(SettingsError, match="HTTPS_PROXY") as failed:
            await connection.get(READ)
    assert "s3cretword" not in str(failed.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
async def test_certificates_of_the_environment_that_cannot_be_read_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "certificates.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(SettingsError, match="SSL_CERT_FILE"):
        async with opened():
            raise AssertionError


async def test_redirects_of_reads_are_not_followed(router: respx.MockRouter) -> None:
    portal(router)
    router.get(READ).mock(return_value=httpx.Response(302, headers={"Location": f"{BASE}/elsewhere"}))
    elsewhere = router.get("/elsewhere").mock(return_value=success("wrong"))
    async with opened() as connection:
        with pytest.raises(PartnerError):
            await connection.get(READ)
    assert elsewhere.call_count == 0


async def test_numbers_of_an_answer_are_exact(router: respx.MockRouter) -> None:
    portal(router)
    body = b'{"code":"success","status":200,"result":{"id":3197218168379846218,"price":0.1}}'
    router.get(READ).mock(return_value=httpx.Response(200, content=body))
    async with opened() as connection:
        found = await connection.get(READ)
    assert found == {"id": 3197218168379846218, "price": Decimal("0.1")}


async def test_an_endless_answer_is_cut_off(router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch) -> None:
    portal(router)
    monkeypatch.setattr(http, "LARGEST_ANSWER", 1000)
    router.post(ORDER).mock(return_value=success("x" * 2000))
    async with opened() as connection:
        with pytest.raises(UnreadableAnswerError):
            await connection.post_once(ORDER, {}, fine)


@pytest.mark.parametrize("most", [1, 4])
async def test_no_more_requests_at_once_than_allowed(router: respx.MockRouter, most: int) -> None:
    portal(router)
    running = peak = 0

    async def answer(_request: httpx.Request) -> httpx.Response:
        nonlocal running, peak
        running += 1
        peak = max(peak, running)
        for _ in range(5):
            await anyio.lowlevel.checkpoint()
        running -= 1
        return success()

    router.get(READ).mock(side_effect=answer)
    async with opened(max_connections=most) as connection, anyio.create_task_group() as group:
        for _ in range(30):
            group.start_soon(connection.get, READ)
    assert peak == most


# --- the order -----------------------------------------------------------------------------------------------------

ORDER_PROBLEMS: list[tuple[Any, type[PartnerError]]] = [
    (httpx.ConnectError("no"), NotSentError),
    (httpx.ConnectTimeout("no"), NotSentError),
    (httpx.ReadTimeout("no"), NoAnswerError),
    (httpx.WriteTimeout("no"), NoAnswerError),
    (httpx.ReadError("no"), NoAnswerError),
    (httpx.WriteError("no"), NoAnswerError),
    (httpx.CloseError("no"), NoAnswerError),
    (httpx.RemoteProtocolError("no"), NoAnswerError),
    (ssl.SSLError(1, "[SSL] tlsv13 alert certificate required"), NoAnswerError),
    (ConnectionResetError("no"), NoAnswerError),
    (failure(500), PortalFailedError),
    (failure(502), PortalFailedError),
    (failure(503, **{"Retry-After": "1"}), PortalFailedError),
    (failure(408), PortalFailedError),
    (failure(409), PortalFailedError),
    (failure(425), PortalFailedError),
    (failure(429, **{"Retry-After": "1"}), PortalFailedError),
    (httpx.Response(502, html="<html>"), PortalFailedError),
    (httpx.Response(307, headers={"Location": f"{BASE}{ORDER}"}), PortalFailedError),
    (httpx.Response(301, headers={"Location": f"{BASE}{ORDER}"}, json=envelope()), PortalFailedError),
    (httpx.Response(200, html="<html>"), UnreadableAnswerError),
    (httpx.Response(200, content=b""), UnreadableAnswerError),
    (httpx.Response(200, content=b'{"code": "succ'), UnreadableAnswerError),
    (httpx.Response(200, content=b"\xff\x00"), UnreadableAnswerError),
    (
        httpx.Response(200, stream=httpx.ByteStream(b"no gzip"), headers={"Content-Encoding": "gzip"}),
        UnreadableAnswerError,
    ),
    (httpx.Response(200, json=[["unexpected"], 7, None]), UnreadableAnswerError),
    (httpx.Response(200, json=envelope(code="system_busy")), UnreadableAnswerError),
    (httpx.Response(404, html="<html>"), UnreadableAnswerError),
    (failure(400), RequestRefusedError),
    (failure(401), RequestRefusedError),
    (failure(403), RequestRefusedError),
    (failure(404), RequestRefusedError),
    (failure(422), RequestRefusedError),
    (httpx.Response(200, json=envelope(status=400, code="no")), RequestRefusedError),
]


@pytest.mark.parametrize(
    ("problem", "expected"), ORDER_PROBLEMS, ids=[f"{index}" for index in range(len(ORDER_PROBLEMS))]
)
async def test_an_order_is_sent_once_whatever_comes_of_it(
    router: respx.MockRouter, pauses: list[float], problem: Any, expected: type[PartnerError]
) -> None:
    portal(router)
    order = router.post(ORDER).mock(side_effect=[problem, *[success("a second order")] * 5])
    async with opened() as connection:
        with pytest.raises(PartnerError) as failed:
            await connection.post_once(ORDER, {"quantity": 1}, fine)
    assert order.call_count == 1
    assert pauses == []
    assert type(failed.value) is expected
    said = str(failed.value)
    assert f"POST {ORDER}" in said
    assert SECRET not in said
    assert "token-1" not in said
    assert "<html>" not in said
    assert "\n" not in said


async def test_an_order_that_hangs_is_sent_once_and_has_no_answer(router: respx.MockRouter) -> None:
    portal(router)

    arrived: list[httpx.Request] = []

    async def hang(request: httpx.Request) -> httpx.Response:
        arrived.append(request)
        await anyio.Event().wait()
        raise AssertionError

    router.post(ORDER).mock(side_effect=hang)
    async with opened(timeout=0.05) as connection:
        with pytest.raises(NoAnswerError, match=r"no answer within 0\.05 s"):
            await connection.post_once(ORDER, {}, fine)
    assert len(arrived) == 1


async def test_an_order_whose_last_check_takes_too_long_was_not_sent() -> None:
    """Nothing of it has left, so it must not be taken for an order whose outcome is unclear."""
    received = bytearray()

    async def listen(stream: SocketStream) -> None:
        async with stream:
            with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                received.extend(await stream.receive())

    checks = 0

    async def hang_when_connected() -> None:
        nonlocal checks
        checks += 1
        if checks == 2:
            await anyio.Event().wait()

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, listen)
        url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        async with http.http_client(url, ssl.create_default_context(), timeout=5, connections=1) as own:
            with pytest.raises(NotSentError, match=r"no connection was made within 0\.2 s"):
                await http.exchange(own, "POST", ORDER, within=0.2, last_check=hang_when_connected, json={})
        group.cancel_scope.cancel()
    assert checks == 2
    assert received == b""


async def test_an_order_that_left_and_was_not_answered_may_exist() -> None:
    received = bytearray()

    async def listen(stream: SocketStream) -> None:
        async with stream:
            while True:
                received.extend(await stream.receive())

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, listen)
        url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"
        async with http.http_client(url, ssl.create_default_context(), timeout=5, connections=1) as own:
            with pytest.raises(NoAnswerError, match=r"no answer within 0\.2 s"):
                await http.exchange(own, "POST", ORDER, within=0.2, last_check=fine, json={})
        group.cancel_scope.cancel()
    assert received.startswith(b"POST ")


async def test_an_order_is_not_sent_without_a_token(router: respx.MockRouter) -> None:
    tokens = portal(router)
    tokens.refuse = lambda form: failure(401)
    order = router.post(ORDER).mock(return_value=success())
    async with opened() as connection:
        with pytest.raises(RequestRefusedError):
            await connection.post_once(ORDER, {}, fine)
    assert order.call_count == 0


@pytest.mark.parametrize("problem", [httpx.ReadTimeout("no"), failure(503), httpx.Response(200, html="<html>")])
async def test_an_order_whose_token_could_not_be_had_was_not_sent(router: respx.MockRouter, problem: Any) -> None:
    """No token, no order: that is certain, so it must not be taken for an order whose outcome is unclear."""
    tokens = portal(router)
    tokens.refuse = lambda form: problem
    order = router.post(ORDER).mock(return_value=success())
    async with opened() as connection:
        with pytest.raises(PartnerError) as failed:
            await connection.post_once(ORDER, {}, fine)
    assert order.call_count == 0
    assert isinstance(failed.value, NotSentError | RequestRefusedError)


async def test_the_order_is_the_tutorials_body_with_ids_as_integers(router: respx.MockRouter) -> None:
    portal(router)
    taken = {
        "instanceId": "1088407",
        "orderNo": "OQ3206269349344043008",
        "orderStatus": "succeed",
        "productNo": "3651D3296882",
        "transactionNo": "QO3206269350577168385",
    }
    order = router.post(ORDER).mock(return_value=success(taken))
    request = OrderRequest(
        serial_number="3651D3296882",
        billing_contact_id="3197218168379846218",
        plan_id="3049040650094403584",
        services={"extensions": "3049060579827040256", "concurrent_calls": "3049060612492230656"},
        quantities={"extensions": 200},
        po_number="PO-1 YS-AAAAAAAAAAAA",
    )
    async with client() as partner:
        receipt = await partner.place(request, fine)
    assert sent(order) == [
        {
            "operationType": "purchase_service",
            "productId": 12,
            "productNo": "3651D3296882",
            "billingId": 3197218168379846218,
            "poNumber": "PO-1 YS-AAAAAAAAAAAA",
            "serviceList": [
                {
                    "connectionPlanId": 3049040650094403584,
                    "serviceType": "service",
                    "serviceId": 3049060579827040256,
                    "quantity": 200,
                    "purchaseType": "purchase",
                    "billingModel": "recurring",
                    "billingCycle": "annually",
                }
            ],
        }
    ]
    assert (receipt.order_no, receipt.status) == ("OQ3206269349344043008", "succeed")
    assert (receipt.transaction_no, receipt.serial_number) == ("QO3206269350577168385", "3651D3296882")


@pytest.mark.parametrize("result", [None, [], {}, "fine", 7, {"orderNo": None}, {"orderNo": ""}])
async def test_a_success_without_an_order_number_is_an_empty_receipt(router: respx.MockRouter, result: Any) -> None:
    portal(router)
    order = router.post(ORDER).mock(return_value=success(result))
    async with client() as partner:
        receipt = await partner.place(OrderRequest("A1", "1", "2", {"extensions": "3"}, {"extensions": 1}, "YS-"), fine)
    assert receipt.order_no is None
    assert order.call_count == 1


# --- pages ---------------------------------------------------------------------------------------------------------


def pages(items: list[Any], *, most: int = 1000, total: int | None = None, refuse_size: bool = False) -> Any:
    def answer(request: httpx.Request) -> httpx.Response:
        if refuse_size and "pageSize" in request.url.params:
            return failure(400, code="parameter_validation_failed")
        size = min(int(request.url.params.get("pageSize", 25)), most)
        number = int(request.url.params["pageNo"])
        shown = items[(number - 1) * size : number * size]
        count = len(items) if total is None else total
        return success(
            {
                "count": count,
                "pageNo": number,
                "pageSize": size,
                "results": shown,
                "total": count,
                "totalPage": -(-count // size),
            }
        )

    return answer


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 950])
@pytest.mark.parametrize("most", [1000, 10])
async def test_a_paged_list_is_read_whole_and_in_order(router: respx.MockRouter, count: int, most: int) -> None:
    portal(router)
    items = [{"productNo": f"A{number}"} for number in range(count)]
    route = router.get(PRODUCTS).mock(side_effect=pages(items, most=most))
    async with client() as partner:
        assert await partner.products() == items
    assert route.call_count == max(1, -(-count // min(100, most)))
    assert route.calls.last.request.url.params["productId"] == "12"


async def test_a_portal_that_refuses_the_page_size_is_asked_with_its_default(router: respx.MockRouter) -> None:
    portal(router)
    items = [{"productNo": f"A{number}"} for number in range(60)]
    router.get(PRODUCTS).mock(side_effect=pages(items, refuse_size=True))
    async with client() as partner:
        assert await partner.products() == items


@pytest.mark.parametrize("status", [401, 403, 404])
async def test_a_refused_list_is_not_asked_for_in_another_size(router: respx.MockRouter, status: int) -> None:
    portal(router)
    route = router.get(PRODUCTS).mock(return_value=failure(status))
    async with client() as partner:
        with pytest.raises(RequestRefusedError):
            await partner.products()
    assert all(call.request.url.params["pageSize"] == "100" for call in route.calls)


async def test_an_incomplete_list_is_an_error(router: respx.MockRouter) -> None:
    portal(router)
    router.get(ORDERS).mock(side_effect=pages([{"orderNo": "OQ1"}], total=2))
    async with client() as partner:
        with pytest.raises(ReadingError, match="incomplete: 1 of 2"):
            await partner.orders()


async def test_a_list_of_impossibly_many_pages_is_an_error_and_not_asked_for(router: respx.MockRouter) -> None:
    portal(router)
    route = router.get(ORDERS).mock(
        return_value=success({"results": [{"orderNo": "OQ1"}], "total": 10**15, "totalPage": 10**15})
    )
    async with client() as partner:
        with pytest.raises(ReadingError, match="1000000000000000 pages"):
            await partner.orders()
    assert route.call_count == 1


async def test_a_bare_list_that_never_ends_is_an_error(
    router: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_module, "MOST_PAGES", 20)
    portal(router)
    route = router.get(ORDERS).mock(
        side_effect=lambda request: success([{"orderNo": "OQ1", "readAt": time.monotonic_ns()}])
    )
    async with client() as partner:
        with pytest.raises(ReadingError, match="does not end after 20 pages"):
            await partner.orders()
    assert route.call_count == 20


async def test_a_page_that_fails_fails_the_list(router: respx.MockRouter) -> None:
    portal(router)
    whole = pages([{"orderNo": f"OQ{number}"} for number in range(450)])

    def answer(request: httpx.Request) -> httpx.Response:
        return failure(403) if request.url.params["pageNo"] in "34" else whole(request)

    router.get(ORDERS).mock(side_effect=answer)
    async with client() as partner:
        with pytest.raises(RequestRefusedError):
            await partner.orders()


async def test_a_bare_list_in_pages_is_read_until_it_is_empty(router: respx.MockRouter) -> None:
    portal(router)
    items = [{"orderNo": f"OQ{number}"} for number in range(230)]

    def answer(request: httpx.Request) -> httpx.Response:
        number = int(request.url.params["pageNo"])
        return success(items[(number - 1) * 100 : number * 100])

    router.get(ORDERS).mock(side_effect=answer)
    async with client() as partner:
        assert [order.order_no for order in await partner.orders()] == [item["orderNo"] for item in items]


async def test_a_bare_list_that_knows_no_pages_is_read_once(router: respx.MockRouter) -> None:
    portal(router)
    items = [{"orderNo": f"OQ{number}"} for number in range(230)]
    route = router.get(ORDERS).mock(return_value=success(items))
    async with client() as partner:
        assert len(await partner.orders()) == 230
    assert route.call_count == 2


@pytest.mark.parametrize("result", [None, "none", {"list": []}, {"results": {}}, {"results": None, "total": 3}])
async def test_what_is_no_list_is_an_error(router: respx.MockRouter, result: Any) -> None:
    portal(router)
    router.get(ORDERS).mock(return_value=success(result))
    async with client() as partner:
        with pytest.raises(ReadingError, match="a list was expected"):
            await partner.orders()


async def test_an_order_without_a_number_fails_the_list(router: respx.MockRouter) -> None:
    portal(router)
    router.get(ORDERS).mock(side_effect=pages([{"orderNo": "OQ1"}, {"orderStatus": "pending"}]))
    async with client() as partner:
        with pytest.raises(ReadingError, match="without orderNo"):
            await partner.orders()


async def test_an_order_that_the_last_check_calls_off_is_not_sent(router: respx.MockRouter) -> None:
    portal(router)
    order = router.post(ORDER).mock(return_value=success())

    async def against_it() -> None:
        raise RefusedError("no")

    async with opened() as connection:
        with pytest.raises(RefusedError):
            await connection.post_once(ORDER, {"quantity": 1}, against_it)
    assert order.call_count == 0
