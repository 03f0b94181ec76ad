"""The pipeline for GitLab, from the merge request to the purchase."""

from __future__ import annotations

import pytest
from engine_stack import DEPOT, HQ, WatchedPortal
from forge import BOT, MARK, Forge, Pull, git
from gitlab_runner import merge_request, merged
from gitops_fleets import BRANCH_120, DEPOT_40, DEPOT_45

pytestmark = pytest.mark.timeout(900)  # several updates each; 30 s on a machine of its own


def own_notes(pull: Pull) -> list[str]:
    return [comment.body for comment in pull.comments if comment.author == BOT]


def test_a_purchase_is_reviewed_approved_and_bought_once(forge: Forge, portal: WatchedPortal) -> None:
    request = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    planted = forge.post(request, "mallory", f"{MARK}\nBuys nothing.")
    for number in range(120):  # more than a page
        forge.post(request, "somebody", f"note {number}")

    review = merge_request(forge, request)

    assert review.conclusion == "success", review
    [said] = own_notes(request)
    assert all(serial in said for serial in (HQ, DEPOT))
    assert portal.purchases == 0

    forge.push(request, fleets__customer_b=DEPOT_45)
    review = merge_request(forge, request)

    assert review.conclusion == "success", review
    [updated] = own_notes(request)
    assert "35 concurrent calls" in updated
    assert planted.body == f"{MARK}\nBuys nothing."

    before = forge.merge(request)
    waiting = merged(forge, before, approved=False)

    assert waiting.results == {"plans": "success", "buy: [customer-a]": "waiting", "buy: [customer-b]": "waiting"}
    assert "35 concurrent calls" in waiting.job("plans").log  # what the approver reads
    assert portal.purchases == 0

    portal.set_counts(HQ, extensions=70)  # after the review
    bought = merged(forge, before)

    assert bought.results == {"plans": "success", "buy: [customer-a]": "failure", "buy: [customer-b]": "success"}
    assert "it has 70 extensions now, and had 50 in the review" in bought.job("buy: [customer-a]").log
    assert "1 of 1 approved purchase ordered" in bought.job("buy: [customer-b]").log
    [order] = portal.orders
    assert (order.serial_number, order.concurrent_calls) == (DEPOT, 35)
    assert portal.purchases == 1


def without_secrets(forge: Forge, request: Pull, said: str) -> None:
    """The merge request is refused before any job with a secret begins; the last job only says so."""
    pipeline = merge_request(forge, request)

    assert pipeline.job("declarations").result == "failure"
    assert said in pipeline.job("declarations").log
    assert {job.result for job in pipeline.jobs if job.name.startswith("preview")} == {"skipped"}
    assert pipeline.job("review").result == "failure"
    assert forge.calls == []
    assert request.comments == []


def test_a_merge_request_of_a_fork_gets_no_secret(forge: Forge) -> None:
    without_secrets(forge, forge.open("from-afar", fork=True, fleets__customer_b=DEPOT_40), "comes from a fork")


@pytest.mark.parametrize("file", ["__main__.py", pytest.param("requirements.txt", marks=pytest.mark.deep)])
def test_code_and_configuration_of_a_merge_request_never_meet_a_secret(forge: Forge, file: str) -> None:
    (forge.clone / file).write_text("import os; os.system('env')\n")

    without_secrets(forge, forge.open("hostile", fleets__customer_b=DEPOT_40), f"{file} ")


def test_a_merge_request_that_cannot_be_merged_is_not_previewed(forge: Forge) -> None:
    request = forge.open("late", fleets__customer_b=DEPOT_40)
    forge.merge(forge.open("earlier", fleets__customer_b=DEPOT_45))

    without_secrets(forge, request, "Bring it up to date")


def reviewed(forge: Forge, request: Pull, result: str = "success") -> None:
    """A finished pipeline of a merge request as it is now."""
    run = forge.finished("merge_request_event", f"refs/merge-requests/{request.number}/head", request.head, result)
    folder = forge.folder / f"review-{run.id}"
    for stack in ("customer-a", "customer-b"):
        (folder / "review" / stack).mkdir(parents=True)
        (folder / "review" / stack / "plan.json").write_text("{}")
    (folder / "review" / "tree").write_text(git(forge.clone, "rev-parse", f"{request.head}^{{tree}}"))
    forge.keep(f"job-{run.job('review').id}", run.id, folder)


def test_the_review_of_what_was_merged_counts(forge: Forge) -> None:
    request = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, request)

    run = merged(forge, forge.merge(request), approved=False)

    assert run.job("plans").result == "success", run


def test_a_plan_for_another_state_of_the_default_branch_is_refused(forge: Forge) -> None:
    request = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, request)
    forge.merge(forge.open("raise-branch", fleets__customer_a=BRANCH_120))

    run = merged(forge, forge.merge(request))

    assert set(run.results.values()) == {"failure", "skipped"}
    assert "What was merged is not what was reviewed" in run.job("plans").log


def test_a_plan_of_an_earlier_commit_of_the_merge_request_is_refused(forge: Forge) -> None:
    request = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, request)
    forge.push(request, fleets__customer_b=DEPOT_45)

    run = merged(forge, forge.merge(request))

    assert set(run.results.values()) == {"failure", "skipped"}
    assert "There is no review that passed" in run.job("plans").log


def test_a_failed_review_does_not_count(forge: Forge) -> None:
    request = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, request, "failure")

    run = merged(forge, forge.merge(request))

    assert set(run.results.values()) == {"failure", "skipped"}
    assert "There is no review that passed" in run.job("plans").log


def test_a_push_without_a_merge_request_buys_nothing(forge: Forge) -> None:
    before = forge.merge(forge.open("straight", fleets__customer_b=DEPOT_40))
    forge.pulls.clear()

    run = merged(forge, before)

    assert set(run.results.values()) == {"failure", "skipped"}
    assert "nobody reviewed it" in run.job("plans").log


def test_a_merge_of_code_alone_has_no_jobs_that_buy(forge: Forge) -> None:
    (forge.clone / "__main__.py").write_text("# nothing to declare\n")

    assert merged(forge, forge.merge(forge.open("code"))).results == {}
