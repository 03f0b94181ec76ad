"""One preview of one stack, as `pulumi preview --json` wrote it, read into a review. Pure.

What would be bought stands in the inputs of the resources that change, and what is refused too. What the inputs don't
hold (prices, live counts, orders) is in the lines of the run, see `lines`; where a line is missing, it is unknown.
Nothing here trusts the file: it was written by a job that ran the code under review.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

from pydantic import ValidationError

from ..errors import SettingsError
from ..lines import (
    AboutOnePbx,
    Buy,
    Nothing,
    OnOrder,
    Problem,
    Refusals,
    Refused,
    Rest,
    Short,
    Total,
    Unpriced,
    Unreadable,
    about_one_pbx,
)
from ..model import COUNTS, UNCONFIRMED, CountName, Counts, OrderRecord, Purchase, Reading
from ..orders import is_open
from ..settings import NAMESPACE, Settings, load
from ..wording import amounts
from .files import PREVIEW, UnreadableError
from .model import Change, Order, Pbx, Setting, Stack, State, Totals
from .urn import PBX_CAPACITY, name_of, stack_of, type_of

_Line = TypeVar("_Line", Buy, Short, Nothing, Refused, Unreadable)

SECRET_SETTINGS = ("clientId", "clientSecret", "pbxs")
"""Never shown, also where somebody configured them as plain text."""

_CHANGES: dict[str, Change] = {
    "create": "create",
    "create-replacement": "create",
    "replace": "create",
    "update": "update",
    "same": "same",
    "delete": "delete",
    "delete-replaced": "delete",
}


def read_preview(content: Mapping[str, Any], file: str) -> Stack:
    """The stack that a preview is about; `file` is the name of the file. Raises `UnreadableError`."""
    if not any(key in content for key in ("steps", "diagnostics", "changeSummary")):
        raise UnreadableError(f"{file} is not {PREVIEW}: it has neither steps nor diagnostics")
    try:
        return _read(content, file)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UnreadableError(f"{file} is not {PREVIEW} that this version understands ({where})") from None
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise UnreadableError(f"{file} is not {PREVIEW} that this version understands") from None


def _read(content: Mapping[str, Any], file: str) -> Stack:
    steps = [step for step in content.get("steps") or [] if type_of(step["urn"]) == PBX_CAPACITY]
    urns = [str(step["urn"]) for step in content.get("steps") or []]
    said = _Said.of(content.get("diagnostics") or [])
    config = {str(key): str(value) for key, value in (content.get("config") or {}).items()}
    settings = _settings(config)
    project, name = next((stack_of(urn) for urn in urns if type_of(urn)), ("", file))
    pbxs = [pbx for step in steps for pbx in _pbxs(step, said, settings)]
    pbxs += _without_a_step(pbxs, said, f"urn:pulumi:{name}::{project}::{PBX_CAPACITY}::")
    kept = {pbx.serial_number for pbx in pbxs if pbx.state != "removed"}
    pbxs = [pbx for pbx in pbxs if pbx.state != "removed" or pbx.serial_number not in kept]
    return Stack(
        name=name,
        project=project,
        file=file,
        errors=tuple(said.errors or _contradictions(urns, pbxs, said.total)),
        unreadable="; ".join(said.problems) or None,
        unpriced=said.unpriced,
        purchases=None if said.total is None else "deny" if said.total.purchases_are_off else "allow",
        settings=tuple(_shown(config)),
        pbxs=tuple(sorted(pbxs, key=lambda pbx: (pbx.name, pbx.urn, pbx.state == "removed"))),
        lists_unchanged=_lists_unchanged(content),
    )


def _lists_unchanged(content: Mapping[str, Any]) -> bool:
    """Whether resources that don't change have a step, too; without `--show-sames` only the stack has."""
    listed = sum(1 for step in content.get("steps") or [] if step["op"] == "same")
    return listed >= int((content.get("changeSummary") or {}).get("same") or 0)


def _contradictions(urns: Sequence[str], pbxs: Sequence[Pbx], total: Total | None) -> Iterator[str]:
    """Where what is shown of each PBX is not what the preview says in all: then something is missing."""
    shown = Totals.of(pbxs)
    if not any(map(type_of, urns)):
        yield "it shows no resource at all, not even the stack, so the program did not run"
    elif total is None and shown.pbxs:
        yield "it did not come to its end: it does not say what would be bought in all"
    elif total is not None and (total.buyers, dict(total.quantities)) != (shown.pbxs, shown.quantities):
        said = amounts(total.quantities)
        yield f"it says that it would buy {said} on {total.buyers} PBXs, and shows {shown.words}"


