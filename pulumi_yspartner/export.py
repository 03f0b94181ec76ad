"""The fleet as it is, as a YAML file of the form of `examples/fleet/fleet.yaml`: declared, it buys nothing."""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from .model import COUNTS, MAX_COUNT, Counts
from .partner import Account, answers, connect
from .settings import Settings
from .sources import CountsRead, capacity_source


@dataclass(frozen=True)
class Exported:
    """One PBX of the file."""

    name: str
    serial_number: str
    label: str
    counts: Counts
    problem: str | None = None
    """Why it could not be declared, in words."""


@dataclass(frozen=True)
class Fleet:
    """What was read."""

    pbxs: list[Exported] = field(default_factory=list)
    source: str = "portal"

    @property
    def problems(self) -> list[str]:
        """Of the PBXs that could not be declared."""
        return [pbx.problem for pbx in self.pbxs if pbx.problem]


async def read_fleet(settings: Settings, serial_numbers: Collection[str] = ()) -> Fleet:
    """The PBXs of the account, or those named. Raises `YsPartnerError` where nothing can be read."""
    async with connect(settings) as client:
        account = Account(client, settings)
        source = capacity_source(account, settings)
        listed = (await account.products()).by_serial_number
        chosen = list(dict.fromkeys(serial_numbers)) or sorted(listed)
        read = await source.read(chosen)
    labels = {serial: answers.label(listed[serial]) if serial in listed else "" for serial in chosen}
    names = resource_names(labels)
    pbxs = [_exported(serial, names[serial], labels[serial], read[serial]) for serial in chosen]
    return Fleet(pbxs, settings.capacity_source)


def _exported(serial_number: str, name: str, label: str, read: CountsRead) -> Exported:
    problem = read.unreadable
    # A count of 0 can't be declared, and need not be: a floor is at least 1.
    counts = {count: number for count, number in read.counts.items() if 0 < number <= MAX_COUNT}
    if problem is None and not counts:
        problem = "it has no extensions and no concurrent calls, so there is nothing to declare"
    if problem is not None and serial_number not in problem:
        problem = f"{serial_number}: {problem}"
    return Exported(name, serial_number, label, counts, problem)


def resource_names(labels: dict[str, str]) -> dict[str, str]:
    """A resource name for each serial number: its label's words, else the serial number. No two are the same."""
    slugs = {serial: _slug(label) or f"pbx-{_slug(serial)}" for serial, label in labels.items()}
    shared = {slug for slug, number in Counter(slugs.values()).items() if number > 1}
    names: dict[str, str] = {}
    for serial, slug in slugs.items():
        wished = f"{slug}-{_slug(serial)}" if slug in shared else slug
        name, number = wished, 1
        while name in names.values():
            number += 1
            name = f"{wished}-{number}"
        names[serial] = name
    return names


def as_yaml(fleet: Fleet, day: str) -> str:
    """The file. `day` stands in its first comment."""
    lines = [
        f"# The fleet as it was on {day}: {_pbxs(len(fleet.pbxs))}, counts from {_SOURCES[fleet.source]}.",
        "# Counts are totals that each PBX must at least have, not numbers to add. Declared like this, nothing is",
        "# bought; raise a count, and the next preview says what that would buy. Texts stand in quotes.",
    ]
    for pbx in fleet.pbxs:
        lines.append("")
        if pbx.problem:
            lines += [f"# {answers.one_line(pbx.problem)}", *_entry(pbx, "# ")]
            continue
        if pbx.label:
            lines.append(f"# {answers.one_line(pbx.label)}")
        lines += _entry(pbx, "")
    return "\n".join([*lines, ""])


def _entry(pbx: Exported, mark: str) -> Iterable[str]:
    other_than_text = pbx.name[:1].isdigit() or pbx.name in _NO_TEXT
    yield f"{mark}- name: {json.dumps(pbx.name) if other_than_text else pbx.name}"
    yield f"{mark}  serial_number: {json.dumps(pbx.serial_number)}"
    for name in COUNTS:
        if name in pbx.counts:
            yield f"{mark}  {name}: {pbx.counts[name]}"


_NO_TEXT = ("false", "n", "no", "null", "off", "on", "true", "y", "yes")
"""Words that YAML takes for something else; also what begins with a digit may be a number or a date to it."""

_SOURCES = {
    "portal": "the portal",
    "pbx": "the PBXs themselves",
    "mixed": "the PBXs themselves where yspartner:pbxs names them, else the portal",
}


def _slug(text: str) -> str:
    """Letters and digits, in words: `Büro Nord (2)` is `buero-nord-2`."""
    plain = text.casefold().translate(_TRANSCRIBED)
    plain = unicodedata.normalize("NFKD", plain).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:48].strip("-")


_TRANSCRIBED = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "æ": "ae"})


def _pbxs(number: int) -> str:
    return f"{number} PBX" if number == 1 else f"{number} PBXs"
