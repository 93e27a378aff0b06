"""Charts of a run, drawn by gnuplot as SVG.

gnuplot reads text and is one package without anything to compile or to import, so the statistics
do not depend on it: without it a run has its tables and says that it has no charts.
"""

import os
import shutil
import subprocess

import measures
from sections import events_of

SIZE = "size 640,400"
STEP = 1.1  # of a logarithmic axis: closer points are one mark on top of another


def quoted(text):
    """A string of gnuplot's: single quotes, in which nothing but a quote means anything."""
    return "'" + text.replace("'", "''").replace("\n", " ") + "'"


def nanoseconds(row):
    return measures.median(row.real) / events_of(row.name)


def part(name, key):
    """The number behind "key:" in a name; None when there is none."""
    for piece in name.split("/"):
        if piece.startswith(key + ":") and piece[len(key) + 1:].isdigit():
            return int(piece[len(key) + 1:])
    return None


def series(rows, start, key, same=()):
    """contender -> [(number, ns per event)] over the rows of a question that differ in one key."""
    result = {}
    for row in rows.values():
        x = part(row.name, key)
        if (not row.real or x is None or not row.name.startswith(start)
                or row.contender == "kqueue.again"
                or any(part(row.name, other) != value for other, value in same)):
            continue
        result.setdefault(row.contender, []).append((x, nanoseconds(row)))
    return {who: sorted(points) for who, points in result.items() if len(points) > 1}


def lines_chart(title, x_label, y_label, data, log_x=True, log_y=False):
    """A gnuplot program with its data inside; None without data."""
    if not data:
        return None
    blocks = []
    for index, points in enumerate(data.values()):
        blocks.append(f"$d{index} << EOD\n"
                      + "".join(f"{x:g} {y:g}\n" for x, y in points) + "EOD\n")
    plots = ", ".join(f"$d{index} with linespoints title {quoted(who)} noenhanced"
                      for index, who in enumerate(data))
    return ("".join(blocks) + f"set title {quoted(title)} noenhanced\n"
            f"set xlabel {quoted(x_label)}\nset ylabel {quoted(y_label)}\n"
            "set key outside below\nset grid\n"
            + ("set logscale x\n" if log_x else "")
            + ("set logscale y\n" if log_y else "set yrange [0:]\n")
            + f"plot {plots}\n")


def histogram_points(text):
    """[(1/(1-quantile), value)] of a .hgrm file, as close as can be seen."""
    points = []
    for line in text.splitlines():
        fields = line.split()
        if len(fields) != 4 or not fields[0][0].isdigit():
            continue
        x = float(fields[3])
        if not points or x > points[-1][0] * STEP:
            points.append((x, float(fields[0])))
    return points


def latency_data(directory):
    data = {}
    if os.path.isdir(directory):
        for name in sorted(os.listdir(directory)):
            if not name.endswith(".hgrm") or "kqueue.again" in name:
                continue
            with open(os.path.join(directory, name), encoding="utf-8") as file:
                points = histogram_points(file.read())
            if points:
                data[name[:-len(".hgrm")].replace("wakeup-", "").replace("-by-", " by ")] = points
    return data


def programs(rows, histograms):
    """name -> (caption, gnuplot program)"""
    each = "ns per event"
    drawn = {
        "threads": ("DISPATCH cycle on pipes by threads", lines_chart(
            "DISPATCH cycle on pipes, one kqueue, lists of 64", "threads", each,
            series(rows, "delivery/dispatch/pipe/list:64/by:", "threads"))),
        "lists": ("DISPATCH cycle on pipes by length of the list", lines_chart(
            "DISPATCH cycle on pipes, one thread", "events in a list", each,
            series(rows, "delivery/dispatch/pipe/list:", "list", [("threads", 1)]))),
        "user": ("USER trigger by threads", lines_chart(
            "USER trigger to delivery, lists of 64", "threads", each,
            series(rows, "user_trigger/list:64/", "threads"))),
        "idle": ("DISPATCH cycle beside idle knotes", lines_chart(
            "DISPATCH cycle on 64 pipes beside idle knotes", "idle knotes", each,
            series(rows, "idle/", "idle"))),
        "latency": ("Latency of waking up", lines_chart(
            "From trigger to return", "1 / (1 - quantile)", "ns", latency_data(histograms),
            log_y=True)),
    }
    return {name: chart for name, chart in drawn.items() if chart[1]}


def draw(rows, histograms, directory):
    """(caption, file) of each chart that was drawn, and why there are none, if so."""
    gnuplot = shutil.which("gnuplot")
    if gnuplot is None:
        return [], "no charts: gnuplot is not installed"
    os.makedirs(directory, exist_ok=True)
    result = []
    for name, (caption, program) in programs(rows, histograms).items():
        path = os.path.join(directory, name + ".svg")
        text = (f"set terminal svg {SIZE} background rgb 'white'\n"
                f"set output {quoted(path)}\n{program}")
        answer = subprocess.run([gnuplot], input=text, capture_output=True, text=True, check=False)
        if answer.returncode != 0:
            return result, "no charts: gnuplot: " + " ".join(answer.stderr.split())[:200]
        result.append((caption, path))
    return result, ""
