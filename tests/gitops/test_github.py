"""The pipelines for GitHub, from the pull request to the purchase."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from engine_stack import BRANCH, DEPOT, HQ, ROOT, WatchedPortal
from forge import BOT, MARK, Forge, Pull, git
from github_runner import merged, pull_request
from gitops_fleets import BRANCH_120, DEPOT_40, DEPOT_45

from pulumi_yspartner.sandbox import Fault

pytestmark = pytest.mark.timeout(900)  # several updates each; 30 s on a machine of its own


def own_comments(pull: Pull) -> list[str]:
    return [comment.body for comment in pull.comments if comment.author == BOT]


def test_a_purchase_is_reviewed_approved_and_bought_once(forge: Forge, portal: WatchedPortal) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    planted = forge.post(pull, "mallory", f"{MARK}\nBuys nothing.")
    for number in range(120):  # more than a page
        forge.post(pull, "somebody", f"comment {number}")

    review = pull_request(forge, pull)

    assert review.conclusion == "success", review
    [said] = own_comments(pull)
    assert said.startswith(MARK)
    assert all(serial in said for serial in (HQ, DEPOT))  # every stack is in the one comment
    assert portal.purchases == 0

    forge.push(pull, fleets__customer_b=DEPOT_45)
    review = pull_request(forge, pull)

    assert review.conclusion == "success", review
    [updated] = own_comments(pull)
    assert "35 concurrent calls" in updated
    assert planted.body == f"{MARK}\nBuys nothing."

    before = forge.merge(pull)
    waiting = merged(forge, before, approved=False)

    assert waiting.results == {"plans": "success", "buy (customer-a)": "waiting", "buy (customer-b)": "waiting"}
    assert "35 concurrent calls" in waiting.job("plans").summary  # what the approver reads
    assert portal.purchases == 0

    bought = merged(forge, before)

    assert bought.conclusion == "success", bought
    assert {order.serial_number: order.concurrent_calls for order in portal.orders} == {HQ: 48, DEPOT: 35}
    assert portal.purchases == 2
    assert "1 of 1 approved purchase ordered" in bought.job("buy (customer-b)").summary

    again = merged(forge, before)

    assert again.conclusion == "failure"
    assert "there is nothing to buy for it any more" in again.job("buy (customer-b)").log
    assert portal.purchases == 2


def test_a_plan_whose_pbx_moved_is_refused_in_words_and_holds_up_no_other_stack(
    forge: Forge, portal: WatchedPortal
) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    pull_request(forge, pull)
    before = forge.merge(pull)
    portal.set_counts(DEPOT, concurrent_calls=20)

    run = merged(forge, before)

    assert run.results == {"plans": "success", "buy (customer-a)": "success", "buy (customer-b)": "failure"}
    [order] = portal.orders
    assert order.serial_number == HQ
    refused = run.job("buy (customer-b)")
    assert "it has 20 concurrent calls now, and had 10 in the review" in refused.log
    assert "Ask for a new review" in refused.summary
    assert "map[" not in refused.summary

    renewed = forge.open("review-again", fleets__customer_b=f"# reviewed again\n{DEPOT_40}")
    assert pull_request(forge, renewed).conclusion == "success"
    assert "20 concurrent calls" in own_comments(renewed)[0]
    assert merged(forge, forge.merge(renewed)).conclusion == "success"
    assert portal.purchases == 2


def test_a_pbx_whose_order_is_refused_holds_up_no_other(forge: Forge, portal: WatchedPortal) -> None:
    pull = forge.open("raise-branch", fleets__customer_a=BRANCH_120)
    pull_request(forge, pull)
    before = forge.merge(pull)
    portal.faults.add(Fault("order.save", "status", value="400", times=None, serial_number=HQ))

    run = merged(forge, before)

    said = run.job("buy (customer-a)")
    assert said.result == "failure"
    assert {order.serial_number for order in portal.orders} == {BRANCH, DEPOT}
    assert portal.purchases == 2
    assert "1 of 2 approved purchases ordered" in said.summary
    assert "the portal refused the order" in said.log


def test_refused_pbxs_are_reviewed_and_cannot_be_merged_into_a_purchase(forge: Forge, portal: WatchedPortal) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    portal.faults.add(Fault("product.detail", "html", times=None))

    review = pull_request(forge, pull)

    assert set(review.results.values()) == {"success", "failure"}
    assert review.results["declarations"] == "success"
    [said] = own_comments(pull)
    assert "could not be read" in said
    assert all(serial in said for serial in (HQ, DEPOT))

    run = merged(forge, forge.merge(pull))

    assert run.results == {"plans": "failure", "buy": "skipped"}
    assert "There is no review that passed" in run.job("plans").log
    assert portal.purchases == 0


def test_a_fleet_that_no_job_previews_is_noticed(forge: Forge) -> None:
    pull = forge.open("new-customer", fleets__customer_c=DEPOT_40)

    review = pull_request(forge, pull)

    assert review.job("review").result == "failure"
    assert "There is no preview of fleets/customer-c.yaml" in review.job("review").log
    [said] = own_comments(pull)
    assert "The review failed" in said


# --- what a hostile, or careless, pull request could do ------------------------------------------------------------


def without_secrets(forge: Forge, pull: Pull, said: str) -> None:
    """The pull request is refused before any job with a secret begins."""
    review = pull_request(forge, pull)

    assert review.results == {"declarations": "failure", "preview": "skipped", "review": "skipped"}
    assert said in review.job("declarations").log
    assert forge.tokens.popitem()[1] == {"contents": "read"}
    assert forge.calls == []
    assert pull.comments == []


def test_a_pull_request_of_a_fork_gets_no_secret(forge: Forge) -> None:
    without_secrets(forge, forge.open("from-afar", fork=True, fleets__customer_b=DEPOT_40), "comes from a fork")


@pytest.mark.parametrize(
    "file",
    [
        "__main__.py",
        "Pulumi.customer-b.yaml",
        pytest.param("requirements.txt", marks=pytest.mark.deep),
        pytest.param(".gitattributes", marks=pytest.mark.deep),
    ],
)
def test_code_and_configuration_of_a_pull_request_never_meet_a_secret(forge: Forge, file: str) -> None:
    (forge.clone / file).write_text("import os; os.system('env')\n")

    pull = forge.open("hostile", fleets__customer_b=DEPOT_40)

    without_secrets(forge, pull, f"{file} ")


def test_a_file_name_is_no_command_to_the_runner(forge: Forge) -> None:
    Path(forge.clone, "::warning::approved by all").write_text("\n")

    review = pull_request(forge, forge.open("hostile", fleets__customer_b=DEPOT_40))

    said = [line.strip() for line in review.job("declarations").log.splitlines()]
    assert any("::warning::approved" in line for line in said)
    assert not any(line.startswith("::warning") for line in said)


def test_a_pull_request_that_cannot_be_merged_is_not_previewed(forge: Forge) -> None:
    pull = forge.open("late", fleets__customer_b=DEPOT_40)
    forge.merge(forge.open("earlier", fleets__customer_b=DEPOT_45))

    without_secrets(forge, pull, "Bring it up to date")


def test_a_link_among_the_declarations_leads_nowhere(forge: Forge) -> None:
    pull = forge.open("link")
    Path(forge.clone, "fleets/customer-b.yaml").unlink()
    Path(forge.clone, "fleets/customer-b.yaml").symlink_to("/proc/self/environ")
    forge.push(pull)

    review = pull_request(forge, pull)

    preview = review.job("preview (customer-b)")
    assert preview.result == "failure"
    [artifact] = [each for each in forge.artifacts if each.name == "preview-customer-b"]
    said = (artifact.folder / "customer-b" / "preview.json").read_text()
    assert "fleets/customer-b.yaml: 'str' object has no attribute 'items'" in said
    assert "YSPARTNER" not in said


# --- which plan a merge may buy ------------------------------------------------------------------------------------


def reviewed(
    forge: Forge,
    pull: Pull,
    tree: str,
    event: str = "pull_request_target",
    file: str = "review.yml",
    result: str = "success",
) -> Path:
    """The folder of a finished review of a pull request; its plan buys 200 extensions."""
    run = forge.finished(event, f".github/workflows/{file}", pull.head, result)
    folder = forge.folder / f"review-{run.id}"
    (folder / "customer-b").mkdir(parents=True)
    for name, recorded in (("plan", "one_purchase.plan"), ("preview", "one_purchase")):
        shutil.copy(ROOT / "tests/review/previews" / f"{recorded}.json", folder / "customer-b" / f"{name}.json")
    (folder / "tree").write_text(f"{tree}\n")
    forge.keep(f"review-{pull.head}", run.id, folder)
    return forge.artifacts[-1].folder


def tree_of(forge: Forge, commit: str) -> str:
    return git(forge.clone, "rev-parse", f"{commit}^{{tree}}")


def test_the_review_of_what_was_merged_counts(forge: Forge) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, pull, tree_of(forge, pull.head))

    run = merged(forge, forge.merge(pull), approved=False)

    assert run.results == {"plans": "success", "buy (customer-b)": "waiting"}


def test_the_approver_reads_what_the_plans_buy_whatever_review_was_kept_with_them(forge: Forge) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    kept = reviewed(forge, pull, tree_of(forge, pull.head))
    (kept / "review.md").write_text(f"{MARK}\n### Would buy 1 extension on 1 PBX.\n")

    run = merged(forge, forge.merge(pull), approved=False)

    assert "Would buy 200 extensions" in run.job("plans").summary
    assert "Would buy 1 extension " not in run.job("plans").summary


def test_a_plan_that_buys_more_than_the_preview_kept_with_it_is_refused(forge: Forge) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    plan = reviewed(forge, pull, tree_of(forge, pull.head)) / "customer-b" / "plan.json"
    plan.write_text(plan.read_text().replace('"extensions": 200', '"extensions": 201'))

    run = merged(forge, forge.merge(pull))

    assert run.results == {"plans": "failure", "buy": "skipped"}
    assert "the saved plan buys 201 extensions" in run.job("plans").summary


def test_a_plan_for_another_state_of_main_is_refused(forge: Forge) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, pull, tree_of(forge, pull.head))
    forge.merge(forge.open("raise-branch", fleets__customer_a=BRANCH_120))

    run = merged(forge, forge.merge(pull))

    assert run.results == {"plans": "failure", "buy": "skipped"}
    assert "What was merged is not what was reviewed" in run.job("plans").log


def test_a_plan_of_an_earlier_commit_of_the_pull_request_is_refused(forge: Forge) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, pull, tree_of(forge, pull.head))
    forge.push(pull, fleets__customer_b=DEPOT_45)

    run = merged(forge, forge.merge(pull))

    assert run.results == {"plans": "failure", "buy": "skipped"}
    assert "There is no review that passed" in run.job("plans").log


@pytest.mark.parametrize(
    "how",
    [
        pytest.param({"event": "pull_request", "file": "mine.yml"}, id="a workflow of the pull request"),
        pytest.param({"event": "pull_request", "file": "review.yml"}, id="the pull request's own review.yml"),
        pytest.param({"file": "labels.yml"}, id="another workflow of main"),
        pytest.param({"result": "failure"}, id="a review that failed"),
    ],
)
def test_a_review_that_was_planted_or_failed_does_not_count(forge: Forge, how: dict[str, str]) -> None:
    pull = forge.open("raise-depot", fleets__customer_b=DEPOT_40)
    reviewed(forge, pull, tree_of(forge, pull.head), **how)

    run = merged(forge, forge.merge(pull))

    assert run.results == {"plans": "failure", "buy": "skipped"}
    assert "There is no review that passed" in run.job("plans").log


def test_a_push_without_a_pull_request_buys_nothing(forge: Forge) -> None:
    before = forge.merge(forge.open("straight", fleets__customer_b=DEPOT_40))
    forge.pulls.clear()

    run = merged(forge, before)

    assert run.results == {"plans": "failure", "buy": "skipped"}


def test_a_merge_of_code_alone_is_fine_and_buys_nothing(forge: Forge) -> None:
    (forge.clone / "__main__.py").write_text("# nothing to declare\n")

    run = merged(forge, forge.merge(forge.open("code")))

    assert run.results == {"plans": "success", "buy": "skipped"}
