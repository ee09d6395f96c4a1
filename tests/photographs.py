"""Photographs of every page of the site and the report, to be looked at: ``make photographs``.

Each page is shown at three widths, light and dark. Printed are the weight of each page and its
height in screens, and what a reader would stumble over: a page that scrolls sideways, or an error
in the browser's console.
"""

import base64
import itertools
import sys
from pathlib import Path

from browser import Browser, what_is_missing

BUILD = Path(__file__).parent.parent / "build"
WIDTHS, THEMES, HEIGHT = (390, 1280, 1920), ("light", "dark"), 900
LONGEST = 15_000  # pixels; Chromium photographs no longer page
DRAWN = "[...document.querySelectorAll('.plotly-graph-div')].every((d) => d.querySelector('svg'))"
SETTLED = "new Promise((done) => setTimeout(done, 700))"


def pages(folder):
    """Those that a reader opens; explorers stand in their notebooks, too."""
    found = (path.relative_to(folder) for path in folder.rglob("*.html"))
    return sorted(
        p for p in found if p.parts[0] != "_static" and not p.name.startswith("explorer_")
    )


def photograph(browser, path, width, out):
    """Write a page as a picture; its height, and what is wrong with it, in words."""
    browser.resize(width, HEIGHT)
    browser.errors.clear()
    browser.open(path.as_uri())
    browser.wait_for(DRAWN)
    browser.run(SETTLED)
    page = "document.documentElement"
    height, beside = browser.run(f"[{page}.scrollHeight, {page}.scrollWidth - {page}.clientWidth]")
    shown = min(height, LONGEST)
    browser.resize(width, shown)
    browser.run(SETTLED)
    area = {"x": 0, "y": 0, "width": width, "height": shown, "scale": 1}
    picture = browser.send("Page.captureScreenshot", format="png", clip=area)["data"]
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(base64.b64decode(picture))
    wrong = [f"scrolls sideways by {beside} px"] if beside > 0 else []
    return height, [*wrong, *browser.errors]


def main():
    """Photograph what ``make report`` and ``make site`` have left."""
    if what_is_missing():
        sys.exit(f"photographs need {what_is_missing()}")
    for folder in (BUILD / "report", BUILD / "site"):
        for name in pages(folder):
            heights, wrong = {}, []
            with Browser(WIDTHS[0], HEIGHT) as browser:
                for theme, width in itertools.product(THEMES, WIDTHS):
                    browser.theme(theme)
                    picture = f"{'_'.join(name.with_suffix('').parts)}_{width}_{theme}.png"
                    out = BUILD / "photographs" / folder.name / picture
                    heights[width], found = photograph(browser, folder / name, width, out)
                    wrong += [f"{width} px, {theme}: {words}" for words in found]
            weight = (folder / name).stat().st_size / 1e3
            screens = "/".join(f"{height / HEIGHT:.0f}" for height in heights.values())
            said = "; ".join(wrong) or "nothing wrong"
            print(f"{folder.name}/{name}: {weight:.0f} kB, {screens} screens, {said}", flush=True)


if __name__ == "__main__":
    main()
