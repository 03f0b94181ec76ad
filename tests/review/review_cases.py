"""The previews that reviews are tested with: recorded ones, and what is made of them where a real one would be huge.

Recorded previews are in `previews`; `tests/engine/test_review.py` records them and holds them to the real engine.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pulumi_yspartner.lines import Buy, Rest, Total, about_one_pbx
from pulumi_yspartner.model import COUNTS, Purchase
from pulumi_yspartner.money import Money
from pulumi_yspartner.review.limits import RunLimits
from pulumi_yspartner.review.model import Review
from pulumi_yspartner.review.reading import load
from pulumi_yspartner.review.urn import PBX_CAPACITY, type_of
from pulumi_yspartner.wording import priced, steps

HERE = Path(__file__).parent
PREVIEWS = HERE / "previews"

HOSTILE = (
    "a|b\\|c `code` ``",
    "<script>alert(1)</script><!-- yspartner-review -->",
    "[click](https://evil.example) ![x](https://evil.example/x.png) https://evil.example www.evil.example a@b.example",
    "@admin please see #1 and !2 and gh-3 and a1b2c3d4e5f60718293a4b5c6d7e8f9012345678 :tada:",
    "::error file=x::stop\n::add-mask::x\n##[error]stop\n##vso[task.setvariable variable=x]y %0A%0D",
    "</details></td></tr></table>\n\n# Approved\n\n- [x] all",
    "\u202egnp.exe\u202c\u200b\u2066\x1b[31m\x00\ud7ff",
    "*a* _b_ ~~c~~ &lt; &#64;admin \\ $x$ ==y==",
    "-" * 3 + " | " + "x" * 200,
    "`" * 200,
    "half of a pair: \ud800",
    "\\|" * 100,
    "\U000e0041" * 200,
)
"""Names that try to be more than names."""


def recorded(name: str) -> dict[str, Any]:
    """A recorded preview or plan."""
    content: dict[str, Any] = json.loads((PREVIEWS / f"{name}.json").read_text())
    return content


def in_stack(content: dict[str, Any], project: str, stack: str, serials: str = "3651D33") -> dict[str, Any]:
    """The same preview of another stack, in which serial numbers begin otherwise."""

    def renamed(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: renamed(each) for key, each in value.items()}
        if isinstance(value, list):
            return [renamed(each) for each in value]
        if not isinstance(value, str):
            return value
        return value.replace("urn:pulumi:dev::fleet::", f"urn:pulumi:{stack}::{project}::").replace("3651D33", serials)

    found: dict[str, Any] = renamed(content)
    return found


def one_step(content: dict[str, Any], name: str) -> dict[str, Any]:
    """The step of one PBX."""
    [step] = [step for step in content["steps"] if step["urn"].endswith(f"::{name}") and _is_pbx(step["urn"])]
    found: dict[str, Any] = step
    return found


def _is_pbx(urn: str) -> bool:
    return type_of(urn) == PBX_CAPACITY


def buying(names_and_prices: dict[str, str | None]) -> dict[str, Any]:
    """A preview in which each of these buys: the recorded purchase, as often, in other sizes and at these prices.

    As in a run of the program, only the first 50 have a line of their own.
    """
    content = recorded("one_purchase")
    pattern = one_step(content, "hq")
    content["steps"] = [step for step in content["steps"] if not _is_pbx(step["urn"])]
    lines: list[tuple[str, str, str]] = []
    quantities = dict.fromkeys(COUNTS, 0)
    prices = [Money.parse(price) if price else None for price in names_and_prices.values()]
    for number, (name, price) in enumerate(zip(names_and_prices, prices, strict=True)):
        step = copy.deepcopy(pattern)
        urn = step["urn"] = step["urn"].removesuffix("hq") + name
        bought = {"extensions": 1 + number % 97, "concurrent_calls": number % 5}
        inputs = step["newState"]["inputs"]
        inputs["serial_number"] = f"3651D33{number:05}"
        for count in COUNTS:
            inputs[count] = inputs["observed"][count] + bought[count]
            inputs["purchase"][count] = bought[count]
            quantities[count] += bought[count]
        inputs["purchase"]["summary"] = f"buy {steps(bought, inputs['observed'])}"
        Purchase.model_validate(inputs["purchase"])
        lines.append((urn, name, str(Buy(inputs["purchase"]["summary"], price, inputs["serial_number"]))))
        content["steps"].append(step)
    content["changeSummary"] = {"create": len(prices), "same": 1}
    total = Total(len(prices), len(prices), quantities, priced(prices), True)
    rest = [(name, line) for _, name, line in lines[50:]]
    content["diagnostics"] = [
        *({"urn": urn, "message": f"{line}\n", "severity": "info"} for urn, _, line in lines[:50]),
        *({"message": f"{text}\n", "severity": "info"} for text in [*([Rest(tuple(rest))] if rest else []), total]),
    ]
    return content


def short_of_everything(number: int) -> dict[str, Any]:
    """A preview without changes in which so many PBXs are short; without `--show-sames`, so it has no step of any."""
    content = recorded("everything")
    content["steps"] = [step for step in content["steps"] if not _is_pbx(step["urn"])]
    [line] = [
        each
        for each in content["diagnostics"]
        if each["message"].startswith("short: has 40") and "reorder" in each["message"]
    ]
    parsed = about_one_pbx(line["message"].strip())
    assert parsed is not None
    said = [(f"pbx-{each}", str(parsed).replace(parsed.serial_number, f"3651D34{each:05}")) for each in range(number)]
    content["diagnostics"] = [
        {"urn": line["urn"].replace("::shrunk", f"::{name}"), "message": f"{text}\n", "severity": "info"}
        for name, text in said[:50]
    ] + [{"message": f"{Rest(tuple(said[50:]))}\n", "severity": "info"}]
    return content


@dataclass(frozen=True)
class Case:
    """What a review is made of."""

    previews: Callable[[], list[dict[str, Any]]]
    plans: tuple[str, ...] = ()
    limits: str | None = None
    golden: tuple[str, ...] = field(default=("md", "json"), kw_only=True)
    """Kinds of golden files; the largest reviews have none for what would be too long to look at."""

    def files(self, folder: Path) -> tuple[list[Path], list[Path]]:
        """Previews and plans, written into a folder."""
        previews = []
        for number, content in enumerate(self.previews(), 1):
            previews.append(folder / f"preview{number}.json")
            previews[-1].write_text(json.dumps(content))
        return previews, [PREVIEWS / f"{name}.plan.json" for name in self.plans]

    def review(self, folder: Path) -> Review:
        return load(*self.files(folder), RunLimits.parse(self.limits, "limits") if self.limits else None)


def _hostile() -> Iterator[dict[str, Any]]:
    content = buying(dict.fromkeys(HOSTILE))
    content["config"] = {"yspartner:capacityFields": HOSTILE[1], "yspartner:clientSecret": "a-secret-in-plain-text"}
    yield content
    for number, name in enumerate(HOSTILE[:3]):
        refused = recorded("refused")
        step = one_step(refused, "paid")
        step["urn"] = step["urn"].removesuffix("paid") + name
        step["newState"]["inputs"]["refused"] = " and ".join(HOSTILE)
        one_step(refused, "branch")["newState"]["inputs"]["serial_number"] = HOSTILE[number]
        refused["diagnostics"].append({"message": f"error: {HOSTILE[number]}", "severity": "error"})
        yield in_stack(refused, f"p{number} {HOSTILE[2]}", HOSTILE[1], f"3651D0{number}")


def _worst() -> Iterator[dict[str, Any]]:
    """Fifty stacks in which everything happens, each with names of its own that are as long as they get."""
    for number in range(50):
        content = recorded("everything")
        content["steps"] += [
            step for step in recorded("refused")["steps"] if step["urn"].endswith(("::paid", "::branch"))
        ]
        content["diagnostics"].append({"message": f"error: {HOSTILE[-1] * 4}{number}", "severity": "error"})
        content["config"] = {f"yspartner:{key}": "`" * 999 + str(number) for key in ("limits", "settledOrders")}
        for step in content["steps"]:
            if step.get("newState", {}).get("inputs", {}).get("refused"):
                step["newState"]["inputs"]["refused"] += f"{'`' * 999}{number}"
            for name in ("branch", "depot", "gone", "hq", "late", "moved", "paid"):
                step["urn"] = step["urn"].replace(f"::{name}", f"::{name}{'`|' * 200}")
        yield in_stack(content, "`<" * 100, f"{'`' * 300}{number}", f"3651D{number:02}")


THREE = {"north": "1250.00 USD", "south": "80.50 USD", "west": None}

CASES = {
    "nothing": Case(lambda: [recorded("nothing")]),
    "one_purchase": Case(lambda: [recorded("one_purchase")], ("one_purchase",), '{"extensions": 500}'),
    "everything": Case(lambda: [recorded("everything")], ("everything",), '{"extensions": 500}'),
    "refused": Case(lambda: [recorded("refused")]),
    "failed": Case(lambda: [recorded("failed")], limits='{"extensions": 500}'),
    "many_stacks": Case(
        lambda: [
            in_stack(recorded("everything"), "fleet", "north", "3651D01"),
            in_stack(recorded("one_purchase"), "fleet", "south", "3651D02"),
            in_stack(buying(THREE), "fleet", "west", "3651D03"),
            in_stack(recorded("nothing"), "lab", "dev", "3651D04"),
        ],
        limits='{"extensions": 500, "concurrentCalls": 100}',
    ),
    "twice": Case(
        lambda: [
            in_stack(recorded("one_purchase"), "fleet", "south"),
            in_stack(buying({"main-office": None}), "fleet", "west"),
        ]
    ),
    "thousand": Case(lambda: [buying({f"pbx-{number}": "12.34 USD" for number in range(1000)})], golden=("md",)),
    "thousand_hostile": Case(
        lambda: [buying({f"{HOSTILE[number % len(HOSTILE)]}{number}" * 2: None for number in range(1000)})],
        golden=(),
    ),
    "worst": Case(lambda: list(_worst()), golden=()),
    "thousand_short": Case(lambda: [short_of_everything(1000)], golden=("md",)),
    "limits_failed": Case(
        lambda: [buying({"north": "1250.00 USD", "south": "80.50 USD", "west": "9.00 EUR"})],
        limits='{"extensions": 2, "concurrentCalls": 100, "amount": "1000.00 USD"}',
    ),
    "hostile": Case(lambda: list(_hostile())),
    "unknown_prices": Case(lambda: [buying(THREE)], limits='{"amount": "5000.00 USD"}'),
}
