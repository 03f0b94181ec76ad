"""Reads and checks a file such as fleet.yaml, and says everything that is wrong with it at once."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator


class Pbx(BaseModel):
    """One entry of the file. Types are strict: "250" is no number, and 3651 is no serial number."""

    model_config = ConfigDict(strict=True, extra="forbid", str_strip_whitespace=True)

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    serial_number: str = Field(min_length=1)
    extensions: int | None = Field(None, ge=1)
    concurrent_calls: int | None = Field(None, ge=1)
    billing_contact_id: str | None = None
    plan_id: str | None = None
    po_number: str | None = None
    reorder: str | None = None

    @model_validator(mode="after")
    def has_a_count(self) -> "Pbx":
        if self.extensions is None and self.concurrent_calls is None:
            raise ValueError("extensions or concurrent_calls must be given")
        return self

    def declared(self) -> dict[str, Any]:
        """The arguments of its `PbxCapacity`, besides the name."""
        return self.model_dump(exclude={"name"}, exclude_none=True)


class FleetFileError(Exception):
    """The file can't be used. The message has one line per problem."""


def load(path: Path) -> list[Pbx]:
    """The PBXs of a file; raises `FleetFileError`."""
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError, yaml.YAMLError) as error:
        raise FleetFileError(f"{path}: can't be read: {' '.join(str(error).split())}") from None
    if not isinstance(entries, list) or not entries:
        raise FleetFileError(f"{path}: must be a list of PBXs, each starting with `- name:`")

    fleet: list[Pbx] = []
    problems: list[str] = []
    named: list[tuple[str, dict[str, Any]]] = []  # each entry, with how messages call it: pbx 3 ("branch-north")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            problems.append(f"pbx {number}: must hold `name: ...`, `serial_number: ...` and so on, not {entry!r}")
            continue
        place = f'pbx {number} ("{entry["name"]}")' if entry.get("name") else f"pbx {number}"
        named.append((place, entry))
        try:
            fleet.append(Pbx.model_validate(entry))
        except ValidationError as error:
            problems += [f"{place}: {problem}" for problem in _in_words(error)]
    problems += _repeated("name", named) + _repeated("serial_number", named)
    if problems:
        raise FleetFileError("\n".join(f"{path}: {problem}" for problem in problems))
    return fleet


def _in_words(error: ValidationError) -> list[str]:
    """Such as `extensions: Input should be a valid integer, not '250'`."""
    words = []
    for each in error.errors():
        field = ".".join(str(part) for part in each["loc"])
        reason = each["msg"].removeprefix("Value error, ")
        if each["type"] == "extra_forbidden":
            reason = f"is not known; there are {', '.join(Pbx.model_fields)}"
        elif field and each["type"] != "missing":
            reason += f", not {each['input']!r}"
        words.append(f"{field}: {reason}" if field else reason)
    return words


def _repeated(field: str, named: Iterable[tuple[str, dict[str, Any]]]) -> list[str]:
    """A problem for each value that stands in two entries, also in another case."""
    problems: list[str] = []
    first: dict[str, str] = {}
    for place, entry in named:
        value = str(entry.get(field) or "").strip().upper()
        if value and first.setdefault(value, place) != place:
            problems.append(f"{place}: {field} {value} is already that of {first[value]}")
    return problems
