"""Takes the pictures in docs/images: the page of a recorded preview, on a desk and on a phone, and that of the sandbox.

    make screenshots

What they show is always the same; how letters look depends on the machine's fonts.
"""

import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from pulumi_yspartner.sandbox import Portal, SandboxServer

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PREVIEWS = ROOT / "tests" / "review" / "previews"

sys.path.insert(0, str(ROOT / "tools" / "browser"))
import ensure  # noqa: E402

SHOTS = {
    "review-page.png": {"viewport": {"width": 1100, "height": 900}, "color_scheme": "light"},
    "review-page-phone.png": {"viewport": {"width": 375, "height": 1120}, "color_scheme": "dark"},
    "sandbox-page.png": {"viewport": {"width": 640, "height": 943}, "color_scheme": "light"},
}

HQ, BRANCH = "3651D3296882", "3651D3296883"


def write_page(file: Path) -> None:
    """The page, as the command writes it."""
    arguments = ["everything.json", "--plan", "everything.plan.json", "--limits", '{"extensions": 500}', "--html", file]
    subprocess.run([sys.executable, "-m", "pulumi_yspartner", "review", *arguments], cwd=PREVIEWS, check=True)


def sandbox() -> Portal:
    """A portal with a pending order on top of older ones, at a time that is always the same."""
    portal = Portal()
    portal.clock.advance(seconds=datetime(2026, 3, 2, 9, 30, tzinfo=UTC).timestamp() - time.time())
    portal.add_pbx(HQ, extensions=50, concurrent_calls=12)
    portal.add_pbx(BRANCH, extensions=100, concurrent_calls=25)
    for order in (
        portal.place_elsewhere(
            BRANCH, extensions=20, status="cancelled", po_number="PO 2024-5 YS-M4V7QK2HSZTA", age_hours=30
        ),
        portal.place_elsewhere(BRANCH, extensions=20, po_number="PO 2024-6 YS-X2RDBN5LQEWC", age_hours=26),
        portal.place_elsewhere(
            HQ, extensions=200, concurrent_calls=48, status="pending", po_number="PO 2024-7 YS-K3JQ6ZTQ4BXA"
        ),
    ):
        order.via = "api"  # as Pulumi would have placed them
    return portal


def take(browser: Browser, directory: Path) -> None:
    """Write the pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, SandboxServer(sandbox()) as server:
        page_file = Path(folder) / "review.html"
        write_page(page_file)
        for name, options in SHOTS.items():
            context = browser.new_context(**options)
            page = context.new_page()
            page.goto(f"{server.url}/" if name.startswith("sandbox") else page_file.as_uri())
            page.screenshot(path=directory / name)
            context.close()


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure.ensure(), args=list(ensure.flags()))
        take(browser, IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
