"""The browser of the tests reaches this machine only."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

import pytest
from browser_fixtures import is_stranger

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<title>Hello</title>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def loopback() -> Iterator[int]:
    """The port of a server on this machine."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Hello) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_it_reaches_this_machine(new_page: Callable[..., Page], loopback: int) -> None:
    page = new_page()
    page.goto(f"http://127.0.0.1:{loopback}/")
    assert page.title() == "Hello"
    page.goto(f"http://localhost:{loopback}/")
    assert page.title() == "Hello"


@pytest.mark.parametrize("host", ["example.com", "192.0.2.1", "127.0.0.1.example.com"])
def test_it_reaches_nothing_else(browser: Browser, loopback: int, host: str) -> None:
    from playwright.sync_api import Error

    page = browser.new_page()
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(f"http://{host}:{loopback}/")
    page.close()


@pytest.mark.parametrize(
    ("url", "stranger"),
    [
        ("file:///tmp/page.html", False),
        ("http://127.0.0.1:80/x", False),
        ("http://[::1]/", False),
        ("data:text/html,x", False),
        ("https://example.com/font.woff2", True),
        ("http://localhost.example.com/", True),
        ("ws://10.0.0.1/", True),
    ],
)
def test_what_counts_as_a_stranger(url: str, stranger: bool) -> None:
    assert is_stranger(url) == stranger
