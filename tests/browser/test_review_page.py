"""The review's page in a real browser: what a person sees, by eye, by ear and by hand."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import review_cases
import reviews
from axe_playwright_python.sync_playwright import Axe

from pulumi_yspartner.review.escaping import visible
from pulumi_yspartner.review.model import Review
from pulumi_yspartner.review.page import html
from pulumi_yspartner.review.rendering import render

if TYPE_CHECKING:
    from playwright.sync_api import Page

Show = Callable[..., "Page"]

PHONE = {"width": 375, "height": 812}
DESK = {"width": 1200, "height": 900}

TABLES = """() => [...document.querySelectorAll(".pbxs tbody:has(.pbx)")].map(body => {
    const heads = [...body.closest("table").querySelectorAll("thead th")].map(head => head.textContent);
    const counts = [...body.querySelectorAll("tr:not(:has(.pbx))")].map(row =>
        Object.fromEntries([...row.cells].map((cell, column) => [heads[column], cell.textContent.trim()])));
    return {
        name: body.querySelector("strong bdi").textContent,
        serial_number: body.querySelector("bdi.aside").textContent,
        price: body.querySelector(".price")?.textContent ?? null,
        state: body.closest("details[class]")?.className ?? "buys",
        counts: Object.fromEntries(counts.map(({Count, Picture, ...numbers}) => [Count, numbers])),
    };
})"""


@pytest.fixture
def show(new_page: Callable[..., Page], tmp_path: Path) -> Iterator[Show]:
    """Opens the page of a review from a file. It may ask for nothing but itself, and say nothing to the console."""
    file = tmp_path / "review.html"
    asked_for: list[str] = []
    console: list[str] = []

    def open_page(review: Review, *, opened: bool = False, **options: Any) -> Page:
        file.write_text(html(review), encoding="utf-8")
        page = new_page(**({"viewport": DESK} | options))
        page.on("request", lambda request: asked_for.append(request.url))
        page.on("console", lambda message: console.append(message.text))
        page.goto(file.as_uri())
        if opened:
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        return page

    yield open_page
    assert set(asked_for) == {file.as_uri()}
    assert console == []


def expected(pbx: dict[str, Any], *, used: bool) -> dict[str, Any]:
    """What the tables have to say about a PBX of the review's JSON."""

    def said(number: int | None) -> str:
        return "–" if number is None else str(number)

    labels = {"extensions": "Extensions", "concurrent_calls": "Concurrent calls"}
    quantities = [order["quantities"] for order in pbx["on_order"]]
    price = pbx["price"] and f"{pbx['price']['amount']} {pbx['price']['currency']}"
    return {
        "name": visible(pbx["name"]),
        "serial_number": visible(pbx["serial_number"]),
        "price": (price or "price unknown") if pbx["state"] == "buys" else None,
        "state": pbx["state"],
        "counts": {
            label: {
                "Has": said(pbx["has"].get(name)),
                **({"Used": said(pbx["used"].get(name))} if used else {}),
                "On order": said(sum(each.get(name, 0) for each in quantities) if all(quantities) else None),
                "To buy": said(pbx["to_buy"].get(name, 0)),
                "After": said(pbx["after"].get(name)),
                "Declared": said(pbx["declared"].get(name)),
            }
            for name, label in labels.items()
            if name in pbx["has"] or name in pbx["declared"]
        },
    }


def assert_tables_say_what_the_json_says(page: Page, review: Review) -> None:
    printed = json.loads(render(review, "json"))
    pbxs = [pbx for stack in printed["stacks"] for pbx in stack["pbxs"]]
    used = any(pbx["used"] for pbx in pbxs)
    assert in_order(page.evaluate(TABLES)) == in_order(expected(pbx, used=used) for pbx in pbxs)


