"""The sandbox as an ASGI application."""

from __future__ import annotations

import re

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from . import dialect as shape
from .api import api_routes
from .control import control_routes
from .endpoint import new_request_id
from .page import page_routes
from .pbx_api import pbx_routes
from .portal import Portal


def create_app(portal: Portal) -> Starlette:
    """The Partner API of `portal`, the API of its PBXs, the page for people, and the control endpoints."""

    def no_such_page(_request: Request, error: Exception) -> Response:
        # Only HTTPException is registered; the signature is starlette's.
        status = error.status_code if isinstance(error, HTTPException) else 500
        code = re.sub(r"\W+", "_", str(getattr(error, "detail", "error"))).lower()
        http_status, envelope = shape.render_error(portal.dialect, status, code, code, None, new_request_id())
        return JSONResponse(envelope, http_status)

    return Starlette(
        routes=[*api_routes(portal), *pbx_routes(portal), *page_routes(portal), *control_routes(portal)],
        exception_handlers={HTTPException: no_such_page},
    )
