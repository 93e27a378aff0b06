"""Results of kq_bench, or of any Google Benchmark program, read from a file that anyone wrote.

Whatever is not a measurement in the form that Google Benchmark writes is refused with one line that
names the file: a number that is none would otherwise come out at the end as a statistic.
"""

import json
import math
import re

LARGEST_FILE = 256 << 20  # a full run is 10 MB
NANOSECONDS = {"ns": 1.0, "us": 1e3, "ms": 1e6, "s": 1e9}
CONTENDER = re.compile(r"/by:([^/]+)")


class BadInput(Exception):
    """What a person gave cannot be used; the text is one clear line."""


class Row:
    """One measurement: its repetitions in the order of their indexes."""

    def __init__(self, name):
        self.name = name
        self.real = []  # nanoseconds per iteration
        self.cpu = []
        self.counters = {}  # name -> values
        self.label = ""
        self.error = ""

    @property
    def family(self):
        """The same for all contenders for one piece of work."""
        return CONTENDER.sub("", self.name, count=1)

    @property
    def contender(self):
        found = CONTENDER.search(self.name)
        return found.group(1) if found else ""


def printable(text, limit=300):
    """Text of a stranger on one line of a terminal."""
    clean = "".join(c if c.isprintable() else "?" for c in text)
    return clean if len(clean) <= limit else clean[:limit] + "..."


def number(value, what):
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise BadInput(f"{what} is not a number")
    try:
        result = float(value)
    except OverflowError:
        result = math.inf
    if not math.isfinite(result):
        raise BadInput(f"{what} is not finite")
    return result


def duration(entry, key, unit):
    what = f"{key} of {printable(entry['name'])!r}"
    value = number(entry.get(key), what) * NANOSECONDS[unit]
    if value < 0 or not math.isfinite(value):
        raise BadInput(f"{what} is not a duration")
    return value


STANDARD = {"family_index", "per_family_instance_index", "repetitions", "repetition_index",
            "threads", "iterations", "real_time", "cpu_time"}


def add_entry(rows, entry):
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str) or not entry["name"]:
        raise BadInput("a benchmark without a name")
    if entry.get("run_type", "iteration") != "iteration":
        return  # an aggregate, which says nothing that the repetitions do not
    name = entry["name"]
    row = rows.setdefault(name, Row(name))
    if entry.get("error_occurred"):
        row.error = printable(str(entry.get("error_message", "failed")))
        return
    unit = entry.get("time_unit", "ns")
    if not isinstance(unit, str) or unit not in NANOSECONDS:
        raise BadInput(f"time_unit of {printable(name)!r} is not ns, us, ms or s")
    row.real.append(duration(entry, "real_time", unit))
    row.cpu.append(duration(entry, "cpu_time", unit))
    if isinstance(entry.get("label"), str):
        row.label = printable(entry["label"])
    for key, value in entry.items():
        if key in STANDARD or isinstance(value, (bool, str)) or not isinstance(value, (int, float)):
            continue
        row.counters.setdefault(key, []).append(number(value, f"{printable(key)!r}"))


def rows_of(document):
    """Name -> Row of a parsed document; BadInput when it is not one."""
    if not isinstance(document, dict) or not isinstance(document.get("benchmarks"), list):
        raise BadInput("no list of benchmarks in it")
    rows = {}
    entries = document["benchmarks"]
    for entry in sorted(entries, key=repetition):
        add_entry(rows, entry)
    if not any(row.real for row in rows.values()):
        raise BadInput("no measurement in it")
    return rows


def repetition(entry):
    index = entry.get("repetition_index", 0) if isinstance(entry, dict) else 0
    return index if isinstance(index, int) and not isinstance(index, bool) else 0


def parse(text):
    try:
        return json.loads(text)
    except RecursionError:
        raise BadInput("nested too deeply") from None
    except ValueError as error:
        raise BadInput(f"not JSON: {printable(str(error))}") from None


def load(path):
    """(rows, context) of a result file."""
    shown = printable(path)
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise BadInput(f"{shown}: {error.strerror}") from None
    try:
        if len(data) > LARGEST_FILE:
            raise BadInput(f"larger than {LARGEST_FILE >> 20} MB")
        document = parse(data.decode("utf-8"))
        context = document.get("context") if isinstance(document, dict) else None
        return rows_of(document), context if isinstance(context, dict) else {}
    except UnicodeDecodeError:
        raise BadInput(f"{shown}: not UTF-8") from None
    except BadInput as error:
        raise BadInput(f"{shown}: {error}") from None