def in_order(pbxs: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(pbxs, key=lambda pbx: json.dumps(pbx, sort_keys=True))


@pytest.mark.parametrize("case", reviews.CASES)
def test_the_tables_say_what_the_json_says(show: Show, case: str) -> None:
    review = reviews.CASES[case]()
    assert_tables_say_what_the_json_says(show(review), review)


def test_the_tables_say_what_the_json_says_of_recorded_previews(show: Show, tmp_path: Path) -> None:
    for name, case in review_cases.CASES.items():
        if name.startswith("thousand"):
            continue
        review = case.review(tmp_path)
        assert_tables_say_what_the_json_says(show(review), review)


def test_the_sentence_stands_first(show: Show) -> None:
    review = reviews.every_state()
    lines = show(review).locator("body").inner_text().split("\n")
    assert [line for line in lines if line][:2] == ["Purchase review", review.sentence]


def test_limits_say_passed_or_failed_in_words(show: Show) -> None:
    limits = show(reviews.every_state()).get_by_role("region", name="Limits of this run").get_by_role("listitem")
    assert limits.all_inner_texts() == [
        "Failed: extensions, 150 of at most 120\n30 above the limit",
        "Passed: concurrent calls, 24 of at most 100",
        "Failed: price, 250.00 USD and 1 unknown of at most 500.00 USD",
    ]


def test_what_is_switched_off_stands_above_the_tables(show: Show) -> None:
    review = reviews.many_stacks()
    switches = show(review).get_by_role("region", name="Switches")
    assert switches.get_by_role("listitem").all_inner_texts() == list(review.switched_off)
    assert "bad" in (switches.get_attribute("class") or "")  # one stack would buy at once


def test_a_failed_preview_shows_its_error_on_two_lines(show: Show) -> None:
    page = show(reviews.many_stacks())
    wrong = page.get_by_role("region", name="What went wrong")
    assert wrong.inner_text().split("\n")[-2:] == ["error: the portal refused the credentials", "requestId 17"]
    assert page.get_by_role("link", name="initech.json failed").get_attribute("href") == "#wrong"


def test_many_stacks_have_a_table_of_their_own(show: Show) -> None:
    review = reviews.many_stacks()
    page = show(review)
    rows = page.locator(".stacks tbody tr")
    for row, stack in zip(rows.all(), review.stacks, strict=True):
        totals = stack.totals
        assert row.locator("td").all_inner_texts() == [
            str(totals.pbxs),
            str(totals.quantities.get("extensions", 0)),
            str(totals.quantities.get("concurrent_calls", 0)),
            totals.price.words,
        ]
    page.get_by_role("link", name="fleet/umbrella").click()
    assert page.evaluate("document.querySelector(':target').innerText") == "fleet/umbrella"


@pytest.mark.parametrize("name", ["3 PBXs short", "1 PBX unconfirmed"])
def test_a_link_opens_what_it_leads_to(show: Show, name: str) -> None:
    review = Review(
        stacks=(reviews.stack([*(reviews.pbx(n, "short") for n in range(3)), reviews.pbx(9, "unconfirmed")]),)
    )
    page = show(review)
    link = page.get_by_role("link", name=name)
    target = page.locator(f"{link.get_attribute('href')} ~ table tbody").first
    assert not target.is_visible()
    link.click()
    target.wait_for(state="visible")


class TestThousand:
    def test_first_comes_a_page_that_can_be_read(self, show: Show) -> None:
        page = show(reviews.thousand())
        assert page.locator("tbody:has(.pbx):visible").count() == 25
        assert page.evaluate("document.documentElement.scrollHeight") < 4000

    def test_the_largest_purchases_come_first(self, show: Show) -> None:
        shown = show(reviews.thousand()).evaluate(TABLES)
        sizes = [sum(int(count["To buy"]) for count in pbx["counts"].values()) for pbx in shown if pbx["price"]]
        assert min(sizes[:25]) >= max(sizes[25:])


class TestHostileNames:
    def test_they_are_text(self, show: Show) -> None:
        page = show(reviews.hostile(), opened=True)
        assert page.title() == "Purchase review"
        foreign = "script, img, iframe, object, link, base, form, b, i, style:not(head style), [onload], [onerror]"
        assert page.locator(foreign).count() == 0
        names = page.locator(".pbxs strong bdi").all_text_contents()
        assert {visible(name) for name in reviews.HOSTILE_NAMES} <= set(names)

    def test_what_hides_or_reorders_text_is_shown(self, show: Show) -> None:
        names = show(reviews.hostile(), opened=True).locator(".pbxs strong bdi").all_inner_texts()
        assert "invoice\\u202ecod.exe\\u2066 \\u200b\\x07" in names
        assert "&lt;b&gt; &amp; \\x85 \\ud800" in names

    def test_a_name_from_right_to_left_moves_nothing_else(self, show: Show) -> None:
        page = show(reviews.hostile())
        row = page.locator(".pbx-line", has_text="משרד ראשי")
        name, serial, price = (row.locator(part).bounding_box() for part in ("strong", "bdi.aside", ".price"))
        assert name
        assert serial
        assert price
        assert name["x"] + name["width"] <= serial["x"]
        assert serial["x"] + serial["width"] <= price["x"]

    def test_a_script_that_got_in_would_not_run(self, new_page: Callable[..., Page], tmp_path: Path) -> None:
        file = tmp_path / "review.html"
        page = new_page()
        refused: list[str] = []
        page.on("console", lambda message: refused.append(message.text))
        text = html(reviews.one_purchase())
        file.write_text(text.replace("</main>", "<script>document.title = 'ran'</script><p id=end></p></main>"))
        page.goto(file.as_uri())
        assert page.locator("#end").count() == 1
        assert page.title() == "Purchase review"
        assert "Content Security Policy" in refused[0]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(show: Show, scheme: str) -> None:
    for case in ("nothing", "every state", "many stacks", "hostile names"):
        page = show(reviews.CASES[case](), opened=True, color_scheme=scheme)
        assert violations(page) == [], case


def test_axe_finds_nothing_on_a_phone(show: Show) -> None:
    assert violations(show(reviews.every_state(), opened=True, viewport=PHONE)) == []


def violations(page: Page) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return found


def test_axe_would_find_something(show: Show) -> None:
    page = show(reviews.one_purchase())
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [found["id"] for found in violations(page)] == ["html-has-lang"]


@pytest.mark.parametrize("viewport", [DESK, PHONE], ids=["desk", "phone"])
def test_a_screen_reader_meets_whole_tables(show: Show, viewport: dict[str, int]) -> None:
    page = show(reviews.one_purchase(), viewport=viewport)
    tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")["nodes"]
    said = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in tree if not node["ignored"]]
    assert ("table", "Purchases in dev") in said
    heads = [name for role, name in said if role == "columnheader"]
    assert heads == ["Count", "Picture", "Has", "On order", "To buy", "After", "Declared"]
    assert [name for role, name in said if role == "rowheader"][1:] == ["Extensions", "Concurrent calls"]
    assert [name for role, name in said if role in ("image", "img")] == [
        "Extensions: has 50, to buy 200, declared 250",
        "Concurrent calls: has 12, to buy 48, declared 60",
    ]


