"""The provider process itself: how it ends."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from protocol_host import SERIAL, Host, reading

from pulumi_yspartner.sandbox import Fault, Portal

DECLARED = {"serial_number": SERIAL, "extensions": 250}


@pytest.mark.parametrize("after", ["nothing", "check", "create"])
def test_interrupt_while_idle_ends_the_process_quietly(host: Host, portal: Portal, after: str) -> None:
    if after != "nothing":
        inputs = host.check({**DECLARED, "observed": reading()})
        if after == "create":
            host.create(inputs)
    host.interrupt()
    # Far less than 2 s on an idle machine; a thread that keeps the process alive would do so for ever.
    assert host.process.wait(timeout=20) == 0
    assert host.output == []


def test_interrupt_while_a_portal_does_not_answer_orders_nothing(host: Host, portal: Portal) -> None:
    held = portal.faults.add(Fault("product.detail", "hold_before", times=None))
    inputs = host.check({**DECLARED, "observed": reading()})
    with ThreadPoolExecutor(1) as pool:
        call = pool.submit(host.create, inputs)
        assert held.reached.wait(10)
        host.interrupt()
        with pytest.raises(grpc.RpcError):
            call.result(timeout=20)
        held.release()
    host.process.wait(timeout=20)
    assert portal.purchases == 0
    assert "Traceback" not in "".join(host.output)


def test_no_secret_is_printed(host: Host, portal: Portal) -> None:
    portal.faults.add(Fault("order.save", "cut_after"))
    state = host.create(host.check({**DECLARED, "observed": reading()}))
    host.delete(state)
    said = host.said("billed")
    assert "sandbox-secret" not in said
    assert not any(token in said for token in portal._access)
    assert "Traceback" not in said
