"""The doctor's report for people, readable from 80 columns on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .report import Answer, Name, Pbx, Report

_OK, _BAD, _DIM = "green", "bold red", "dim"
_SHORT = 40
"""Characters of a problem that fit into the table of answers; all are told in full at the end."""


def show(report: Report, console: Console) -> None:
    """Print the report."""
    console.print(Text.assemble(("yspartner doctor", "bold"), f"  {report.base_url}  {report.time}"))
    console.print(Text("It only reads: nothing was ordered or changed.", _DIM))
    for title, content in _sections(report):
        console.print()
        console.print(Text(title, "bold"))
        console.print(Padding(content, (0, 0, 0, 2)))
    console.print()
    _conclude(report, console)


def _sections(report: Report) -> Iterable[tuple[str, RenderableType]]:
    settings = [(each.key, each.value, each.origin) for each in report.settings]
    yield (
        "Settings (from the environment; a stack's own configuration is not read)",
        _table(("setting", "value", "from"), settings),
    )
    yield (
        "Answers",
        Group(
            _table(
                ("answer", "requests", "status", "slowest", ""),
                [_answer_row(each) for each in report.answers],
                numbers=(1, 2, 3),
            ),
            printable(f"token: {report.token}"),
            printable(f"price: {report.price}"),
        ),
    )
    if any(each.places is not None for each in report.names):
        names = [_name_row(each) for each in report.names]
        yield (
            "Half documented names, and where they were found",
            _table(("what", "in", "mark", "found at"), names, narrow=(2,)),
        )
    if report.pbxs_found is not None:
        looked_at = len(report.pbxs)
        title = f"PBXs: {report.pbxs_found} found"
        if looked_at < report.pbxs_found:
            title += f", {looked_at} looked at (--most N or --pbx SN looks at others)"
        yield (
            title,
            _table(
                ("PBX", "extensions", "calls", "from", "plan", "expansion services"),
                [_pbx_row(each) for each in report.pbxs],
                numbers=(1, 2),
            ),
        )
    if report.contacts:
        yield (
            "Billing contacts",
            _table(
                ("id", "name", ""),
                [(id, name, "used" if id == report.contact else "") for id, name in report.contacts.items()],
            ),
        )
    if report.orders is not None:
        yield f"Orders: {report.orders.total}", _orders(report)


def _answer_row(answer: Answer) -> tuple[Text | str, ...]:
    if answer.problem:
        said = printable(answer.problem if len(answer.problem) <= _SHORT else "see below", _BAD)
    else:
        said = Text("ok", _OK) if answer.requests else Text("not asked", _DIM)
    status = "" if answer.status is None else str(answer.status)
    slowest = "" if answer.slowest is None else f"{answer.slowest:.2f} s"
    return answer.name, str(answer.requests), status, slowest, said


def _name_row(name: Name) -> tuple[Text | str, ...]:
    if name.places is None:
        found = Text("no answer to look into", _DIM)
    elif name.places:
        found = Text("\n", _OK).join(printable(place, _OK) for place in name.places)
    else:
        found = Text(f"not found: {', '.join(name.sought)}", "yellow")
    return name.what, name.answer, name.mark, found


def _pbx_row(pbx: Pbx) -> tuple[Text | str, ...]:
    def count(name: str) -> Text | str:
        if name not in pbx.counts:
            return Text("?", _BAD)
        return f"{pbx.counts[name]} ({pbx.used[name]} used)" if name in pbx.used else str(pbx.counts[name])

    plan: Text | str = Text("?", _BAD)
    if pbx.plan is not None:
        plan = pbx.plans.get(pbx.plan, pbx.plan)
    services = ", ".join(name.replace("_", " ").replace("concurrent ", "") for name in pbx.services)
    return pbx.serial_number, count("extensions"), count("concurrent_calls"), pbx.counts_from, plan, services or "none"


def _orders(report: Report) -> RenderableType:
    orders = report.orders
    if orders is None or not orders.total:
        return Text("none")
    parts: list[RenderableType] = [
        _table(
            ("status", "orders", "meaning"),
            [(each.status, str(each.orders), each.meaning) for each in orders.statuses],
            numbers=(1,),
        ),
        printable(f"createTime: {orders.create_time}"),
        printable(f"poNumber comes back: {orders.po_number}"),
    ]
    return Group(*parts, *(printable(f"unsettled: {each}") for each in orders.unsettled))


def _conclude(report: Report, console: Console) -> None:
    for warning in report.warnings:
        console.print(_item("!", warning, "yellow"))
    if not report.would_stop:
        console.print(Text("Nothing was found that would stop a purchase.", _OK))
        return
    console.print(Text("What would stop a purchase:", _BAD))
    for number, problem in enumerate(report.would_stop, 1):
        console.print(_item(f"{number}.", problem, _BAD))


def _item(mark: str, text: str, style: str) -> Table:
    item = Table.grid(padding=(0, 1))
    item.add_row(Text(mark, style), printable(text))
    return item


def _table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Text | str]],
    *,
    numbers: Sequence[int] = (),
    narrow: Sequence[int] = (),
) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style=_DIM)
    for index, column in enumerate(columns):
        table.add_column(
            column,
            justify="right" if index in numbers else "left",
            overflow="fold",
            no_wrap=index in narrow or index in numbers or index == 0,
        )
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else printable(cell) for cell in row))
    return table


def printable(text: str, style: str = "") -> Text:
    """Text of others as it is, on one line: no markup, and nothing that moves the cursor."""
    return Text("".join(char if char.isprintable() else "?" for char in text), style)
