"""One large stack against several small ones, one after the other and at once, on an S3-compatible backend.

The backend is moto's server on this machine, so what is measured is the engine and its checkpoints, not a network.
Every PBX is new and gets a purchase; afterwards the portal must have had exactly one order for each.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import boto3
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from .__main__ import LATENCY, machine
from .page import insert, table
from .sandbox import Sandbox
from .stacks import HAVE, Stack, find_cli, serial_number

BUCKET = "fleets"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "moto", "AWS_SECRET_ACCESS_KEY": "moto", "AWS_REGION": "us-east-1"}


@dataclass
class Measured:
    """Some stacks of one size, run by so many runners."""

    stacks: int
    pbxs: int
    runners: int
    preview_seconds: float
    up_seconds: float
    most_requests_at_once: int


@contextmanager
def s3() -> Iterator[str]:
    """The address of an S3-compatible server with an empty bucket."""
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "moto.server", "-p", "0"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as server:
        try:
            assert server.stderr is not None
            address = next(line.split()[-1] for line in server.stderr if "Running on http" in line)
            client = boto3.client(
                "s3",
                endpoint_url=address,
                region_name="us-east-1",
                aws_access_key_id="moto",
                aws_secret_access_key="moto",
                config=Config(s3={"addressing_style": "path"}),
            )
            _create_bucket(client)
            with open(os.devnull, "w") as nowhere, ThreadPoolExecutor(1) as pool:
                # A pipe that nobody reads would stop the server.
                pool.submit(lambda: [nowhere.write(line) for line in server.stderr or ()])
                yield address
                server.terminate()
        finally:
            server.terminate()


def _create_bucket(client: object) -> None:
    for _ in range(50):
        try:
            client.create_bucket(Bucket=BUCKET)  # type: ignore[attr-defined]
        except EndpointConnectionError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit("moto's server did not start")


def measure(
    sandbox: Sandbox, address: str, cli: Path, folder: Path, stacks: int, pbxs: int, runners: int, first: int
) -> Measured:
    """Preview and update all stacks, so many at a time."""
    settings = {
        **CREDENTIALS,
        "PULUMI_BACKEND_URL": f"s3://{BUCKET}?endpoint={address}&s3ForcePathStyle=true&region=us-east-1",
        "YSPARTNER_BASE_URL": sandbox.url,
        "YSPARTNER_CLIENT_ID": sandbox.client_id,
        "YSPARTNER_CLIENT_SECRET": sandbox.client_secret,
        "YSPARTNER_PURCHASES": "allow",
    }
    sandbox.add_pbxs([serial_number(first + index) for index in range(stacks * pbxs)], *HAVE)
    made = [
        Stack.create(folder / f"fleet-{first}-{index}", cli, "ours", pbxs, settings, first + index * pbxs)
        for index in range(stacks)
    ]
    purchases = sandbox.purchases()
    sandbox.requests()
    seconds = {}
    with ThreadPoolExecutor(runners) as pool:
        for operation in ("buying preview", "buying up"):
            started = time.monotonic()
            list(pool.map(lambda stack: stack.measure(operation), made))  # noqa: B023 - done before the next
            seconds[operation] = round(time.monotonic() - started, 1)
    bought = sandbox.purchases() - purchases
    if bought != stacks * pbxs:
        raise SystemExit(f"{bought} purchases were made for {stacks * pbxs} PBXs")
    return Measured(stacks, pbxs, runners, seconds["buying preview"], seconds["buying up"], sandbox.most_at_once())


def main() -> int:
    """Run the comparison."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.several_stacks", description=__doc__)
    parser.add_argument("--pbxs", type=int, default=400, help="PBXs in all")
    parser.add_argument("--stacks", type=int, default=4, help="small stacks that they are split into")
    parser.add_argument("--docs", action="store_true", help="write the figures into docs/scale.md")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results for machines")
    options = parser.parse_args()

    small = options.pbxs // options.stacks
    shapes = [(1, options.pbxs, 1), (options.stacks, small, 1), (options.stacks, small, options.stacks)]
    results = []
    with (
        Sandbox(LATENCY) as sandbox,
        s3() as address,
        tempfile.TemporaryDirectory(prefix="yspartner-stacks-") as folder,
    ):
        cli = find_cli()
        for number, (stacks, pbxs, runners) in enumerate(shapes):
            results.append(measure(sandbox, address, cli, Path(folder), stacks, pbxs, runners, number * options.pbxs))
    print(f"\n{LATENCY * 1000:.0f} ms for each answer; {machine()}. Each PBX was bought for once.\n")
    print(f"{'stacks':>6} {'PBXs each':>10} {'at once':>8} {'preview':>10} {'up':>10} {'requests at once':>17}")
    for each in results:
        print(
            f"{each.stacks:>6} {each.pbxs:>10} {each.runners:>8} {each.preview_seconds:>8.1f} s "
            f"{each.up_seconds:>8.1f} s {each.most_requests_at_once:>17}"
        )
    if options.docs:
        head = ["stacks", "PBXs in each", "at once", "preview", "up", "requests at once"]
        rows = [
            [
                str(each.stacks),
                str(each.pbxs),
                str(each.runners),
                f"{each.preview_seconds:.0f} s",
                f"{each.up_seconds:.0f} s",
                str(each.most_requests_at_once),
            ]
            for each in results
        ]
        said = f"{options.pbxs} PBXs with a purchase each, on an S3-compatible backend on one machine ({machine()}):"
        insert("stacks", f"{said}\n\n{table(head, rows)}")
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in results], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
