"""A page in Chromium: the document after it was loaded, what it complained about, and whom it
asked for something.

No host has an address, and the browser's own record of the network says what the page asked for, as
distinct from the browser's own errands. That this sees what it is for is shown before any page is
judged: a page with a planted error, a planted request and a planted script has to be caught.
"""

import html.parser
import json
import pathlib
import re
import shutil
import struct
import subprocess
import tempfile
import zlib

# The first has no windows, a third of the packages, and starts three times as fast.
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# The browser's own errands are not the page's.
QUIET = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-extensions",
         "--disable-default-apps", "--disable-domain-reliability", "--no-pings",
         "--metrics-recording-only",
         "--hide-scrollbars", "--disable-dev-shm-usage", "--force-device-scale-factor=1",
         "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--v=0")
PLANTED = """<!doctype html><title>planted</title><p>before</p>
<img src="http://planted.invalid/image.png"><script>
document.querySelector("p").textContent = "ran"; console.error("planted error");</script>"""
LONGEST = 120  # seconds, after which a browser is ended: no verdict, an error


class BrowserError(Exception):
    """The browser does not do what it is for."""


class NoBrowser(BrowserError):
    """None is installed, or this machine does not let it run (it wants namespaces, and memory)."""


def requests_in(record):
    """What a page asked for. The browser's own requests come from "not an origin"."""
    try:
        events = json.loads(record)["events"]
    except json.JSONDecodeError:  # it ended without closing the list
        events = json.loads(record.rstrip().rstrip(",") + "]}")["events"]
    given = [event.get("params", {}) for event in events]
    return sorted({one["url"] for one in given
                   if "url" in one and one.get("initiator", "not an origin") != "not an origin"})


class Browser:
    def __init__(self):
        found = [path for path in map(shutil.which, PROGRAMS) if path]
        if not found:
            raise NoBrowser("no browser: scripts/setup --with browser")
        self.program = found[0]

    def run(self, page, *more):
        """Returns what is on standard output, the console's lines, and the requests."""
        with tempfile.TemporaryDirectory() as profile:
            record = pathlib.Path(profile) / "network.json"
            command = [self.program, *QUIET, f"--user-data-dir={profile}",
                       f"--log-net-log={record}", *more, pathlib.Path(page).resolve().as_uri()]
            try:
                ran = subprocess.run(command, capture_output=True, check=False, timeout=LONGEST)
            except subprocess.TimeoutExpired:
                raise BrowserError(f"{self.program} does not end") from None
            asked = requests_in(record.read_text()) if record.exists() else None
        said = ran.stderr.decode("utf-8", "replace").splitlines()
        if ran.returncode != 0:
            raise BrowserError(f"{self.program}: exit {ran.returncode}: {said[-1:]}")
        if asked is None:
            raise BrowserError(f"{self.program} keeps no record of the network")
        console = [line for line in said if ":CONSOLE" in line]
        return ran.stdout.decode("utf-8"), console, asked

    def open(self, page):
        return self.run(page, "--virtual-time-budget=2000", "--dump-dom")

    def screenshot(self, page, picture, width, height, dark=False):
        self.run(page, f"--screenshot={pathlib.Path(picture).resolve()}",
                 f"--window-size={width},{height}",
                 f"--blink-settings=preferredColorScheme={0 if dark else 1}")

    def must_catch_what_is_planted(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "planted.html"
            page.write_text(PLANTED)
            try:
                document, console, asked = self.open(page)
            except BrowserError as error:
                raise NoBrowser(f"no browser that runs here: {error}") from None
        if not any("planted error" in line for line in console):
            raise BrowserError("an error that was planted is not reported")
        if not any("planted.invalid" in line for line in asked):
            raise BrowserError("a request that was planted is not seen")
        if "ran" not in document:
            raise BrowserError("the document is not what the page became")


class Elements(html.parser.HTMLParser):
    """What a reader without eyes or without a mouse relies on."""

    def __init__(self, document):
        super().__init__()
        self.errors, self.headings, self.counts, self.links = [], [], {}, []
        self.open_svg, self.text = None, []
        self.feed(document)
        if self.counts.get("main", 0) != 1 or self.counts.get("h1", 0) != 1:
            self.errors.append("not one <main> with one <h1>")
        for before, after in zip(self.headings, self.headings[1:]):
            if after > before + 1:
                self.errors.append(f"h{after} follows h{before}")

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.counts[tag] = self.counts.get(tag, 0) + 1
        if tag == "html" and not given.get("lang"):
            self.errors.append("no language")
        if tag in ("script", "iframe", "object", "embed", "link", "img", "form"):
            self.errors.append(f"a <{tag}>")
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "th" and "scope" not in given:
            self.errors.append("a <th> without scope")
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "svg" and given.get("role") != "img":
            self.errors.append("a drawing without role=img")
        if given.get("tabindex") and not given.get("aria-label"):
            self.errors.append(f"a <{tag}> that takes the focus and has no name")
        for name, value in attrs:
            if name in ("src", "srcset", "action") or name.startswith("on"):
                self.errors.append(f"<{tag} {name}={value}>")

    def handle_data(self, data):
        self.text.append(data)


def page_errors(browser, page, expected):
    """Of one page: what it says, whom it asks, what it complains of, where its links lead."""
    page = pathlib.Path(page)
    document, console, asked = browser.open(page)
    errors = [f"on the console: {line}" for line in console]
    errors += [f"asked for {line}" for line in asked]
    elements = Elements(document)
    errors += elements.errors
    text = re.sub(r"\s+", " ", "".join(elements.text))
    errors += [f"does not say '{part}'" for part in expected if part not in text]
    for link in elements.links:
        if re.match("[a-z]+:", link) or not (page.parent / link.replace("%20", " ")).exists():
            errors.append(f"a link leads to {link}, where nothing is")
    if re.search(r"@import|url\(", page.read_text()):
        errors.append("its style fetches something")
    return [f"{page.name}: {error}" for error in errors], elements.links


def brightness(picture):
    """0 to 255, of the picture's first row: the background, as the browser painted it."""
    data = pathlib.Path(picture).read_bytes()
    at, packed, channels = 8, b"", 3
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width = struct.unpack(">I", data[at + 8:at + 12])[0]
            channels = {2: 3, 6: 4}[data[at + 17]]
        if kind == b"IDAT":
            packed += data[at + 8:at + 8 + length]
        at += length + 12
    row = bytearray(zlib.decompress(packed)[:1 + width * channels])
    kind, row = row[0], row[1:]
    # Above the first row is nothing: only what stands to the left is added (Sub, Paeth), or half.
    for i in range(channels, len(row)):
        left = row[i - channels]
        row[i] = (row[i] + {0: 0, 1: left, 2: 0, 3: left // 2, 4: left}[kind]) & 255
    return sum(row[:channels * width]) / len(row)
