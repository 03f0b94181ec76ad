"""Orders over gRPC, against the sandbox: what is bought is counted there."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from protocol_host import (
    CONTACT,
    PLAN,
    SECRET,
    SERIAL,
    Host,
    api_orders,
    config,
    reading,
    running_host,
)

from pulumi_yspartner.sandbox import DIALECTS, Fault, Portal, SandboxServer

OURS = {"observed", "purchase", "refused"}
SAID_BY = ("yspartner: ", "Exception calling application: ")
"""What stands before our message: newer SDKs name the error's class, older ones leave it to gRPC."""


def declared(extensions: int = 250, **rest: Any) -> dict[str, Any]:
    return {"serial_number": SERIAL, "extensions": extensions, **rest}


def refusal(call: Any, *arguments: Any) -> str:
    """The one line that a failing call answers with."""
    with pytest.raises(grpc.RpcError) as failed:
        call(*arguments)
    details = failed.value.details()
    assert details.startswith(SAID_BY), details
    assert details.count("\n") <= 1, details
    assert details.strip().count("\n") == 0, details
    assert "Traceback" not in details
    assert SECRET not in details
    assert "Bearer" not in details
    return details


# --- round trips ---------------------------------------------------------------------------------------------------


def test_a_whole_life_buys_what_is_declared_and_nothing_else(portal: Portal, server: SandboxServer) -> None:
    settings = config(server.url)
    first, raised = declared(250), declared(300, concurrent_calls=20)
    with running_host(settings) as host:  # up
        inputs = host.check({**first, "observed": reading()})
        id_, state = host.create_whole(inputs)
    assert id_ == SERIAL
    assert portal.purchases == 1
    (placed,) = state.pop("orders")
    assert state == {**first, "capacity": {"extensions": 250, "concurrent_calls": 12}, "status": "satisfied"}
    assert placed["extensions"] == 200
    assert placed["extensions_before"] == 50
    assert placed["order_no"] == portal.orders[0].order_no
    assert placed["transaction_no"] == portal.orders[0].transaction_no
    state["orders"] = [placed]

    with running_host(settings) as host:  # refresh
        answer = host.read_whole(state)
        assert answer.id == SERIAL
        assert len(answer.inputs.fields) == 0
        assert host.read(state) == state

    with running_host(settings) as host:  # up, raised
        news = host.check({**raised, "observed": reading(250)}, inputs)
        updated = host.update(state, news)
    assert portal.purchases == 2
    assert {name: updated[name] for name in raised} == raised
    assert updated["capacity"] == {"extensions": 300, "concurrent_calls": 20}
    assert [order["order_no"] for order in updated["orders"]] == [order.order_no for order in portal.orders]
    assert updated["status"] == "satisfied"

    with running_host(settings) as host:  # destroy
        portal.reset_requests()
        host.delete(updated)
        said = host.said("billed")
    assert not portal.requests
    assert "300 extensions, 20 concurrent calls" in said
    assert portal.purchases == 2


def test_outputs_never_hold_what_check_decided(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(), "observed": reading()})
    assert inputs.keys() >= {"observed", "purchase"}
    state = host.create(inputs)
    quiet = host.check({**declared(), "observed": reading(250)}, inputs)
    for outputs in (state, host.read(state), host.update(state, quiet)):
        assert not OURS & outputs.keys()


def test_update_returns_the_full_state(host: Host, portal: Portal) -> None:
    portal.set_counts(SERIAL, extensions=250)
    whole = declared(200, concurrent_calls=5, po_number="PO-1", billing_contact_id=CONTACT, plan_id=PLAN, reorder="x")
    state = host.create(host.check({**declared(100), "observed": reading(250)}))
    assert portal.purchases == 0
    updated = host.update(state, host.check({**whole, "observed": reading(250)}, declared(100)))
    assert updated == {
        **whole,
        "capacity": {"extensions": 250, "concurrent_calls": 12},
        "orders": [],
        "status": "satisfied",
    }


def test_update_keeps_the_orders_of_earlier_runs(host: Host, portal: Portal) -> None:
    state = host.create(host.check({**declared(), "observed": reading()}))
    news = host.check({**declared(250, po_number="PO-2"), "observed": reading(250)}, declared(250))
    assert host.update(state, news)["orders"] == state["orders"]


