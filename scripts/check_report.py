#!/usr/bin/env python3
"""Are the reports that a campaign left what their readers take?

Usage: scripts/check_report.py [OUT] [--atlas PAGE] [--screenshot FILE] [--no-browser]

Validates every JSON, the SARIF and the JUnit XML in OUT (default: out) by docs/schema and by the
rules of their readers; opens OUT/index.html, every finding's page (twenty at most) and the atlas
of a survey in Chromium, light and dark, without a network, and fails on an error on the console, a
request, a script, a dead link, or what a screen reader stumbles over.

  --atlas PAGE       a page that kqtorture survey --atlas wrote, too
  --screenshot FILE  leave a picture of OUT/index.html there: its first 3000 pixels, in two columns
  --no-browser       the formats only

Exit: 0 all is well, 1 something is not, 2 usage, 77 without browser or python3-jsonschema.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import report_browser
import report_formats

MOST_PAGES = 20
COLUMN = (1010, 1500)  # width and height, as they fit beside each other on a page of the docs


def check_formats(out):
    errors, checked = [], 0
    schemas = report_formats.Schemas()
    for path in sorted(out.rglob("*")):
        if path.suffix not in (".json", ".sarif") and path.name != "junit.xml":
            continue
        if "jobs" in path.parts or not path.is_file():
            continue  # what the programs of a campaign tell it
        try:
            found = report_formats.document_errors(schemas, path)
        except (ValueError, KeyError) as error:
            found = [str(error)]
        if found is None:
            continue
        checked += 1
        errors += [f"{path}: {error}" for error in found]
    return errors, checked


def in_columns(page):
    """A page that shows another one twice, the second time from where the first one ends."""
    width, height = COLUMN
    frame = (f'<div><iframe src="{page}" style="margin-top:{{}}px"></iframe></div>')
    return (f"<!doctype html><style>body{{margin:0;display:flex}}div{{width:{width}px;height:"
            f"{height}px;overflow:hidden}}iframe{{border:0;width:{width}px;height:{3 * height}px}}"
            f"</style>{frame.format(0)}{frame.format(-height)}")


def check_pages(out, atlas, screenshot):
    browser = report_browser.Browser()
    browser.must_catch_what_is_planted()
    results = json.loads((out / "results.json").read_text())
    expected = [f"seed {results['seed']}", *(engine["name"] for engine in results["engines"])]
    found = [one for engine in results["engines"] for one in engine["findings"]]
    errors, links = report_browser.page_errors(browser, out / "index.html", expected)
    pages = {out / "pages" / (pathlib.Path(one["file"]).stem + ".html"): one for one in found}
    for page in pages:
        if f"pages/{page.name}" not in links:
            errors.append(f"index.html: no link to {page}")
    for page, one in list(pages.items())[:MOST_PAGES]:
        errors += report_browser.page_errors(browser, page, [one["verdict"]])[0]
    if atlas:
        errors += report_browser.page_errors(browser, atlas, ["nearest profile", "deviations"])[0]
    with tempfile.TemporaryDirectory() as folder:
        shades = []
        for dark in (False, True):
            picture = pathlib.Path(folder) / f"{dark}.png"
            browser.screenshot(out / "index.html", picture, 900, 600, dark)
            shades.append(report_browser.brightness(picture))
    if not (shades[0] > 200 and shades[1] < 60):
        errors.append(f"index.html: light is {shades[0]:.0f} of 255, dark {shades[1]:.0f}")
    if screenshot:
        with tempfile.TemporaryDirectory() as folder:
            columns = pathlib.Path(folder) / "columns.html"
            columns.write_text(in_columns((out / "index.html").resolve().as_uri()))
            browser.screenshot(columns, screenshot, 2 * COLUMN[0], COLUMN[1])
    return errors, 1 + min(len(pages), MOST_PAGES) + bool(atlas)


def main():
    parser = argparse.ArgumentParser(
        usage="check_report.py [OUT] [--atlas PAGE] [--screenshot FILE] [--no-browser]",
        add_help=False)
    parser.add_argument("out", nargs="?", default="out", type=pathlib.Path)
    parser.add_argument("--atlas", type=pathlib.Path)
    parser.add_argument("--screenshot")
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--help", "-h", action="store_true")
    options = parser.parse_args()
    if options.help:
        print(__doc__)
        return 0
    if not (options.out / "results.json").is_file():
        print(f"check_report.py: {options.out}: no results.json", file=sys.stderr)
        return 2
    try:
        errors, formats = check_formats(options.out)
        pages = 0
        if not options.no_browser:
            more, pages = check_pages(options.out, options.atlas, options.screenshot)
            errors += more
    except ImportError:
        print("skipped: python3-jsonschema is not installed (scripts/setup)")
        return 77
    except report_browser.NoBrowser as error:
        print("skipped:", error)
        return 77
    except report_browser.BrowserError as error:
        print("FAILED", error)
        return 1
    for error in errors:
        print("FAILED", error)
    print(f"{formats} files by their formats, {pages} pages in a browser: {len(errors)} errors")
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
