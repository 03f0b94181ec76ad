"""The bars of the review page: true to the numbers, and never wider than the page."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_yspartner.review.picture import LEAST_WIDTH, Segment, bar, scale

NUMBERS = st.integers(0, 1_000_000)


def test_a_bar_in_percent_of_the_scale() -> None:
    drawn = bar(has=50, used=25, on_order=50, to_buy=100, declared=200, full=400)
    assert drawn.segments == (
        Segment("has", 0.0, 12.5),
        Segment("order", 12.5, 12.5),
        Segment("buy", 25.0, 25.0),
        Segment("used", 0.0, 6.25),
    )
    assert drawn.floor == 50.0


def test_what_is_not_known_or_not_declared_is_not_drawn() -> None:
    drawn = bar(has=50, used=None, on_order=0, to_buy=0, declared=None, full=50)
    assert [part.kind for part in drawn.segments] == ["has"]
    assert drawn.floor is None


@pytest.mark.parametrize(("totals", "full"), [([], 1), ([None, 0], 1), ([5, None, 250], 250)])
def test_the_scale_is_the_largest_total(totals: list[int | None], full: int) -> None:
    assert scale(totals) == full


@given(has=NUMBERS, on_order=NUMBERS, to_buy=NUMBERS, others=NUMBERS)
def test_every_part_is_seen_beside_the_others_and_the_end_is_right(
    has: int, on_order: int, to_buy: int, others: int
) -> None:
    full = scale([has + on_order + to_buy, others])
    drawn = bar(has=has, used=None, on_order=on_order, to_buy=to_buy, declared=None, full=full)
    numbers = [(kind, number) for kind, number in (("has", has), ("order", on_order), ("buy", to_buy)) if number]
    assert [part.kind for part in drawn.segments] == [kind for kind, _ in numbers]
    end = 0.0
    for part, (_, number) in zip(drawn.segments, numbers, strict=True):
        assert part.start == pytest.approx(end, abs=0.02)
        assert part.width >= LEAST_WIDTH
        assert part.width == pytest.approx(100 * number / full, abs=2 * LEAST_WIDTH + 0.02)
        end += part.width
    assert end <= 100.05
    if end > 3 * LEAST_WIDTH:
        assert end == pytest.approx(100 * (has + on_order + to_buy) / full, abs=0.05)


def test_use_above_what_it_has_stays_within_it() -> None:
    drawn = bar(has=50, used=70, on_order=0, to_buy=0, declared=None, full=100)
    assert drawn.segments[-1] == Segment("used", 0.0, 50.0)