def test_ids_of_19_digits_reach_the_order_whole(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(billing_contact_id=CONTACT, plan_id=PLAN), "observed": reading()})
    state = host.create(inputs)
    body = portal.orders[0].body
    assert body is not None
    assert body["billingId"] == 3197218168379846218
    assert body["serviceList"][0]["connectionPlanId"] == 3049040650094403584
    assert body["serviceList"][0]["serviceId"] == 3049060579827040256
    assert (state["billing_contact_id"], state["plan_id"]) == (CONTACT, PLAN)
    again = host.read(state)
    assert (again["billing_contact_id"], again["plan_id"]) == (CONTACT, PLAN)


def test_the_order_is_the_tutorials_body(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(250, po_number="PO-7"), "observed": reading()})
    host.create(inputs)
    assert portal.orders[0].body == {
        "operationType": "purchase_service",
        "productId": 12,
        "productNo": SERIAL,
        "billingId": 3197218168379846218,
        "poNumber": f"PO-7 {inputs['purchase']['reference']}",
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


def test_both_counts_go_into_one_order(host: Host, portal: Portal) -> None:
    host.create(host.check({**declared(250, concurrent_calls=60), "observed": reading()}))
    assert portal.purchases == 1
    assert (portal.orders[0].extensions, portal.orders[0].concurrent_calls) == (200, 48)


def test_adopting_records_what_is_there_and_buys_nothing(host: Host, portal: Portal) -> None:
    state = host.create(host.check({**declared(50, concurrent_calls=1), "observed": reading()}))
    assert portal.purchases == 0
    assert state["status"] == "satisfied"
    assert state["orders"] == []


# --- refusals ------------------------------------------------------------------------------------------------------


def test_with_purchases_off_nothing_is_bought(portal: Portal, server: SandboxServer) -> None:
    for changes in ({"purchases": "deny"}, {"purchases": ""}):
        with running_host(config(server.url, **changes)) as host:
            inputs = host.check({**declared(), "observed": reading()})
            assert inputs["purchase"]["extensions"] == 200
            assert "purchases are off" in refusal(host.create, inputs)
    assert portal.purchases == 0
    assert portal.count("order.save") == 0


def test_the_variable_wins_over_the_configuration(portal: Portal, server: SandboxServer) -> None:
    with running_host(config(server.url), YSPARTNER_PURCHASES="deny") as host:
        assert "purchases are off" in refusal(host.create, host.check({**declared(), "observed": reading()}))
    assert portal.purchases == 0
    with running_host(config(server.url, purchases="deny"), YSPARTNER_PURCHASES="allow") as host:
        host.create(host.check({**declared(), "observed": reading()}))
    assert portal.purchases == 1


def test_limits_are_checked_again_right_before_the_order(portal: Portal, server: SandboxServer) -> None:
    with running_host(config(server.url)) as host:
        inputs = host.check({**declared(), "observed": reading()})
    with running_host(config(server.url, limits='{"extensions": 100}')) as host:
        assert "above the limit of 100" in refusal(host.create, inputs)
    with running_host(config(server.url, limits='{"amount": "1249.99 USD"}')) as host:
        assert "price of 1250.00 USD is not within the limit of 1249.99 USD" in refusal(host.create, inputs)
        portal.faults.add("price:status=404x*")
        assert "price is unknown and so not within the limit" in refusal(host.create, inputs)
    assert portal.count("price") == 2, "a price is read right before an order only where it is limited"
    assert portal.purchases == 0


def test_an_order_within_the_limit_on_money_is_placed(portal: Portal, server: SandboxServer) -> None:
    with running_host(config(server.url, limits='{"amount": "1250.00 USD"}')) as host:
        host.create(host.check({**declared(), "observed": reading(price="1250.00 USD")}))
    assert portal.purchases == 1


def test_a_price_is_in_no_input_and_no_output(host: Host, portal: Portal) -> None:
    priced = host.check({**declared(), "observed": reading(price="1250.00 USD", unpriced="no reason")})
    assert priced == host.check({**declared(), "observed": reading()})
    assert "USD" not in str(priced)
    assert "USD" not in str(host.create(priced))


@pytest.mark.parametrize("now", [51, 49, 250])
def test_counts_that_moved_since_the_review_are_refused(host: Host, portal: Portal, now: int) -> None:
    inputs = host.check({**declared(), "observed": reading()})
    portal.set_counts(SERIAL, extensions=now)
    assert f"moved from 50 to {now}" in refusal(host.create, inputs)
    assert portal.purchases == 0


def test_a_purchase_that_leads_past_the_declaration_is_refused(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(), "observed": reading()})
    inputs["purchase"]["extensions"] = 201
    assert "past the declared 250" in refusal(host.create, inputs)
    assert portal.purchases == 0


