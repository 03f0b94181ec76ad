"""Runs Python programs for the Pulumi engine, in place of the official `pulumi-language-python`.

As the official one does, it answers the engine's gRPC calls and runs the program in a process of its own,
through the official script `pulumi-language-python-exec` that stands beside this file. So the program has its
own interpreter and main thread, and its errors read as they always do.
"""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path
from types import FrameType
from typing import Any

import grpc
from google.protobuf import empty_pb2  # type: ignore[import-untyped]
from pulumi.automation._server import LanguageServer
from pulumi.runtime.proto import language_pb2, language_pb2_grpc

HERE = Path(__file__).parent

# The script's exit codes when it has shown the error (1: a RunError, 32: any other). More words would only
# repeat that there was one. The price: a program's own `sys.exit(1)` ends the run without a reason given.
ERROR_WAS_SHOWN = (1, 32)


class LanguageHost(LanguageServer):
    """The SDK's server for inline programs, with programs that are files."""

    def __init__(self, engine_address: str) -> None:
        super().__init__(lambda: None)
        self._engine_address = engine_address
        self._program: subprocess.Popen[bytes] | None = None

    def Handshake(self, _request: Any, _context: Any) -> Any:
        return language_pb2.LanguageHandshakeResponse()

    def Cancel(self, _request: Any, _context: Any) -> Any:
        return empty_pb2.Empty()

    def GetProgramDependencies(self, _request: Any, _context: Any) -> Any:
        return language_pb2.GetProgramDependenciesResponse()

    def InstallDependencies(self, _request: Any, _context: Any) -> Iterator[Any]:
        text = b"This language host installs nothing: install the project's requirements yourself.\n"
        yield language_pb2.InstallDependenciesResponse(stdout=text)

    def Run(self, request: Any, _context: Any) -> Any:
        python = self._python_for(request.info)
        if python is None:
            return language_pb2.RunResponse(bail=True)
        arguments = {
            "monitor": request.monitor_address,
            "engine": self._engine_address,
            "project": request.project,
            "root_directory": request.info.root_directory,
            "stack": request.stack,
            "pwd": request.pwd,
            "dry_run": "true" if request.dryRun else "false",
            "parallel": str(request.parallel),
            "organization": request.organization,
        }
        options = [f"--{name}={value}" for name, value in arguments.items() if value]
        script = HERE / "pulumi-language-python-exec"
        self._program = subprocess.Popen(
            [python, "-u", script, *options, request.info.entry_point, *request.args],
            stdin=subprocess.DEVNULL,
            env={
                **os.environ,
                "PULUMI_CONFIG": json.dumps(dict(request.config)),
                "PULUMI_CONFIG_SECRET_KEYS": json.dumps(list(request.configSecretKeys)),
            },
        )
        code = self._program.wait()
        if code == 0:
            return language_pb2.RunResponse()
        if code in ERROR_WAS_SHOWN:
            return language_pb2.RunResponse(bail=True)
        return language_pb2.RunResponse(error=f"program exited with non-zero exit code: {code}")

    def _python_for(self, info: Any) -> str | None:
        """The interpreter that `pulumi-python` finds for these runtime options; None: it said why not."""
        environment = {f"PULUMI_RUNTIME_{name.upper()}": str(value) for name, value in info.options.items()}
        found = subprocess.run(
            [HERE / "pulumi-python"],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
            cwd=info.root_directory,
            env={**os.environ, **environment},
        )
        return found.stdout.strip() if found.returncode == 0 else None

    def stop_program(self) -> None:
        if self._program is not None and self._program.poll() is None:
            self._program.kill()


def main() -> None:
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    # The engine ends its plugins with SIGINT, after a run that went well too: so that is no error here.
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    # Flags may come first; the engine's address is always last.
    host = LanguageHost(engine_address=sys.argv[-1])
    unlimited = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=unlimited)
    language_pb2_grpc.add_LanguageRuntimeServicer_to_server(host, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    print(port, flush=True)

    stopping.wait()
    host.stop_program()
    os._exit(0)  # the thread that waits for the program must not delay the end


if __name__ == "__main__":
    main()
