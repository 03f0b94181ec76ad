"""The forms of a review: Markdown and HTML for people, JSON for machines."""

from __future__ import annotations

import json
from importlib import import_module
from typing import Literal

from ..errors import SettingsError
from .markdown import markdown
from .model import Review

Form = Literal["markdown", "html", "json"]
FORMS: tuple[Form, ...] = ("markdown", "html", "json")


def render(review: Review, form: Form) -> str:
    """The review in one form. Raises `SettingsError` where a package is missing that HTML needs.

    Any of them may be printed into the log of a CI job, where `##[` and `##vso[` would be commands.
    """
    match form:
        case "markdown":
            return markdown(review)
        case "html":
            return _html(review).replace("##", "#&#35;")
        case "json":
            return json.dumps(review.model_dump(mode="json"), indent=2).replace("##", "#\\u0023") + "\n"


def _html(review: Review) -> str:
    try:
        page = import_module(".page", __package__)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in ("jinja2", "markupsafe"):
            raise
        raise SettingsError("the page needs one more package: pip install 'pulumi_yspartner[review]'") from None
    return str(page.html(review))