def test_a_purchase_without_the_counts_it_rests_on_is_refused(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(), "observed": reading()})
    del inputs["observed"]
    assert "moved from not read to 50" in refusal(host.create, inputs)
    assert portal.purchases == 0


def test_what_check_refused_is_refused_in_create_and_update(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(), "observed": {"unreadable": "its counts could not be read"}})
    assert "its counts could not be read" in refusal(host.create, inputs)
    state = {**declared(50), "capacity": {"extensions": 50}, "orders": [], "status": "satisfied"}
    assert "its counts could not be read" in refusal(host.update, state, inputs)
    assert portal.purchases == 0


def test_a_provider_whose_engine_is_gone_orders_nothing(host: Host, portal: Portal) -> None:
    inputs = host.check({**declared(), "observed": reading()})
    host.lose_engine()
    assert "engine" in refusal(host.create, inputs)
    assert portal.purchases == 0
    assert portal.count("order.save") == 0


def test_wrong_credentials_are_one_line_without_the_secret(portal: Portal, server: SandboxServer) -> None:
    with running_host(config(server.url, clientSecret="s3cret-and-wrong")) as host:
        said = refusal(host.create, host.check({**declared(), "observed": reading()}))
    assert "yspartner:clientSecret" in said
    assert "s3cret-and-wrong" not in said
    assert portal.purchases == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"clientId": ""}, "yspartner:clientId is missing"),
        ({"clientSecret": ""}, "yspartner:clientSecret is missing"),
    ],
)
def test_missing_credentials_are_one_line(server: SandboxServer, changes: dict[str, str], words: str) -> None:
    with running_host(config(server.url, **changes)) as host:
        assert words in refusal(host.create, host.check({**declared(), "observed": reading()}))


@pytest.mark.parametrize(
    ("changes", "key"),
    [({"purchases": "s3cret"}, "purchases"), ({"baseUrl": "http://s3cret.example"}, "baseUrl")],
)
def test_malformed_settings_are_one_line_without_the_value(changes: dict[str, str], key: str) -> None:
    with running_host(config("http://127.0.0.1:9", **changes)) as host:
        said = refusal(host.check, {**declared(), "observed": reading()})
    assert f"yspartner:{key}" in said
    assert "s3cret" not in said


def test_an_unreachable_portal_is_one_line_and_nothing_is_bought() -> None:
    with running_host(config("http://127.0.0.1:9", timeout="1")) as host:
        said = refusal(host.create, host.check({**declared(), "observed": reading()}))
    assert "no connection to 127.0.0.1:9" in said
    assert "Nothing was bought" in said


def test_a_pbx_that_is_not_in_the_account_is_one_line(host: Host, portal: Portal) -> None:
    inputs = host.check({"serial_number": "UNKNOWN1", "extensions": 250, "observed": reading()})
    said = refusal(host.create, inputs)
    assert "UNKNOWN1" in said
    assert "Nothing was bought" in said
    assert portal.purchases == 0


# --- read ----------------------------------------------------------------------------------------------------------


STATE = {
    **declared(250.0),
    "capacity": {"extensions": 250, "concurrent_calls": 12},
    "orders": [
        {"status": "unconfirmed", "reference": "YS-AAAAAAAAAAAA", "extensions": 200, "extensions_before": 50},
        {"status": "pending", "order_no": "OQ1", "extensions": 1, "extensions_before": 50},
    ],
    "status": "unconfirmed",
}


def test_read_on_an_unreachable_portal_keeps_the_state(offline_host: Host) -> None:
    assert offline_host.read(STATE) == STATE
    assert "state is kept" in offline_host.said("warning")


@pytest.mark.parametrize("kind", ["html_before", "status=500", "status=403", "garbage", "not_success"])
def test_read_keeps_the_state_when_the_portal_answers_nonsense(
    portal: Portal, server: SandboxServer, kind: str
) -> None:
    portal.faults.add(Fault("product.detail", kind, times=None))
    with running_host(config(server.url)) as host:
        assert host.read(STATE) == STATE


