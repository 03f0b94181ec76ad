"""What fleet.yaml would buy. `pytest` runs this without an account, a network or Pulumi's engine."""

from pathlib import Path

import pulumi
import pytest

from pulumi_yspartner.testing import Order, Pbx, preview

HERE = Path(__file__).parent

HQ = Pbx("3651D3296882", extensions=50, concurrent_calls=12)
BRANCH = Pbx("3651D3296883", extensions=100, concurrent_calls=25)
DEPOT = Pbx("3651D3296884", extensions=20, concurrent_calls=10)


def test_only_what_is_missing_is_bought() -> None:
    previewed = preview(HERE, [HQ, BRANCH, DEPOT])

    assert {name: purchase.summary for name, purchase in previewed.purchases.items()} == {
        "hq": "buy 200 extensions (50 -> 250), 48 concurrent calls (12 -> 60)",
        "depot": "buy 20 concurrent calls (10 -> 30)",
    }
    assert previewed.refused == {}


def test_nothing_is_bought_while_an_order_is_open() -> None:
    ordered = Pbx("3651D3296884", extensions=20, concurrent_calls=10, orders=[Order("OQ1", concurrent_calls=5)])

    previewed = preview(HERE, [HQ, BRANCH, ordered])

    assert set(previewed.purchases) == {"hq"}
    assert "OQ1 (pending" in previewed.refused["depot"]


def test_an_order_above_the_limit_is_refused() -> None:
    previewed = preview(HERE, [HQ, BRANCH, DEPOT], config={"yspartner:limits": {"extensions": 100}})

    assert "200 extensions is above the limit of 100 per order" in previewed.refused["hq"]


def test_a_slip_in_the_file_names_the_pbx(tmp_path: Path) -> None:
    file = tmp_path / "fleet.yaml"
    file.write_text('- name: hq\n  serial_number: "3651D3296882"\n  extensions: "250"\n')

    with pytest.raises(pulumi.RunError, match=r'pbx 1 \("hq"\): extensions: Input should be a valid integer'):
        preview(HERE, [HQ], config={"file": str(file)})