OUTSIDE_THEIR_CELL = """() => [...document.querySelectorAll(".pbxs td:not(.bar), .stacks td")].filter(cell => {
    const range = document.createRange();
    range.selectNodeContents(cell);
    return range.getBoundingClientRect().left < cell.getBoundingClientRect().left - 0.5;
}).map(cell => cell.textContent)"""


@pytest.mark.parametrize("case", reviews.CASES)
def test_nothing_is_wider_than_the_screen(show: Show, case: str) -> None:
    page = show(reviews.CASES[case](), opened=True, viewport=PHONE)
    for width in (375, 320, 700):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(OUTSIDE_THEIR_CELL) == []


def test_numbers_stand_under_their_heads_on_a_phone(show: Show) -> None:
    page = show(reviews.large_numbers(), opened=True, viewport=PHONE)
    edges = page.evaluate("""() => [...document.querySelectorAll(".pbxs")].map(table => {
        const right = cells => [...cells].map(cell => Math.round(cell.getBoundingClientRect().right));
        return [right(table.querySelectorAll("thead .number")),
            ...[...table.querySelectorAll("tr:has(.count)")].map(row => right(row.querySelectorAll("td:not(.bar)")))];
    })""")
    for heads, *rows in edges:
        assert rows
        assert all(row == heads for row in rows)


def test_a_bar_is_as_long_as_its_count(show: Show) -> None:
    page = show(reviews.one_purchase())
    picture = page.get_by_role("img", name="Extensions: has 50, to buy 200, declared 250")
    whole, has, buy = (each.bounding_box() for each in (picture, picture.locator(".has"), picture.locator(".buy")))
    assert whole
    assert has
    assert buy
    assert has["width"] == pytest.approx(whole["width"] * 50 / 250, abs=1)
    assert buy["x"] == pytest.approx(has["x"] + has["width"], abs=1)
    assert buy["width"] == pytest.approx(whole["width"] * 200 / 250, abs=1)


def test_it_is_dark_where_the_reader_wants_it_dark(show: Show) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    assert show(reviews.one_purchase(), color_scheme="light").evaluate(paper) == "rgb(255, 255, 255)"
    assert show(reviews.one_purchase(), color_scheme="dark").evaluate(paper) == "rgb(20, 23, 27)"


def test_print_shows_what_is_collapsed_and_is_never_dark(show: Show) -> None:
    page = show(reviews.every_state(), color_scheme="dark")
    unchanged = page.locator(".satisfied tbody").first
    assert not unchanged.is_visible()
    page.emulate_media(media="print")
    assert unchanged.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
