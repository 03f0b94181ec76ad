"""The review's page as a file: valid, self-contained, bounded, and true about what is not known."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from xml.etree.ElementTree import Element

import pytest
import review_cases
import reviews
import tinyhtml5

from pulumi_yspartner.review.page import html


def parsed(text: str) -> tuple[Element, list[object]]:
    """The tree of a page, and what an HTML5 parser complains about. It does not check which element may stand where."""
    parser = tinyhtml5.parser.HTMLParser(namespace_html_elements=False)
    return parser.parse(text), list(parser.errors)


RECORDED = [name for name in review_cases.CASES if not name.startswith("thousand")]  # as slow as ours, and no other


@pytest.fixture(scope="module", params=[*reviews.CASES, *RECORDED])
def page(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a review: of made-up ones, and of those of recorded previews."""
    if request.param in reviews.CASES:
        return html(reviews.CASES[request.param]())
    return html(review_cases.CASES[request.param].review(tmp_path_factory.mktemp("previews")))


def test_it_is_valid_html(page: str) -> None:
    assert parsed(page)[1] == []


@pytest.mark.parametrize("damage", ["</main>", "<p", "&bogus;", "<div></span>"])
def test_invalid_html_would_be_found(damage: str) -> None:
    assert parsed(html(reviews.one_purchase()).replace("<h1>", f"{damage}<h1>"))[1] != []


def test_every_id_is_there_once_and_every_link_leads_to_one(page: str) -> None:
    ids = re.findall(r'\sid="([^"]*)"', page)
    assert len(ids) == len(set(ids))
    assert {target[1:] for target in re.findall(r'\shref="([^"]*)"', page)} <= set(ids)


def test_it_can_be_written(page: str) -> None:
    assert page.encode("utf-8")


def test_it_names_nothing_outside_itself(page: str) -> None:
    tags = re.findall(r"<[a-zA-Z][^>]*>", page)
    assert tags
    for tag in tags:
        assert not re.match("<(script|img|link|iframe|object|embed|base|form|input)", tag)
        assert not re.search(r"\s(src|srcset|action|on\w+|style)=", tag), tag
        assert all(target.startswith("#") for target in re.findall(r'\shref="([^"]*)"', tag))
    assert re.findall(r"url\(([^)]*)\)", page[: page.index("</style>")]) == ["#hatched"]
    assert "@import" not in page


def test_it_forbids_everything_but_its_own_style(page: str) -> None:
    style = page[page.index("<style>") + len("<style>") : page.index("</style>")]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page


def test_a_thousand_pbxs_fit_in_two_megabytes() -> None:
    assert len(html(reviews.thousand()).encode()) < 2_000_000


def test_the_same_review_gives_the_same_page() -> None:
    assert html(reviews.every_state()) == html(reviews.every_state())


def test_nothing_to_buy_has_no_purchases() -> None:
    page = html(reviews.nothing())
    assert "Nothing would be bought." in page
    assert "Purchases in" not in page
    assert "Needs a look" not in page


def test_an_unknown_price_is_never_a_number() -> None:
    page = html(reviews.one_purchase())
    assert '<span class="price">price unknown</span>' in page
    assert "0.00" not in page


@pytest.mark.parametrize("page", [name for name in (*reviews.CASES, *RECORDED) if name != "1,000 PBXs"], indirect=True)
def test_no_heading_stands_above_nothing(page: str) -> None:
    tree = tinyhtml5.parse(page, namespace_html_elements=False)
    empty = [
        part for part in tree.iter() if part.tag in ("ul", "p", "td", "th") and not "".join(part.itertext()).strip()
    ]
    assert [part for part in empty if part.get("class") != "bar"] == []


def test_a_sum_with_unknown_prices_says_so(tmp_path: Path) -> None:
    page = html(review_cases.CASES["unknown_prices"].review(tmp_path))
    assert "for 1330.50 USD and 1 unknown." in page
    assert "Failed</strong>: price, 1330.50 USD and 1 unknown of at most 5000.00 USD" in page


def test_failed_limits_say_why(tmp_path: Path) -> None:
    review = review_cases.CASES["limits_failed"].review(tmp_path)
    page = html(review)
    failed = [limit for limit in review.limits if not limit.passed]
    assert page.count("Failed</strong>: ") == len(failed) == 2
    for limit in failed:
        assert limit.reason
        assert f"<bdi>{limit.reason}</bdi>" in page


def test_what_an_order_adds_is_not_guessed() -> None:
    page = html(reviews.Review(stacks=(reviews.stack([reviews.pbx(0, "unconfirmed")]),)))
    assert "On order: <bdi>an attempt without an order number</bdi>" in page
    assert page.count('<span class="aside">–</span>') == 2  # on order, once per count
