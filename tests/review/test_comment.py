"""The comment and the data: golden files, and what must hold of them whatever the previews say.

`YSPARTNER_UPDATE=1 pytest tests/review/test_comment.py` writes the golden files anew; look at what changed.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token
from review_cases import CASES, HERE, HOSTILE, THREE, Case, buying, recorded

from pulumi_yspartner.money import Money
from pulumi_yspartner.review.escaping import visible
from pulumi_yspartner.review.markdown import MARK, MOST_CHARACTERS, SHARES, markdown
from pulumi_yspartner.review.model import Pbx, Review
from pulumi_yspartner.review.rendering import render

GOLDEN = HERE / "golden"
UPDATE = bool(os.environ.get("YSPARTNER_UPDATE"))

OURS = re.compile(rf"{re.escape(MARK)}|<br>|<details><summary>[A-Za-z0-9 ,:]+</summary>|</details>")
"""All the HTML that a comment may hold."""


def parsed(text: str) -> list[Token]:
    """The tokens of a comment, as GitHub's Markdown has them."""
    return MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)


def everything_in(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from everything_in(token.children or [])


def table(text: str) -> list[list[str]]:
    """The rows of the comment's table, what stands in code spans as it is read."""
    rows: list[list[str]] = []
    tokens = parsed(text)
    for index, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append("".join(_read(child) for child in tokens[index + 1].children or []))
    return rows


def _read(token: Token) -> str:
    return "\n" if token.type == "html_inline" else token.content.replace("\u200b", "")


def in_words(counts: dict[str, int]) -> str:
    nouns = {"extensions": "extension", "concurrent_calls": "concurrent call"}
    return "\n".join(f"{number} {nouns[name]}{'' if number == 1 else 's'}" for name, number in counts.items())


def has_in_words(pbx: Pbx) -> list[str]:
    """The cells that a purchase must have, from the third on."""
    ordered = {name: pbx.to_buy[name] for name in ("extensions", "concurrent_calls") if name in pbx.to_buy}
    after = {name: pbx.after[name] for name in ("extensions", "concurrent_calls") if name in pbx.after}
    return [in_words(ordered), in_words(after), str(pbx.price or "unknown")]


@cache
def review_of(name: str) -> Review:
    """The review of a case, made once."""
    with tempfile.TemporaryDirectory() as folder:
        return CASES[name].review(Path(folder))


@pytest.fixture(params=CASES)
def name(request: pytest.FixtureRequest) -> str:
    """Each case."""
    found: str = request.param
    return found


def hold_or_write(file: Path, text: str) -> None:
    if UPDATE:
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    assert text == file.read_text(), f"{file.name} is not what it was; YSPARTNER_UPDATE=1 writes it anew"


def test_the_comment_and_the_data_are_the_golden_ones(name: str) -> None:
    review = review_of(name)
    texts = {"md": markdown(review), "json": render(review, "json")}
    for kind in CASES[name].golden:
        hold_or_write(GOLDEN / f"{name}.{kind}", texts[kind])


def test_the_data_holds_the_whole_review(name: str) -> None:
    review = review_of(name)
    text = render(review, "json")
    assert Review.model_validate_json(text) == review
    assert json.loads(text)["sentence"] == review.sentence


def test_a_comment_is_valid_and_short_enough(name: str) -> None:
    text = markdown(review_of(name))

    assert text.startswith(f"{MARK}\n")
    assert text.count(MARK) == 1, "no other text looks like the mark"
    assert len(text) < MOST_CHARACTERS
    tokens = parsed(text)
    html = [token.content.strip() for token in everything_in(tokens) if token.type.startswith("html")]
    assert [each for each in html if not OURS.fullmatch(each)] == []
    assert sum(each.startswith("<details>") for each in html) == html.count("</details>")
    widths = {len(row) for row in table(text)}
    assert len(widths) <= 1, "every row of the table has as many cells"


def test_all_lists_at_their_longest_fit_beside_the_rest_of_a_comment() -> None:
    assert sum(SHARES.values()) < MOST_CHARACTERS - 4_000


def test_texts_of_others_are_only_ever_code(name: str) -> None:
    """A platform looks for mentions and references in whatever is not code."""
    text = markdown(review_of(name))

    for token in everything_in(parsed(text)):
        assert token.type not in ("link_open", "image", "s_open", "fence", "code_block"), token
        assert token.type != "heading_open" or token.tag == "h3", token
        if token.type == "text":
            assert not re.search(
                r"[@`~*_<>\[\]\\]|#\d|://|www\.|(?<!YSPARTNER)_", token.content.replace(ALLOWED, "")
            ), token


ALLOWED = "YSPARTNER_PURCHASES"


def test_nothing_printed_is_a_command_to_a_runner(name: str) -> None:
    review = review_of(name)
    for text in (markdown(review), render(review, "json")):
        assert "##[" not in text
        assert "##vso[" not in text
        assert [line for line in text.splitlines() if line.lstrip().startswith("::")] == []
        assert [char for char in text if char != "\n" and not char.isprintable()] == []


def test_the_table_says_what_is_bought(name: str) -> None:
    review = review_of(name)
    buying_pbxs = {pbx.serial_number: pbx for pbx in review.in_state("buys")}
    assert len(buying_pbxs) == review.totals.pbxs
    rows = table(markdown(review))
    if not buying_pbxs:
        assert rows == []
        return
    head, *rows = rows
    assert head[-6:] == ["PBX", "Has", "On order", "To buy", "After", "Price"]
    shown = [row for row in rows if "\n" in row[-6]]
    for row in shown:
        pbx = buying_pbxs.pop(row[-6].rpartition("\n")[2])
        assert row[-3:] == has_in_words(pbx)
        assert row[-5] == in_words({count: pbx.has[count] for count in ("extensions", "concurrent_calls")})
        if name not in ("hostile", "thousand_hostile", "worst"):
            assert row[-6].partition("\n")[0] == pbx.name
    sums = [row for row in rows if "\n" not in row[-6]]
    assert ("more, not shown here" in str(sums)) == bool(buying_pbxs)
    if len(review.in_state("buys")) > 1:
        assert sums[-1][-3] == in_words({str(count): number for count, number in review.totals.quantities.items()})
        assert sums[-1][-1] == review.totals.price.words


def test_a_thousand_purchases_are_summed_up_and_none_is_lost() -> None:
    review = review_of("thousand")
    text = markdown(review)

    assert review.counts["buys"] == 1000
    assert review.totals.price.words == "12340.00 USD", "the price of each is known, the first 50 or not"
    assert f"{review.totals.quantities['extensions']} extensions" in text
    rows = table(text)[1:]
    [rest] = [row for row in rows if "more, not shown here" in row[0]]
    assert int(rest[0].split()[0]) == 1000 - (len(rows) - 2)
    least = min(int(row[3].split()[0]) for row in rows if "\n" in row[0])
    assert least > 60, "the largest are shown"


def test_a_thousand_short_pbxs_are_known_also_without_show_sames() -> None:
    review = review_of("thousand_short")

    assert review.counts["short"] == 1000
    assert len({pbx.urn for pbx in review.pbxs}) == 1000
    assert all(pbx.has == {"extensions": 40} and pbx.lacking == {"extensions": 10} for pbx in review.in_state("short"))


def test_names_are_read_from_the_comment_as_they_are(tmp_path: Path) -> None:
    """Of names in which nothing is invisible or a command, whatever Markdown would make of them."""
    strange = ("<!--", "##", "\ud800")
    names = [name for name in HOSTILE if name.isprintable() and not any(each in name for each in strange)]
    file = tmp_path / "preview.json"
    file.write_text(json.dumps(buying(dict.fromkeys(names))))
    review = Case(lambda: [buying(dict.fromkeys(names))]).review(tmp_path)
    read = {row[0].partition("\n")[0] for row in table(markdown(review)) if "\n" in row[0]}

    assert len(names) > 6
    assert read == {name.strip() for name in names}


@pytest.mark.parametrize("nothing", ["\u3164", "\u2800", "\ufe0f", "\u034f", "\u115f", "\uffa0", "\U000e0101"])
def test_a_name_is_no_other_name_with_something_in_it_that_shows_nothing(nothing: str) -> None:
    assert visible(f"hq{nothing}") == f"hq{nothing.encode('unicode_escape').decode()}"


def test_a_secret_in_plain_text_is_not_shown() -> None:
    review = review_of("hostile")
    for text in (markdown(review), render(review, "json")):
        assert "a-secret-in-plain-text" not in text
        assert "capacityFields" in text


def test_what_is_in_use_is_said_where_it_is_known(tmp_path: Path) -> None:
    preview = recorded("one_purchase")
    for diagnostic in preview["diagnostics"]:
        diagnostic["message"] = diagnostic["message"].replace(
            "; price", "; in use 48 extensions, 0 concurrent calls; price"
        )
    review = Case(lambda: [preview]).review(tmp_path)

    [pbx] = review.in_state("buys")
    assert pbx.used == {"extensions": 48, "concurrent_calls": 0}
    [row] = table(markdown(review))[1:]
    assert row[1] == "50 extensions (48 in use)\n12 concurrent calls (0 in use)"


def test_unknown_prices_are_said_and_fail_a_limit_on_money() -> None:
    review = review_of("unknown_prices")

    assert [pbx.price for pbx in review.in_state("buys")] == [
        Money.parse(price) if price else None for _, price in sorted(THREE.items())
    ]
    assert review.totals.price.words == "1330.50 USD and 1 unknown"
    assert "for 1330.50 USD and 1 unknown" in review.sentence
    [limit] = review.limits
    assert not limit.passed
    assert "0" not in {str(pbx.price) for pbx in review.pbxs}


def test_currencies_are_not_added() -> None:
    review = review_of("limits_failed")

    assert review.totals.price.words == "9.00 EUR, 1330.50 USD"
    assert {limit.name: limit.passed for limit in review.limits} == {
        "extensions": False,
        "concurrentCalls": True,
        "amount": False,
    }
    [amount] = [limit for limit in review.limits if limit.name == "amount"]
    assert amount.reason == "9.00 EUR is in another currency; above the limit by 330.50 USD"
