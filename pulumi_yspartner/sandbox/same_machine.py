"""Who may look into a sandbox and drive it: programs and browsers on this machine, but no web page of another site.

A browser names the page's own site in `Origin` with every form and script that it sends elsewhere. `Host` is looked at
because a name of another site can be made to point to this machine.
"""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from starlette.requests import Request

from ..settings import is_loopback


def stranger(request: Request) -> str | None:
    """Why a request is not answered; None for one that comes from this machine and from no other site."""
    if request.client is None or not ipaddress.ip_address(request.client.host).is_loopback:
        return "loopback only"
    host = request.headers.get("host", "")
    if not is_loopback(_hostname(f"//{host}")):
        return "this address is not loopback: use http://127.0.0.1 with the port that the sandbox printed"
    origin = request.headers.get("origin")
    if origin is not None and origin != f"{request.url.scheme}://{host}":
        return "a page of another site may not do this"
    return None


def _hostname(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
