"""An S3-compatible store on loopback, as the shared backend of several runners."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlencode

import boto3
from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

BUCKET = "pulumi-state"
REGION = "us-east-1"


@dataclass
class S3:
    """A store with an empty bucket. It remembers the methods of the requests."""

    address: str = ""
    requests: list[str] = field(default_factory=list)

    keys: ClassVar = {"AWS_ACCESS_KEY_ID": "somebody-s-key", "AWS_SECRET_ACCESS_KEY": "not-for-any-log-s3"}

    @property
    def url(self) -> str:
        """The backend, as `pulumi login` takes it."""
        options = {"endpoint": self.address, "s3ForcePathStyle": "true", "region": REGION}
        return f"s3://{BUCKET}?{urlencode(options)}"

    @property
    def environment(self) -> dict[str, str]:
        """What makes `pulumi` use it."""
        return {"PULUMI_BACKEND_URL": self.url, **self.keys}

    @property
    def client(self) -> Any:
        keys = {name.lower(): value for name, value in self.keys.items()}
        return boto3.client("s3", endpoint_url=self.address, region_name=REGION, **keys)

    def fill(self, folder: Path) -> None:
        """Put the files of a folder there."""
        with closing(self.client) as client:
            for file in folder.rglob("*"):
                if file.is_file():
                    client.upload_file(str(file), BUCKET, str(file.relative_to(folder)))

    @property
    def writes(self) -> list[str]:
        """The methods of requests that change something."""
        return [method for method in self.requests if method not in ("GET", "HEAD")]


@contextmanager
def s3_store() -> Iterator[S3]:
    """Serve a store for the block."""
    store = S3()
    app = DomainDispatcherApplication(create_backend_app)

    def recorded(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        store.requests.append(environ["REQUEST_METHOD"])
        answer: Iterable[bytes] = app(environ, start_response)
        return answer

    server = make_server("127.0.0.1", 0, recorded, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    store.address = f"http://127.0.0.1:{server.server_port}"
    client = store.client
    client.create_bucket(Bucket=BUCKET)
    try:
        yield store
    finally:
        for each in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):  # moto keeps them for the process
            client.delete_object(Bucket=BUCKET, Key=each["Key"])
        client.delete_bucket(Bucket=BUCKET)
        client.close()
        server.shutdown()
        thread.join()
        server.server_close()
