"""A refused plan in words. Pure.

Where an update does not fit the plan that it was given, the engine says so with raw maps, such as
`violates plan: properties changed: ++observed[{map[extensions:{50}]}!={map[extensions:{70}]}]`.
Of each property: what the plan wanted with it (`+` add, `~` change, `-` remove, `=` leave), what would happen now, the
value in the plan and the value now.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..model import COUNTS, DECLARED
from ..wording import amount

VIOLATION = "violates plan"
_NOT_PLANNED = re.compile(r"\w[\w-]* is not allowed by the plan: (?:no|this resource)")
_NOT_SEEN = re.compile(r"expected resource operations for \S+ but none were seen")
_CHANGED = re.compile(r"([+~=-])([+~=-])([\w:.-]+)(?:\[(.*?)\])?(?=, [+~=-]{2}[\w:.-]+(?:\[|,|$)|$)", re.DOTALL)
_MEMBER = re.compile(r"(\w+):\{([^{}]*)\}")


@dataclass(frozen=True)
class Moved:
    """One property that is not as the plan has it; a value is absent where the plan, or this run, has none."""

    name: str
    planned: str | None
    now: str | None


def is_plan_refusal(message: str) -> bool:
    """Whether an error of the engine says that the update does not fit its plan. Then nothing was done about it."""
    return VIOLATION in message or bool(_NOT_PLANNED.match(message) or _NOT_SEEN.match(message))


def moved(message: str) -> dict[str, Moved]:
    """What a `violates plan` error lists, by property."""
    _, _, listed = message.partition("properties changed: ")
    found: dict[str, Moved] = {}
    for planned_to, happens, name, values in _CHANGED.findall(listed.strip()):
        planned, both, now = values.partition("!=")
        if not both and planned_to == "=":
            planned, now = "", values
        found.setdefault(name, Moved(name, _unwrapped(planned), _unwrapped(now) if happens != "-" else None))
    return found


def explain(message: str) -> str:
    """Why a plan was refused for one PBX, in words; the engine's own words where they are not understood."""
    if _NOT_PLANNED.match(message):
        return "it is not in the plan, so nobody reviewed it"
    if _NOT_SEEN.match(message):
        return "the plan has a change for it, and this run has none"
    changes = moved(message)
    reasons = [
        *_declared_otherwise(changes),
        *_counts_moved(changes),
        *_refused_now(changes),
        *_bought_otherwise(changes),
    ]
    return "; ".join(reasons) or " ".join(message.split())


def explain_settings(message: str) -> str:
    """Why a plan was refused because of the stack's configuration, which a plan binds, too."""
    names = sorted(name for name in moved(message) if not name.startswith("__"))
    return f"the stack's configuration is not that of the review: {', '.join(names) or ' '.join(message.split())}"


def _declared_otherwise(changes: dict[str, Moved]) -> list[str]:
    return [
        f"{name} is declared as {each.now or 'nothing'} now, and was {each.planned or 'not declared'} in the review"
        for name in DECLARED
        if (each := changes.get(name))
    ]


def _counts_moved(changes: dict[str, Moved]) -> list[str]:
    observed = changes.get("observed")
    if observed is None or observed.now is None:
        return []
    before, now = _members(observed.planned), _members(observed.now)
    return [
        f"it has {amount(name, int(now[name]))} now, and had {before[name]} in the review"
        for name in COUNTS
        if name in before and name in now and before[name] != now[name]
    ]


def _refused_now(changes: dict[str, Moved]) -> list[str]:
    refused = changes.get("refused")
    if refused is None:
        return []
    return [refused.now] if refused.now else [f"it was refused in the review: {refused.planned}"]


def _bought_otherwise(changes: dict[str, Moved]) -> list[str]:
    purchase = changes.get("purchase")
    if purchase is None:
        return []
    before, now = _members(purchase.planned), _members(purchase.now)
    if purchase.now is None:
        return [] if "refused" in changes else ["there is nothing to buy for it any more"]
    words = [f"a new review would {now['summary']}"] if before.get("summary") != now.get("summary") else []
    return words + [
        f"the {what} is {now.get(name)} now, and was {before.get(name)} in the review"
        for name, what in (("billing_contact_id", "billing contact"), ("plan_id", "PBX's plan"))
        if before.get(name) != now.get(name)
    ]


def _members(value: str | None) -> dict[str, str]:
    """The members of a printed map: `map[extensions:{50} concurrent_calls:{12}]`."""
    return dict(_MEMBER.findall(value or ""))


def _unwrapped(value: str) -> str | None:
    """A printed value without the braces around it; None for none."""
    return value.removeprefix("{").removesuffix("}") or None