def test_read_of_a_pbx_that_is_gone_keeps_it(portal: Portal, server: SandboxServer) -> None:
    del portal.pbxs[SERIAL]
    with running_host(config(server.url)) as host:
        assert host.read(STATE) == STATE


def test_read_clears_no_unconfirmed_attempt_without_evidence(host: Host, portal: Portal) -> None:
    state = host.read({**STATE, "orders": [{**STATE["orders"][0], "time": "2099-01-01T00:00:00Z"}]})
    assert state["status"] == "unconfirmed"
    assert state["orders"][0]["status"] == "unconfirmed"
    assert state["capacity"] == {"extensions": 50, "concurrent_calls": 12}


def test_read_brings_counts_orders_and_status_up_to_date(portal: Portal, server: SandboxServer) -> None:
    portal.behaviour.order_status = "pending"
    with running_host(config(server.url)) as host:
        state = host.create(host.check({**declared(), "observed": reading()}))
    assert state["status"] == "awaiting_payment"
    portal.set_status(portal.orders[0].order_no, "succeed")
    with running_host(config(server.url)) as host:
        state = host.read(state)
    assert state["status"] == "satisfied"
    assert state["orders"][0]["status"] == "succeed"
    assert state["capacity"]["extensions"] == 250
    assert portal.purchases == 1


# --- one order in flight -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("listing", ["instant", "manual"])
@pytest.mark.parametrize("landing", ["instant", "manual"])
@pytest.mark.parametrize("dialect", ["default", "counts-in-list"])
def test_two_creates_for_one_pbx_at_once_buy_once(listing: Any, landing: Any, dialect: str) -> None:
    portal = Portal(dialect=DIALECTS[dialect])
    portal.add_pbx(SERIAL, extensions=50, concurrent_calls=12)
    portal.behaviour.listing, portal.behaviour.landing = listing, landing
    with SandboxServer(portal) as server, running_host(config(server.url)) as host:
        inputs = host.check({**declared(), "observed": reading()})
        with ThreadPoolExecutor(2) as pool:
            calls = [pool.submit(host.create, inputs) for _ in range(2)]
            errors = [each.exception() for each in calls]
    assert portal.purchases == 1
    assert errors.count(None) >= 1


def test_creates_for_two_pbxs_at_once_buy_both(portal: Portal, server: SandboxServer) -> None:
    portal.add_pbx("OTHER1", extensions=10, concurrent_calls=5)
    with running_host(config(server.url)) as host, ThreadPoolExecutor(2) as pool:
        first = host.check({**declared(), "observed": reading()})
        second = host.check({**declared(), "serial_number": "OTHER1", "observed": reading(10, 5)})
        states = list(pool.map(host.create, [first, second]))
    assert [state["status"] for state in states] == ["satisfied", "satisfied"]
    assert {order.serial_number: order.extensions for order in api_orders(portal)} == {SERIAL: 200, "OTHER1": 240}


@pytest.mark.parametrize("listing", ["instant", "manual"])
@pytest.mark.parametrize("status", ["succeed", "pending", "consigned"])
def test_an_order_of_an_earlier_run_that_is_not_settled_blocks(
    portal: Portal, server: SandboxServer, listing: Any, status: str
) -> None:
    """Also while the portal's list does not show it yet: it stands in our `orders`, and nothing has settled it."""
    portal.behaviour.listing, portal.behaviour.landing, portal.behaviour.order_status = listing, "manual", status
    with running_host(config(server.url)) as host:
        inputs = host.check({**declared(250), "observed": reading()})
        state = host.create(inputs)
    assert state["orders"][0]["order_no"] == portal.orders[0].order_no
    with running_host(config(server.url)) as host:
        news = host.check({**declared(300), "observed": reading()}, inputs)
        said = refusal(host.update, state, news)
    assert portal.orders[0].order_no in said or "reference" in said
    assert portal.purchases == 1


def test_an_order_of_an_earlier_run_that_is_counted_does_not_block(portal: Portal, server: SandboxServer) -> None:
    with running_host(config(server.url)) as host:
        inputs = host.check({**declared(250), "observed": reading()})
        state = host.create(inputs)
    with running_host(config(server.url)) as host:
        state = host.update(state, host.check({**declared(300), "observed": reading(250)}, inputs))
    assert portal.purchases == 2
    assert state["capacity"]["extensions"] == 300


