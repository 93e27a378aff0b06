"""What a report says, as titled tables, and the two forms it is written in.

The same sections become a page to look at (with the charts inside) and Markdown for a terminal and
for the documentation, so neither can say what the other does not.
"""

import html

import measures
import tables


class Section:
    def __init__(self, title, text, header, lines):
        self.title, self.text, self.header, self.lines = title, text, header, lines

    def markdown(self, level="##"):
        return (f"{level} {self.title}\n\n{self.text}\n\n"
                f"{tables.table(self.header, self.lines)}\n")

    def html(self):
        def row(cells, tag):
            return "<tr>" + "".join(f"<{tag}>{html.escape(str(cell))}</{tag}>"
                                    for cell in cells) + "</tr>\n"
        return (f"<h2>{html.escape(self.title)}</h2>\n<p>{html.escape(self.text)}</p>\n<table>\n"
                + row(self.header, "th") + "".join(row(line, "td") for line in self.lines)
                + "</table>\n")


def events_of(name):
    """Events in an iteration: the list's length, where a name tells one."""
    for part in name.split("/"):
        if part.startswith("list:") and part[5:].isdigit():
            return max(1, int(part[5:]))
    return 1


def contenders(rows):
    """Every family with its contenders beside the kqueue: the price of an event."""
    families = {}
    for row in rows.values():
        if row.real and row.contender and not row.name.startswith(("memory/", "herd/", "wakeup/")):
            families.setdefault(row.family, {})[row.contender] = row
    lines = []
    for family, members in families.items():
        ours, again = members.get("kqueue"), members.get("kqueue.again")
        floor = (measures.noise_floor(ours.real, again.real, family)
                 if ours and again else float("inf"))
        for contender, row in sorted(members.items(), key=lambda item: item[0] != "kqueue"):
            if contender == "kqueue.again":
                continue
            each = tables.duration(measures.median(row.real) / events_of(row.name))
            if row is ours or ours is None:
                lines.append((family, contender, each, "1", "-", tables.percent(floor), "-"))
                continue
            compared = measures.Comparison(ours.real, row.real, floor, row.name)
            lines.append((family, contender, each, tables.factor(compared.ratio),
                          tables.interval(compared.low, compared.high), tables.percent(floor),
                          compared.word))
    text = ("Median time of an event (of a change, of a step) and that of the kqueue = 1; the "
            "noise floor is the kqueue against itself.")
    return Section("What it costs", text, ["work", "by", "each", "relative", "95 % interval",
                                           "noise floor", "than the kqueue"], lines)


def counted(rows, start, title, text, columns):
    """A table of counters: the median over the repetitions, or the greatest."""
    lines = []
    for row in rows.values():
        if not row.name.startswith(start) or row.contender == "kqueue.again" or not row.counters:
            continue
        cells = []
        for _, counter, form in columns:
            values = row.counters.get(counter)
            greatest = counter.startswith(("max", "resident"))
            cells.append(form(max(values) if greatest else measures.median(values))
                         if values else "-")
        lines.append((row.family.split("/iterations")[0], row.contender, *cells))
    return Section(title, text, ["work", "by", *(column[0] for column in columns)], lines)


def latencies(rows):
    return counted(rows, "wakeup/", "Waking a thread up",
                   "From just before the trigger to the return of the call that slept; medians of "
                   "the repetitions, the maximum of all.",
                   [("median", "p50_ns", tables.duration), ("99 %", "p99_ns", tables.duration),
                    ("99.9 %", "p999_ns", tables.duration), ("maximum", "max_ns", tables.duration)])


def herds(rows):
    return counted(rows, "herd/", "Thundering herds",
                   "How often the waiters together went to sleep, per event: 1 when nobody is "
                   "woken for nothing.",
                   [("sleeps per event", "sleeps_per_event", "{:.2f}".format)])


def memory(rows):
    return counted(rows, "memory/", "Memory",
                   "Per knote: what malloc() handed out, what became resident, and descriptors.",
                   [("knotes", "knotes", "{:.0f}".format),
                    ("heap bytes", "heap_bytes", "{:.0f}".format),
                    ("resident bytes", "resident_bytes", "{:.0f}".format),
                    ("descriptors", "descriptors", "{:.2f}".format)])


def all_of(rows):
    candidates = [contenders(rows), latencies(rows), herds(rows), memory(rows)]
    refused = [(row.name, row.error) for row in rows.values() if row.error]
    if refused:
        candidates.append(Section("Not measured", "With the reason.", ["measurement", "why"],
                                  refused))
    return [section for section in candidates if section.lines]


def page(title, facts, sections, charts):
    """charts: (caption, SVG text)"""
    drawings = "".join(f"<figure>{svg}<figcaption>{html.escape(caption)}</figcaption></figure>\n"
                       for caption, svg in charts)
    return (f"<!doctype html>\n<meta charset='utf-8'>\n<title>{html.escape(title)}</title>\n<style>"
            "body{font:14px sans-serif;margin:2em;max-width:80em}table{border-collapse:collapse}"
            "td,th{padding:.2em .7em;border-bottom:1px solid #ddd;text-align:left}"
            "figure{display:inline-block;margin:1em 1em 0 0}</style>\n"
            f"<h1>{html.escape(title)}</h1>\n<p>{html.escape(facts)}</p>\n{drawings}"
            + "".join(section.html() for section in sections))