# --- what was said -------------------------------------------------------------------------------------------------


@dataclass
class _Said:
    """The diagnostics of a preview: our own lines, and what went wrong."""

    lines: dict[tuple[type[AboutOnePbx], str], AboutOnePbx] = field(default_factory=dict)
    """By their kind, and the serial number that they end with."""
    urns: dict[str, str] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    """Of lines without a resource."""
    problems: list[str] = field(default_factory=list)
    """Why nothing at all could be read."""
    unpriced: str | None = None
    total: Total | None = None
    errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, diagnostics: Sequence[Mapping[str, Any]]) -> _Said:
        said = cls()
        for diagnostic in diagnostics:
            severity = str(diagnostic.get("severity") or "")
            text = str(diagnostic.get("message") or "").strip().removeprefix(f"{severity}: ")
            urn = str(diagnostic.get("urn") or "")
            if type_of(urn) == PBX_CAPACITY:
                if serial := said.note_line(text):
                    said.urns[serial] = urn
            else:
                said.note_of_stack(text)
            if severity == "error" and not any(kind.parse(text) for kind in _ERRORS):
                said.errors.append(_in_one_line(text))
        return said

    def line(self, kind: type[_Line], serial: str) -> _Line | None:
        """The line of this kind about a PBX."""
        return cast("_Line | None", self.lines.get((kind, serial)))

    def serials(self, *kinds: type[AboutOnePbx]) -> list[str]:
        """The PBXs of which such lines were said."""
        return [serial for kind, serial in self.lines if kind in kinds]

    def note_line(self, text: str) -> str:
        """Keep a line about a PBX; its serial number, or nothing for any other text."""
        line = about_one_pbx(text)
        if line is None:
            return ""
        self.lines[type(line), line.serial_number] = line
        return line.serial_number

    def note_of_stack(self, text: str) -> None:
        """Keep what was said about the whole run."""
        if total := Total.parse(text):
            self.total = total
        elif rest := Rest.parse(text):
            for name, line in rest.lines:
                self.names[self.note_line(line)] = name
        elif problem := Problem.parse(text):
            self.problems.append(problem.why)
        elif unpriced := Unpriced.parse(text):
            self.unpriced = unpriced.why


_ERRORS = (Refused, Problem, Refusals)
"""The lines that a run says as errors. Any other error is one, however much its text is like a line."""


def _in_one_line(text: str) -> str:
    """An error in one line: of a traceback, how it begins and what it ends with."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if any(line.startswith("Traceback ") for line in lines):
        lines = [lines[0], lines[-1]]
    return " ".join(lines)


# --- one resource --------------------------------------------------------------------------------------------------


def _pbxs(step: Mapping[str, Any], said: _Said, settings: Settings) -> Iterator[Pbx]:
    """The PBX of a step; where it replaces another, that one too."""
    op = str(step["op"])
    if op not in _CHANGES:
        return
    urn = str(step["urn"])
    new = (step.get("newState") or {}).get("inputs") or {}
    old = step.get("oldState") or {}
    if _CHANGES[op] != "delete":
        known = old if _serial(old.get("inputs") or {}) == _serial(new) else {}
        yield _declared(urn, _CHANGES[op], new, known.get("outputs") or {}, said, settings)
    if _CHANGES[op] == "delete" or op == "replace":
        yield _removed(urn, old.get("inputs") or {}, old.get("outputs") or {}, settings)


def _without_a_step(pbxs: Sequence[Pbx], said: _Said, urn_prefix: str) -> Iterator[Pbx]:
    """PBXs that don't change, and so have no step unless all are asked for, but of which something was said."""
    known = {pbx.serial_number for pbx in pbxs}
    for serial in dict.fromkeys(said.serials(Short, Refused, Unreadable)):
        if serial not in known:
            urn = said.urns.get(serial) or f"{urn_prefix}{said.names.get(serial, serial)}"
            short = said.line(Short, serial)
            inputs: dict[str, Any] = {"serial_number": serial}
            inputs.update(short.want.items() if short else ())
            yield _declared(urn, "same", inputs, {}, said, Settings())


