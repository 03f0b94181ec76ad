"""What an answer means, from its HTTP status and its body."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from partner_calls import REQUEST_ID, envelope

from pulumi_yspartner.errors import PartnerError, PortalFailedError, RequestRefusedError, UnreadableAnswerError
from pulumi_yspartner.partner.envelope import result

UNCLEAR = (408, 409, 425, 429)


def read(http_status: int, body: Any, **rest: Any) -> Any:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return result("POST", "/some/path", http_status, raw, **rest)


def test_result_of_success() -> None:
    assert read(200, envelope({"a": [1]})) == {"a": [1]}
    assert read(200, envelope(None)) is None


def test_unknown_fields_and_a_missing_status_are_taken() -> None:
    body = envelope([1], extra={"x": 1})
    del body["status"], body["requestId"]
    assert read(200, body) == [1]


def test_ids_keep_all_digits_and_money_is_no_float() -> None:
    body = b'{"code":"success","status":200,"result":{"id":3197218168379846218,"price":1250.10}}'
    found = read(200, body)
    assert found["id"] == 3197218168379846218
    assert found["price"] == Decimal("1250.10")
    assert isinstance(found["price"], Decimal)


@pytest.mark.parametrize(
    ("http_status", "body", "expected"),
    [
        # A clear no: nothing was done.
        (400, envelope(code="parameter_validation_failed", status=400), RequestRefusedError),
        (401, envelope(code="unauthorized", status=401), RequestRefusedError),
        (200, envelope(code="no", status=422), RequestRefusedError),
        (200, envelope(code="success", status=400), RequestRefusedError),
        (500, envelope(code="no", status=400), RequestRefusedError),
        # Not a clear no.
        *[(each, envelope(code="wait", status=each), PortalFailedError) for each in UNCLEAR],
        *[(200, envelope(code="wait", status=each), PortalFailedError) for each in UNCLEAR],
        (500, envelope(code="oops", status=500), PortalFailedError),
        (200, envelope(code="oops", status=503), PortalFailedError),
        (400, envelope(code="oops", status=500), PortalFailedError),
        (502, b"<html>Bad gateway</html>", PortalFailedError),
        (429, b"slow down", PortalFailedError),
        (201, envelope(), PortalFailedError),
        (204, b"", UnreadableAnswerError),
        # Redirects are never followed and mean nothing.
        (301, b"", PortalFailedError),
        (307, b"<html>moved</html>", PortalFailedError),
        (302, envelope(), PortalFailedError),
        # Not the envelope.
        (200, envelope(code="system_busy"), UnreadableAnswerError),
        (200, envelope(code=None), UnreadableAnswerError),
        (200, envelope(code=7), UnreadableAnswerError),
        (200, b"", UnreadableAnswerError),
        (200, b"<html>Please sign in</html>", UnreadableAnswerError),
        (200, b'{"code": "success", "status": 200, "resu', UnreadableAnswerError),
        (200, [["unexpected"], 7, None], UnreadableAnswerError),
        (200, {"result": {"orderNo": "OQ1"}}, UnreadableAnswerError),
        (200, b"\xff\xfe\x00", UnreadableAnswerError),
        (200, b"[" * 100_000, UnreadableAnswerError),
        (400, b"<html>Bad request</html>", UnreadableAnswerError),
        (404, b"", UnreadableAnswerError),
        (404, {"status": 404}, UnreadableAnswerError),
    ],
)
def test_every_other_answer_has_its_class(http_status: int, body: Any, expected: type[PartnerError]) -> None:
    with pytest.raises(PartnerError) as failed:
        read(http_status, body)
    assert type(failed.value) is expected
    assert failed.value.transient is (expected is not RequestRefusedError)


@pytest.mark.parametrize("http_status", [400, 404, 422])
@pytest.mark.parametrize("code", ["success", "system_busy"])
def test_a_status_line_alone_is_no_clear_refusal_against_the_envelopes_200(http_status: int, code: str) -> None:
    """The effective status is the envelope's if it has one (rule 5): 200 here, so the order may exist."""
    with pytest.raises(PartnerError) as failed:
        read(http_status, envelope({"orderNo": "OQ1"}, code=code, status=200))
    assert not isinstance(failed.value, RequestRefusedError)


@given(
    st.integers(100, 599),
    st.binary(max_size=60)
    | st.dictionaries(st.text(), st.integers() | st.text()).map(lambda body: json.dumps(body).encode()),
)
def test_nothing_but_the_documented_success_is_a_result(http_status: int, body: bytes) -> None:
    try:
        read(http_status, body)
    except PartnerError:
        return
    found = json.loads(body)
    assert http_status == 200
    assert found["code"] == "success"


@given(st.integers(100, 599), st.none() | st.integers(0, 599), st.sampled_from(["success", "no", None]))
def test_only_a_clear_no_proves_that_nothing_was_done(http_status: int, status: int | None, code: str | None) -> None:
    body = envelope(code=code)
    if status is None:
        del body["status"]
    else:
        body["status"] = status
    try:
        read(http_status, body)
    except RequestRefusedError:
        effective = http_status if status is None else status
        assert 400 <= effective < 500
        assert effective not in UNCLEAR
        assert code is not None
        assert not 300 <= http_status < 400
    except PartnerError:
        pass
    else:
        assert (http_status, status or 200, code) == (200, 200, "success")


@pytest.mark.parametrize("number", ["1e99999999999999999999", "-1E+99999999999999999999", "9" * 5000])
def test_a_number_that_nothing_can_hold_makes_an_answer_unreadable(number: str) -> None:
    body = f'{{"code": "success", "status": 200, "result": {{"amount": {number}}}}}'.encode()
    with pytest.raises(UnreadableAnswerError, match="not the documented JSON"):
        read(200, body)


def test_messages_hold_what_the_vendors_support_asks_for_and_no_body() -> None:
    body = envelope({"secret": "s3cret"}, code="no_such_thing", status=404, detailMessage="s3cret detail")
    with pytest.raises(RequestRefusedError) as failed:
        read(404, body)
    said = str(failed.value)
    for part in ("POST", "/some/path", "404", "no_such_thing", REQUEST_ID):
        assert part in said
    assert "s3cret" not in said
    assert failed.value.request_id == REQUEST_ID


def test_vendor_text_cannot_break_or_flood_a_message() -> None:
    with pytest.raises(PartnerError) as failed:
        read(400, envelope(code="a\nb\x1b[31m" + "c" * 5000, status=400, requestId="r\r\n" + "d" * 5000))
    said = str(failed.value)
    assert said.isprintable()
    assert len(said) < 400


@pytest.mark.parametrize("body", [b"<html>", json.dumps(envelope(code="wait", status=429)).encode()])
def test_retry_after_travels_with_the_error(body: bytes) -> None:
    with pytest.raises(PortalFailedError) as failed:
        read(429, body, retry_after=7.0)
    assert failed.value.retry_after == 7.0
