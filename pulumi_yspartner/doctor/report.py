"""What the doctor saw, as plain data: the same for the table and for `--json`."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class Setting:
    """A setting as it is in force; a secret as asterisks."""

    key: str
    value: str
    origin: str


@dataclass
class Answer:
    """How one endpoint answered."""

    name: str
    requests: int
    status: int | None
    slowest: float | None
    """Seconds."""
    problem: str | None = None


@dataclass
class Name:
    """Where a half documented name was found."""

    what: str
    answer: str
    mark: str
    sought: list[str]
    places: list[str] | None
    """JSON paths; None where there was no answer to look into."""


@dataclass
class Pbx:
    """One PBX of the account."""

    serial_number: str
    counts_from: str
    counts: dict[str, int] = field(default_factory=dict)
    used: dict[str, int] = field(default_factory=dict)
    plan: str | None = None
    plans: dict[str, str] = field(default_factory=dict)
    services: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


@dataclass
class Status:
    """Orders of one status."""

    status: str
    orders: int
    meaning: str


@dataclass
class Orders:
    """What the order list shows."""

    total: int = 0
    statuses: list[Status] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    po_number: str = "no order to look at"
    create_time: str = "no order to look at"


@dataclass
class Report:
    """Everything that was seen. `would_stop` is what decides: empty when a purchase could be made."""

    base_url: str
    time: str
    settings: list[Setting] = field(default_factory=list)
    token: str = "not read"  # noqa: S105 - its life in words
    answers: list[Answer] = field(default_factory=list)
    names: list[Name] = field(default_factory=list)
    pbxs_found: int | None = None
    pbxs: list[Pbx] = field(default_factory=list)
    contacts: dict[str, str] = field(default_factory=dict)
    contact: str | None = None
    price: str = "not asked"
    """What one PBX's expansion would cost, in words."""
    orders: Orders | None = None
    warnings: list[str] = field(default_factory=list)
    would_stop: list[str] = field(default_factory=list)
