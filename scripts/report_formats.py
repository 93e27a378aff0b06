"""What the files of a report have to be for the programs that read them: JSON by the schemas of
docs/schema, JUnit XML and Chrome traces by the rules that their readers go by, SARIF by a schema.

What a schema cannot say of a trace (arrows in pairs, within slices) and of JUnit (sums) is code.
"""

import json
import os
import pathlib
import xml.etree.ElementTree

SCHEMAS = pathlib.Path(__file__).resolve().parent.parent / "docs/schema"
# The standard's own schema, of which no copy may lie here: checked as well where it is given.
OFFICIAL_SARIF = os.environ.get("KQ_SARIF_SCHEMA")


def load_schemas():
    return {path.name: json.loads(path.read_text()) for path in SCHEMAS.glob("*.schema.json")}


def strict(schema):
    """The schema without room for members that it does not name: what this version writes."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(part) for name, part in schema.items()}
    if isinstance(schema.get("properties"), dict) and schema.get("type") == "object":
        closed.setdefault("additionalProperties", False)
    return closed


# Calls that make an event ready.
TRIGGERS = ("write", "fill", "connect", "close", "shutdown", "read", "drain", "trigger", "raise",
            "kill", "exit", "kevent", "chmod", "unlink", "rename", "link", "truncate")


class Schemas:
    def __init__(self):
        import jsonschema  # pylint: disable=import-outside-toplevel
        self.jsonschema = jsonschema
        self.store = {name: strict(schema) for name, schema in load_schemas().items()}
        for schema in self.store.values():
            jsonschema.Draft7Validator.check_schema(schema)

    def errors(self, name, value):
        schema = self.store[name]
        resolver = self.jsonschema.RefResolver("", schema, store=self.store)
        checker = self.jsonschema.Draft7Validator(
            schema, resolver=resolver, format_checker=self.jsonschema.FormatChecker())
        return [f"{'/'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in checker.iter_errors(value)]

    def sarif_errors(self, value):
        errors = self.errors("sarif.schema.json", value)
        if OFFICIAL_SARIF:
            official = json.loads(pathlib.Path(OFFICIAL_SARIF).read_text())
            checker = self.jsonschema.validators.validator_for(official)(official)
            errors += [error.message[:200] for error in checker.iter_errors(value)]
        for run in value.get("runs", []) if not errors else []:
            rules = run["tool"]["driver"]["rules"]
            for result in run["results"]:
                index = result["ruleIndex"]
                if index >= len(rules) or rules[index]["id"] != result["ruleId"]:
                    errors.append(f"ruleIndex {index} is not {result['ruleId']}")
        return errors


def trace_errors(trace):
    """What Perfetto's importer asks of slices and arrows, beyond the schema."""
    errors, slices, arrows, named = [], {}, {}, set()
    for event in trace["traceEvents"]:
        track = (event["pid"], event["tid"])
        if event["ph"] == "M" and event["name"] == "thread_name":
            named.add(track)
        if event["ph"] == "X":
            slices.setdefault(track, []).append(
                (event["ts"], event["ts"] + event["dur"], event["name"]))
        if event["ph"] in "sf":
            arrows.setdefault(event["id"], []).append(event)
    for track, calls in slices.items():
        if track not in named:
            errors.append(f"track {track} has no name")
        calls.sort()
        for before, after in zip(calls, calls[1:]):
            # A hair's breadth is the rounding of a sum.
            if after[0] < before[1] - 1e-6:
                errors.append(f"slices overlap: {before[2]} and {after[2]}")
    for number, ends in arrows.items():
        if [end["ph"] for end in ends] != ["s", "f"]:
            errors.append(f"arrow {number} has no start and finish")
            continue
        start, finish = ends
        if start["ts"] > finish["ts"]:
            errors.append(f"arrow {number} goes back in time")
        if (start["name"], start["cat"]) != (finish["name"], finish["cat"]):
            errors.append(f"the ends of arrow {number} are not called the same")
        for end in ends:
            # The slice that began last is the one that an arrow is bound to.
            begun = [one for one in slices.get((end["pid"], end["tid"]), []) if one[0] <= end["ts"]]
            if not begun or max(begun)[1] < end["ts"]:
                errors.append(f"arrow {number} is bound to no slice")
                continue
            ident, kind = end["name"].split()[:2]
            called = max(begun)[2]
            # As litmus programs write it, and as a log does.
            delivers = f"({ident} {kind}" in called.split("=>")[-1] or \
                f"{kind} ident {ident} " in called.split(") = ")[-1]
            if end["ph"] == "f" and not delivers:
                errors.append(f"arrow {number} ends at {called}, which does not deliver it")
            if end["ph"] == "s" and not called.startswith(TRIGGERS):
                errors.append(f"arrow {number} starts at {called}, which triggers nothing")
    return errors


def number_of(element, name):
    text = element.get(name)
    return float(text) if name == "time" else int(text)


def junit_errors(text):
    """The attributes and children that the readers of JUnit XML agree upon, and the sums."""
    try:
        root = xml.etree.ElementTree.fromstring(text)
    except xml.etree.ElementTree.ParseError as error:
        return [f"not XML: {error}"]
    errors = []
    if root.tag != "testsuites":
        return [f"the root is {root.tag}, not testsuites"]
    counts = ("tests", "failures", "errors", "skipped")
    sums = dict.fromkeys(counts, 0)
    for suite in root:
        if suite.tag != "testsuite" or not suite.get("name"):
            errors.append(f"a child of the root is {suite.tag}, or without a name")
            continue
        try:
            stated = {name: number_of(suite, name) for name in counts}
            number_of(suite, "time")
        except (TypeError, ValueError):
            errors.append(f"suite {suite.get('name')} lacks a count")
            continue
        order = [child.tag for child in suite]
        if order != ["properties"] * (order[:1] == ["properties"]) + ["testcase"] * len(
                suite.findall("testcase")):
            errors.append(f"suite {suite.get('name')}: properties before test cases")
        seen = dict.fromkeys(counts, 0)
        for case in suite.findall("testcase"):
            seen["tests"] += 1
            if not case.get("name") or not case.get("classname"):
                errors.append("a test case without name or classname")
            for child in case:
                kind = {"failure": "failures", "error": "errors", "skipped": "skipped"}
                if child.tag not in kind or child.get("message") is None:
                    errors.append(f"a test case has {child.tag}, or one without a message")
                    continue
                seen[kind[child.tag]] += 1
            if len(case) > 1:
                errors.append("a test case with two results")
        if seen != stated:
            errors.append(f"suite {suite.get('name')} says {stated} and has {seen}")
        for name in counts:
            sums[name] += seen[name]
    if {name: root.get(name) for name in counts} != {k: str(v) for k, v in sums.items()}:
        errors.append(f"the root's counts are not the sum of the suites', {sums}")
    return errors


def document_errors(schemas, path):
    """Of one file, by its name and by what it says it is; None when it is none of ours."""
    text = path.read_text(encoding="utf-8")
    if path.name == "junit.xml":
        return junit_errors(text)
    value = json.loads(text)
    if path.suffix == ".sarif":
        return schemas.sarif_errors(value)
    if "traceEvents" in value:
        return schemas.errors("trace.schema.json", value) or trace_errors(value)
    names = {schema["properties"]["format"]["const"]: name
             for name, schema in schemas.store.items() if "format" in schema["properties"]}
    name = names.get(value.get("format"))
    return None if name is None else schemas.errors(name, value)
