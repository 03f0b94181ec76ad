"""Drives `python -m pulumi.dynamic` as the engine does: a subprocess, spoken to over gRPC."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import json_format, struct_pb2
from pulumi.dynamic.dynamic import serialize_provider
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc
from pulumi.runtime.rpc import UNKNOWN

from pulumi_yspartner.provider import PbxCapacityProvider
from pulumi_yspartner.sandbox import Portal

__all__ = ["NONE", "SERIAL", "SOME", "UNDECIDED", "UNKNOWN", "Host", "config", "reading", "running_host"]

SERIAL = "3651D3296882"
CONTACT = "3197218168379846218"
PLAN = "3049040650094403584"
SECRET = "sandbox-secret"
URN = "urn:pulumi:dev::fleet::pulumi-python:dynamic/yspartner:PbxCapacity::hq"
PROVIDER = serialize_provider(PbxCapacityProvider())

NONE = provider_pb2.DiffResponse.DIFF_NONE
SOME = provider_pb2.DiffResponse.DIFF_SOME
UNDECIDED = provider_pb2.DiffResponse.DIFF_UNKNOWN

Props = dict[str, Any]


def config(base_url: str, **changes: str) -> dict[str, str]:
    """The stack's configuration, for a sandbox; purchases allowed."""
    keys = {
        "clientId": "sandbox",
        "clientSecret": SECRET,
        "baseUrl": base_url,
        "purchases": "allow",
        "timeout": "4",
    }
    return {f"yspartner:{key}": value for key, value in (keys | changes).items()}


def reading(extensions: int = 50, concurrent_calls: int = 12, **rest: Any) -> Props:
    """What the program would have observed."""
    return {
        "extensions": extensions,
        "concurrent_calls": concurrent_calls,
        "billing_contact_id": CONTACT,
        "plan_id": PLAN,
        **rest,
    }


def struct(props: Mapping[str, Any]) -> struct_pb2.Struct:
    message = struct_pb2.Struct()
    json_format.ParseDict({**props, "__provider": PROVIDER}, message)
    return message


def plain(message: struct_pb2.Struct) -> Props:
    """As it went over the wire: every number a float."""
    props = json.loads(json.dumps(_value(message)))
    props.pop("__provider", None)
    return props


def _value(value: Any) -> Any:
    if isinstance(value, struct_pb2.Struct):
        return {key: _value(each) for key, each in value.fields.items()}
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _value(value.struct_value)
    if kind == "list_value":
        return [_value(each) for each in value.list_value.values]
    return None if kind == "null_value" else getattr(value, kind)


@dataclass
class Host:
    """One provider process, and the engine that it believes in."""

    process: subprocess.Popen[bytes]
    engine: socket.socket
    stub: provider_pb2_grpc.ResourceProviderStub
    output: list[str] = field(default_factory=list)

    def check_whole(self, news: Props, olds: Props | None = None) -> tuple[Props, list[tuple[str, str]]]:
        request = provider_pb2.CheckRequest(urn=URN, olds=struct(olds) if olds else None, news=struct(news))
        answer = self.stub.Check(request, timeout=20)
        return plain(answer.inputs), [(each.property, each.reason) for each in answer.failures]

    def check(self, news: Props, olds: Props | None = None) -> Props:
        inputs, failures = self.check_whole(news, olds)
        assert failures == []
        return inputs

    def diff(self, olds: Props, news: Props, id_: str = SERIAL) -> provider_pb2.DiffResponse:
        request = provider_pb2.DiffRequest(id=id_, urn=URN, olds=struct(olds), news=struct(news))
        return self.stub.Diff(request, timeout=20)

    def create_whole(self, inputs: Props) -> tuple[str, Props]:
        answer = self.stub.Create(provider_pb2.CreateRequest(urn=URN, properties=struct(inputs)), timeout=60)
        return answer.id, plain(answer.properties)

    def create(self, inputs: Props) -> Props:
        return self.create_whole(inputs)[1]

    def update(self, olds: Props, news: Props, id_: str = SERIAL) -> Props:
        request = provider_pb2.UpdateRequest(id=id_, urn=URN, olds=struct(olds), news=struct(news))
        return plain(self.stub.Update(request, timeout=60).properties)

    def read_whole(self, state: Props, id_: str = SERIAL) -> provider_pb2.ReadResponse:
        return self.stub.Read(provider_pb2.ReadRequest(id=id_, urn=URN, properties=struct(state)), timeout=60)

    def read(self, state: Props, id_: str = SERIAL) -> Props:
        return plain(self.read_whole(state, id_).properties)

    def delete(self, state: Props, id_: str = SERIAL) -> None:
        self.stub.Delete(provider_pb2.DeleteRequest(id=id_, urn=URN, properties=struct(state)), timeout=20)

    def said(self, needle: str) -> str:
        """What the process printed, once `needle` is in it."""
        deadline = time.monotonic() + 10
        while needle not in "".join(self.output):
            assert time.monotonic() < deadline, f"never printed {needle!r}: {self.output}"
            time.sleep(0.01)
        return "".join(self.output)

    def lose_engine(self) -> None:
        """As after a SIGKILL of the engine: nobody listens at its address any more."""
        self.engine.close()

    def interrupt(self) -> None:
        self.process.send_signal(signal.SIGINT)


@contextmanager
def running_host(settings: Mapping[str, str], **environment: str) -> Iterator[Host]:
    """A provider process, configured as by the engine."""
    engine = socket.create_server(("127.0.0.1", 0))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("YSPARTNER_", "PULUMI_"))}
    process = subprocess.Popen(
        [sys.executable, "-u", "-m", "pulumi.dynamic", f"127.0.0.1:{engine.getsockname()[1]}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**kept, **environment},
    )
    assert process.stdout is not None
    try:
        port = int(process.stdout.readline())
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            host = Host(process, engine, provider_pb2_grpc.ResourceProviderStub(channel))

            def listen(lines: Any = process.stdout) -> None:
                host.output.extend(line.decode() for line in lines)

            listener = threading.Thread(target=listen, daemon=True)
            listener.start()
            arguments = struct_pb2.Struct()
            arguments.update(settings)
            host.stub.Configure(provider_pb2.ConfigureRequest(args=arguments), timeout=20)
            yield host
    finally:
        process.kill()
        process.wait()
        engine.close()
        process.stdout.close()


def api_orders(portal: Portal) -> list[Any]:
    """The orders that came through the API."""
    return [order for order in portal.orders if order.via == "api"]