@pytest.mark.parametrize("status", ["succeed", "pending", "consigned"])
def test_a_second_buyers_order_blocks(portal: Portal, server: SandboxServer, status: str) -> None:
    portal.behaviour.landing = "manual"
    placed = portal.place_elsewhere(SERIAL, extensions=5, status=status, age_hours=1)
    with running_host(config(server.url)) as host:
        said = refusal(host.create, host.check({**declared(), "observed": reading()}))
    assert placed.order_no in said
    assert portal.purchases == 0


def test_a_new_resource_adopts_the_open_order_of_a_lost_state(portal: Portal, server: SandboxServer) -> None:
    portal.behaviour.landing = "manual"
    with running_host(config(server.url)) as host:
        inputs = host.check({**declared(), "observed": reading()})
        host.create(inputs)
    with running_host(config(server.url)) as host:
        state = host.create(inputs)
    assert portal.purchases == 1
    assert state["status"] == "ordered"
    assert [order["order_no"] for order in state["orders"]] == [portal.orders[0].order_no]


# --- unclear answers -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "kind",
    [
        "timeout_after",
        "cut_after",
        "truncated",
        "html",
        "gateway_after",
        "not_success",
        "garbage",
        "empty",
        "status_after=500",
        "status_after=429",
        "no_order_number",
        "unknown_status",
    ],
)
def test_an_order_whose_answer_was_lost_is_found_and_not_repeated(
    portal: Portal, server: SandboxServer, kind: str
) -> None:
    portal.faults.add(Fault("order.save", kind))
    with running_host(config(server.url, timeout="2")) as host:
        state = host.create(host.check({**declared(), "observed": reading()}))
    assert portal.purchases == 1
    assert portal.count("order.save") == 1
    assert [order["order_no"] for order in state["orders"]] == [portal.orders[0].order_no]
    assert state["status"] != "unconfirmed"
    assert "known" not in state["orders"][0]


@pytest.mark.parametrize("kind", ["cut_before", "status=503", "redirect", "html_before", "retry_after=1"])
def test_an_order_without_a_trace_is_unconfirmed_and_sent_once(
    portal: Portal, server: SandboxServer, kind: str
) -> None:
    portal.faults.add(Fault("order.save", kind, times=None))
    with running_host(config(server.url, timeout="1")) as host:
        state = host.create(host.check({**declared(), "observed": reading()}))
    assert portal.purchases == 0
    assert portal.count("order.save") == 1
    assert state["status"] == "unconfirmed"
    assert state["orders"][0]["status"] == "unconfirmed"
    assert state["orders"][0]["extensions"] == 200
    assert not OURS & state.keys()


@pytest.mark.parametrize("kind", ["status=400", "status=403", "status=422"])
def test_an_order_that_is_clearly_refused_is_an_error_and_may_be_tried_again(
    portal: Portal, server: SandboxServer, kind: str
) -> None:
    portal.faults.add(Fault("order.save", kind))
    with running_host(config(server.url)) as host:
        inputs = host.check({**declared(), "observed": reading()})
        said = refusal(host.create, inputs)
        assert "Nothing was bought" in said
        assert "requestId" in said
        assert portal.purchases == 0
        host.create(inputs)
    assert portal.purchases == 1


def test_while_an_attempt_is_unconfirmed_nothing_is_ordered_whatever_the_want(
    portal: Portal, server: SandboxServer
) -> None:
    portal.behaviour.listing = portal.behaviour.landing = "manual"
    portal.faults.add(Fault("order.save", "cut_after"))
    with running_host(config(server.url, timeout="1")) as host:
        inputs = host.check({**declared(250), "observed": reading()})
        state = host.create(inputs)
    assert state["status"] == "unconfirmed"
    assert portal.purchases == 1
    with running_host(config(server.url, timeout="1")) as host:
        for want in (251, 300, 1000):
            news = host.check({**declared(want), "observed": reading()}, inputs)
            assert "outcome is not known" in refusal(host.update, state, news)
        again = host.check({**declared(250, reorder="again"), "observed": reading()}, inputs)
        assert "outcome is not known" in refusal(host.update, state, again)
    assert portal.purchases == 1
    assert portal.count("order.save") == 1

    portal.reveal(portal.orders[0].order_no)
    with running_host(config(server.url)) as host:
        unchanged = host.check({**declared(250), "observed": reading()}, inputs)
        state = host.update(state, unchanged)
    assert state["status"] == "ordered"
    assert state["orders"][0]["order_no"] == portal.orders[0].order_no
    assert portal.purchases == 1
