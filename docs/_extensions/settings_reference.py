"""The settings as Markdown, from their model: keys, variables, types, defaults, and the texts below the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sphinx.pycode import ModuleAnalyzer

from pulumi_yspartner import settings
from pulumi_yspartner.settings import NAMESPACE, Settings, variable

Schema = dict[str, Any]

SCHEMA: Schema = Settings.model_json_schema()


def rows() -> list[str]:
    """The rows of the README's table: key, variable, default, meaning."""
    meanings = _meanings(Settings.__name__)
    return [
        f"| `{key}` | `{variable(key)}` | {_default(schema)} | {meanings[key]} |"
        for key, schema in SCHEMA["properties"].items()
    ]


def sections() -> str:
    """A section for each setting."""
    meanings = _meanings(Settings.__name__)
    lines: list[str] = []
    for key, schema in SCHEMA["properties"].items():
        lines += [
            f"## `{key}`",
            "",
            meanings[key],
            "",
            f"- Set by `pulumi config set {'--secret ' if _is_secret(schema) else ''}{NAMESPACE}:{key} ...`"
            f" or `{variable(key)}`",
            f"- Type: {_type(schema)}",
            f"- Default: {_default(schema)}",
            "",
            *_fields(schema),
        ]
    return "\n".join(lines)


def _meanings(model: str) -> dict[str, str]:
    """The text below each field of a model, by the field's key."""
    texts = ModuleAnalyzer.for_module(settings.__name__).find_attr_docs()
    fields = getattr(settings, model).model_fields
    return {field.alias: " ".join(texts[model, name]).strip() for name, field in fields.items()}


def _fields(schema: Schema) -> Iterator[str]:
    """The fields of a setting that is an object, or that holds objects."""
    schema = _resolved(schema)
    model = _resolved(schema.get("additionalProperties") or schema)
    if "properties" not in model:
        return
    meanings = _meanings(model["title"])
    yield from ("| field | type | meaning |", "| --- | --- | --- |")
    for key, field in model["properties"].items():
        yield f"| `{key}` | {_type(field)} | {meanings[key]} |"
    yield ""


def _resolved(schema: Schema) -> Schema:
    """A schema itself: behind its reference, and without the possibility of being absent."""
    if isinstance(schema, dict) and "anyOf" in schema:
        present = [each for each in schema["anyOf"] if each.get("type") != "null"]
        return _resolved(present[0])
    if isinstance(schema, dict) and "$ref" in schema:
        return SCHEMA["$defs"][schema["$ref"].rpartition("/")[2]]
    return schema


def _is_secret(schema: Schema) -> bool:
    """Whether a setting, or a field of what it holds, is a secret."""
    schema = _resolved(schema)
    return "password" in json.dumps([schema, _resolved(schema.get("additionalProperties") or {})])


def _type(schema: Schema) -> str:
    schema = _resolved(schema)
    if "enum" in schema:
        return " or ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("title") == "Money":
        return 'text such as `"1250.00 USD"`'
    if schema["type"] == "array":
        return "JSON list of texts"
    if schema["type"] == "object":
        return "JSON object by serial number" if isinstance(schema["additionalProperties"], dict) else "JSON object"
    words = {"string": "text", "integer": "whole number", "number": "number"}[schema["type"]]
    if schema.get("format") == "password":
        words += ", secret"
    bounds = {"minimum": "from {}", "exclusiveMinimum": "above {}", "maximum": "to {}"}
    limits = [text.format(f"{schema[name]:g}") for name, text in bounds.items() if name in schema]
    return ", ".join([words, " ".join(limits)]) if limits else words


def _default(schema: Schema) -> str:
    default = schema.get("default")
    if default is None or default == {} or (isinstance(default, dict) and set(default.values()) == {None}):
        return "none"
    return f"`{default}`" if isinstance(default, str) else f"`{json.dumps(default)}`"
