"""What was agreed on, and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from pulumi_yspartner.settings import Settings

from .cases import ORDERS, Kind
from .measuring import Measured

MAX_CONNECTIONS = Settings().max_connections
HOST_THREADS = 4


@dataclass(frozen=True)
class Bound:
    """One agreed bound."""

    what: str
    bound: float
    measured: float
    unit: str
    at_least: bool = False

    @property
    def holds(self) -> bool:
        """Whether the measured is within the bound."""
        return self.measured >= self.bound if self.at_least else self.measured <= self.bound


class Results:
    """Measured figures by what they are of. What was not measured in this run is not judged."""

    def __init__(self, measured: list[Measured], imports: dict[str, float], latency: float) -> None:
        self._measured = {(each.title, each.pbxs, each.kind): each for each in measured}
        self._imports = imports
        self._latency = latency

    def bounds(self) -> list[Bound]:
        """All bounds that can be judged."""
        return [
            *self._unchanged(),
            *self._new(),
            *self._against_naive(),
            *self._update(),
            *self._refresh(),
            *self._requests(),
            *self._memory(),
            *self._import(),
            *self._too_many(),
            *self._history(),
        ]

    def _of(self, title: str, pbxs: int, kind: Kind = "ours") -> Iterator[Measured]:
        found = self._measured.get((title, pbxs, kind))
        if found is not None:
            yield found

    def _unchanged(self) -> Iterator[Bound]:
        for ours in self._of("unchanged preview", 1000):
            yield Bound("unchanged fleet of 1,000: preview", 2.0, ours.times_floor, "x floor")
        for ours in self._of("unchanged preview, counts in the list", 1000):
            yield Bound("the same, counts in the product list", 1.25, ours.times_floor, "x floor")

    def _new(self) -> Iterator[Bound]:
        for ours in self._of("buying preview", 1000):
            yield Bound("new fleet of 1,000 with a purchase each: preview", 3.5, ours.times_floor, "x floor")

    def _against_naive(self) -> Iterator[Bound]:
        for ours in self._of("buying preview", 300):
            for naive in self._of("buying preview", 300, "naive"):
                faster = round(naive.seconds / ours.seconds, 1)
                yield Bound("new fleet of 300 with a purchase each: against naive", 15, faster, "x faster", True)

    def _update(self) -> Iterator[Bound]:
        for ours in self._of("buying up", 100):
            for floor in self._of("buying up", 100, "floor"):
                most = floor.seconds + 4 * ours.pbxs * self._latency / HOST_THREADS * 1.5
                yield Bound("up with 100 purchases", round(most, 1), ours.seconds, "s")

    def _refresh(self) -> Iterator[Bound]:
        for ours in self._of("refresh", 1000):
            for floor in self._of("refresh", 1000, "floor"):
                most = floor.seconds + ours.pbxs * self._latency / MAX_CONNECTIONS * 1.5
                yield Bound("refresh of 1,000", round(most, 1), ours.seconds, "s")

    def _requests(self) -> Iterator[Bound]:
        for pbxs in sorted({pbxs for _, pbxs, _ in self._measured}):
            for title, each, what in (
                ("unchanged preview", 1, "unchanged"),
                ("unchanged preview, counts in the list", 0, "unchanged, counts in the list"),
                ("buying preview", 1 + 3, "new with a purchase each"),
                ("refresh", 1, "refresh"),
                ("buying up", 1 + 3 + 4, "up with a purchase each"),
            ):
                for ours in self._of(title, pbxs):
                    yield Bound(
                        f"requests for {pbxs:,} PBXs, {what}",
                        each * pbxs + _of_the_account(ours),
                        sum(ours.requests.values()),
                        "requests",
                    )

    def _memory(self) -> Iterator[Bound]:
        for ours in self._of("buying preview", 1000):
            for floor in self._of("buying preview", 1000, "floor"):
                for role, megabytes in ours.megabytes.items():
                    if role in floor.megabytes:
                        times = round(megabytes / floor.megabytes[role], 2)
                        yield Bound(f"memory of the {role} at 1,000", 2.0, times, "x floor")

    def _import(self) -> Iterator[Bound]:
        for process in ("program", "provider"):
            times = round(self._imports[process] / self._imports["libraries"], 2)
            yield Bound(f"import in the {process}", 1.2, times, "x pulumi, httpx, pydantic")

    def _too_many(self) -> Iterator[Bound]:
        for pbxs in (100, 300):
            for ours in self._of("buying preview, 1 in 5 answers a 429", pbxs):
                # Its output was checked as that of every preview is; a failure would have ended the run.
                yield Bound(f"purchases while 1 in 5 answers is a 429, {pbxs} PBXs", 0, ours.purchases, "purchases")

    def _history(self) -> Iterator[Bound]:
        for ours in self._of(f"buying preview, {ORDERS} old orders", 300):
            for without in self._of("buying preview", 300):
                times = round(ours.seconds / without.seconds, 2)
                yield Bound(f"{ORDERS:,} old orders: preview of 300", 1.3, times, "x none")


def _of_the_account(measured: Measured) -> int:
    """The requests that are the account's: a handful, and its lists, in both processes and while orders are placed."""
    products, orders = measured.pages
    return 10 + 2 * products + 4 * orders