def _declared(
    urn: str, change: Change, inputs: Mapping[str, Any], outputs: Mapping[str, Any], said: _Said, settings: Settings
) -> Pbx:
    """A PBX that the program declares; `outputs` are what the stack's state says of it."""
    serial = _serial(inputs)
    remembered = _counts(outputs.get("capacity"))
    records = _open_records(outputs, remembered, settings)
    buy, short, nothing = said.line(Buy, serial), said.line(Short, serial), said.line(Nothing, serial)
    refusal, unread = said.line(Refused, serial), said.line(Unreadable, serial)
    used = next((line.used for line in (buy, short, nothing) if line is not None), {})

    def pbx(state: State, has: Counts, **rest: Any) -> Pbx:
        return Pbx(
            urn=urn,
            name=name_of(urn),
            serial_number=serial,
            state=state,
            change=change,
            declared=_counts(inputs),
            has=dict(has),
            used=dict(used),
            **{"on_order": records, **rest},
        )

    if "refused" in inputs or refusal is not None:
        why = str(inputs.get("refused") or (refusal.why if refusal else ""))
        waiting = tuple(map(_order, OnOrder.all_in(why))) if _NOT_SETTLED in why else ()
        return pbx("refused", remembered, reason=why, on_order=waiting or records)
    if inputs.get("purchase"):
        purchase = Purchase.model_validate(inputs["purchase"])
        observed = Reading.model_validate(inputs.get("observed") or {}).counts
        return pbx(
            "buys",
            observed,
            has_is_live=True,
            on_order=(),
            to_buy=purchase.quantities,
            price=buy.price if buy is not None and buy.summary == purchase.summary else None,
        )
    has, live = remembered, False
    if short is not None:
        has = {**remembered, **short.have}
        live = set(has) <= set(short.have)
        unconfirmed = tuple(order for order in records if order.status == UNCONFIRMED)
        records = (*map(_order, short.on_order), *unconfirmed)
    elif nothing is not None:
        has, live = dict(nothing.have), True
    if any(order.status == UNCONFIRMED for order in records):
        return pbx("unconfirmed", has, has_is_live=live, on_order=records, reason=_UNCONFIRMED)
    if short is not None:
        why = "an order is not settled" if short.on_order else short.why
        return pbx("short", has, has_is_live=live, on_order=records, reason=why)
    if unread is not None or said.problems:
        return pbx("unreadable", has, reason=unread.why if unread else "; ".join(said.problems))
    return pbx("satisfied", has, has_is_live=live)


_NOT_SETTLED = "for this PBX is not settled"
_UNCONFIRMED = "an order was sent and its outcome is not known; the next pulumi up looks for it, and buys nothing"


def _removed(urn: str, inputs: Mapping[str, Any], outputs: Mapping[str, Any], settings: Settings) -> Pbx:
    remembered = _counts(outputs.get("capacity"))
    return Pbx(
        urn=urn,
        name=name_of(urn),
        serial_number=_serial(inputs),
        state="removed",
        change="delete",
        declared=_counts(inputs),
        has=remembered,
        on_order=_open_records(outputs, remembered, settings),
        reason="it keeps its capacity and stays billed",
    )


def _serial(inputs: Mapping[str, Any]) -> str:
    return str(inputs.get("serial_number") or "")


def _counts(values: Any) -> dict[CountName, int]:
    """The counts among inputs or outputs; what is no whole number, or not known yet, is absent."""
    found = values if isinstance(values, Mapping) else {}
    return {name: found[name] for name in COUNTS if type(found.get(name)) is int and found[name] >= 0}


def _open_records(outputs: Mapping[str, Any], has: Counts, settings: Settings) -> tuple[Order, ...]:
    """The orders in the stack's state that may still change the counts."""
    records = [OrderRecord.model_validate(record) for record in outputs.get("orders") or []]
    return tuple(
        Order(
            number=record.order_no,
            status=record.status,
            quantities=record.quantities,
            age=f"sent {record.time}" if record.time else "of unknown age",
        )
        for record in records
        if is_open(record, has, settings)
    )


def _order(order: OnOrder) -> Order:
    return Order(number=order.number, status=order.status, quantities=dict(order.quantities), age=order.age)


# --- settings ------------------------------------------------------------------------------------------------------


def _settings(config: Mapping[str, str]) -> Settings:
    """The configuration of the stack, as far as it can be understood; for telling dead orders from open ones."""
    try:
        return load({setting.key: setting.value for setting in _shown(config)}, {})
    except SettingsError:
        return Settings()


def _shown(config: Mapping[str, str]) -> Iterator[Setting]:
    for key in sorted(config):
        name = key.removeprefix(f"{NAMESPACE}:")
        if name != key and name not in SECRET_SETTINGS and config[key] != "[secret]":
            yield Setting(key=name, value=config[key])
