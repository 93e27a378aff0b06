"""Tables as Markdown, which a terminal, a page of the documentation and a person all read."""

import math


def escaped(text):
    return str(text).replace("|", "\\|").replace("\n", " ")


def table(header, lines):
    """Columns padded to one width; the first is text, the others are numbers or words."""
    cells = [[escaped(cell) for cell in line] for line in [header, *lines]]
    widths = [max(3, *(len(line[i]) for line in cells)) for i in range(len(header))]

    def row(line):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths)) + " |"

    rule = "| " + " | ".join("-" * width for width in widths) + " |"
    return "\n".join([row(cells[0]), rule, *(row(line) for line in cells[1:])]) + "\n"


def duration(nanoseconds):
    for unit, size in (("ns", 1), ("us", 1e3), ("ms", 1e6), ("s", 1e9)):
        if nanoseconds < 1000 * size or unit == "s":
            value = nanoseconds / size
            return f"{value:.0f} {unit}" if unit == "ns" else f"{value:.3g} {unit}"
    return ""


def factor(value):
    return f"{value:.2f}" if math.isfinite(value) else "-"


def interval(low, high):
    return f"{factor(low)} to {factor(high)}"


def percent(part):
    return f"{100 * part:.1f} %" if math.isfinite(part) else "-"


def chance(p):
    return "<0.0001" if p < 0.0001 else f"{p:.4f}"
