"""An outcome as Markdown, for the log and the summary of a CI job. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from .escaping import cell, code
from .outcome import DONE, Fate, Outcome, PbxOutcome

_FATES: dict[Fate, str] = {
    "ordered": "ordered",
    "waiting": "ordered, waits",
    "found": "ordered before",
    "nothing": "ordered, came to nothing",
    "unconfirmed": "**UNCONFIRMED**",
    "unknown": "**NOT KNOWN**",
    "refused": "refused; this run bought nothing",
    "unfit": "not as reviewed; this run bought nothing",
    "unreached": "not reached; this run bought nothing",
}


def as_markdown(outcome: Outcome) -> str:
    """A sentence, a table of the purchases, other errors, and what to do next."""
    return "\n".join(_lines(outcome)) + "\n"


def _lines(outcome: Outcome) -> Iterator[str]:
    yield f"### {'❌' if outcome.failed else '✅'} {_headline(outcome)}"
    if outcome.plan:
        yield ""
        yield f"Plan of {code(outcome.plan.made)}, SHA-256 `{outcome.plan.digest}`."
    if outcome.pbxs:
        yield ""
        yield "| PBX | serial number | approved | outcome | |"
        yield "| --- | --- | --- | --- | --- |"
        for pbx in outcome.pbxs:
            approved = pbx.purchase.summary if pbx.purchase else "nothing"
            about = " | ".join(cell(text) for text in (pbx.name, pbx.serial_number, approved))
            yield f"| {about} | {_FATES[pbx.fate]} | {cell(pbx.words, 1000)} |"
    if outcome.errors:
        yield ""
        yield "Errors of the whole stack:"
        yield ""
        yield from (f"- {code(error)}" for error in outcome.errors)
    steps = list(_next_steps(outcome))
    if steps:
        yield ""
        yield "**What to do next**"
        yield ""
        yield from (f"- {step}" for step in steps)


def _headline(outcome: Outcome) -> str:
    stack = f"Stack {code(outcome.stack)}: " if outcome.stack else ""
    done, planned = len(outcome.having(*DONE)), sum(pbx.purchase is not None for pbx in outcome.pbxs)
    if not outcome.began:
        return f"{stack}the update did not begin, so nothing was bought"
    cut = "" if outcome.finished else "; the update was cut off"
    if outcome.having("unconfirmed", "unknown"):
        cut += "; it is not known whether an order was placed"
    if not planned:
        return f"{stack}there was nothing to buy{cut}"
    return f"{stack}{done} of {planned} approved {'purchase' if planned == 1 else 'purchases'} ordered{cut}"


def _next_steps(outcome: Outcome) -> Iterator[str]:
    if not outcome.began:
        yield "The log of the update says why it did not begin. Run the job again once that is mended."
    if found := outcome.having("unconfirmed"):
        yield (
            f"{_names(found)}: look for the order in the portal (Billing > Orders). Nothing more is ordered for it "
            f"until a later `pulumi up` has found out."
        )
    if found := outcome.having("unknown"):
        yield (
            f"{_names(found)}: **look at its orders in the portal (Billing > Orders) before anything else runs.** A "
            f"later `pulumi up` finds an order that was placed, and orders nothing in its place."
        )
    if found := outcome.having("waiting"):
        yield f"{_names(found)}: the order waits in the portal (Billing > Orders), usually for payment."
    if found := outcome.having("nothing"):
        yield f"{_names(found)}: find out why in the portal. To order again, change `reorder` in the declaration."
    if found := outcome.having("refused"):
        yield f"{_names(found)}: mend what the refusal names."
    if outcome.having("unfit", "unreached", "refused") or (outcome.errors and not outcome.succeeded):
        yield (
            "**Ask for a new review of what was not bought:** open another pull request that touches the declarations "
            "(a comment is enough). Its preview reads the counts anew. This plan can't be used again."
        )


def _names(pbxs: tuple[PbxOutcome, ...]) -> str:
    return ", ".join(code(pbx.name) for pbx in pbxs)
