"""How long a report takes to open in headless Chromium: until its load event, six times at each of two widths.

Usage: python bench/report_opening.py runs/NAME/report.html. Needs the extra `dev` and Chromium.
"""

import argparse
import json
import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTHS = (1280, 390)
TIMES = 6
LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("report", type=Path)
    report = parser.parse_args().report.resolve()
    found: dict[str, list[float]] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        for width in WIDTHS:
            for _ in range(TIMES):
                page = browser.new_page(viewport={"width": width, "height": 900})
                page.goto(report.as_uri())
                found.setdefault(f"{width} px", []).append(round(page.evaluate(LOADED), 2))
                page.close()
        browser.close()
    print(json.dumps({"megabytes": round(report.stat().st_size / 1e6, 1), "seconds": found}))


if __name__ == "__main__":
    main()
