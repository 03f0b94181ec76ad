"""Takes the pictures in docs/images: the page of a recorded preview, on a desk and on a phone.

    make screenshots

What they show is always the same; how letters look depends on the machine's fonts.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PREVIEWS = ROOT / "tests" / "review" / "previews"

sys.path.insert(0, str(ROOT / "tools" / "browser"))
import ensure  # noqa: E402

SHOTS = {
    "review-page.png": {"viewport": {"width": 1100, "height": 900}, "color_scheme": "light"},
    "review-page-phone.png": {"viewport": {"width": 375, "height": 1120}, "color_scheme": "dark"},
}


def write_page(file: Path) -> None:
    """The page, as the command writes it."""
    arguments = ["everything.json", "--plan", "everything.plan.json", "--limits", '{"extensions": 500}', "--html", file]
    subprocess.run([sys.executable, "-m", "pulumi_yspartner", "review", *arguments], cwd=PREVIEWS, check=True)


def take(browser: Browser, directory: Path) -> None:
    """Write the pictures into a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        page_file = Path(folder) / "review.html"
        write_page(page_file)
        for name, options in SHOTS.items():
            context = browser.new_context(**options)
            page = context.new_page()
            page.goto(page_file.as_uri())
            page.screenshot(path=directory / name)
            context.close()


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=ensure.ensure(), args=list(ensure.flags()))
        take(browser, IMAGES)
        browser.close()


if __name__ == "__main__":
    main()
