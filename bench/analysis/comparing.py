"""Old against new: two result files, or two kqueues run in turns by child processes.

Only the subject's own rows are compared: "by:kqueue", or all of a file that knows no contenders.
The noise floor of a row comes from what ran twice in the same job: "by:kqueue.again" in a file, a
second series of the old kqueue when children run in turns; where nothing did, from every other
repetition against the rest.
"""

import measures
import tables
from samples import BadInput, printable

FEWEST = 3  # fewer values have no interval worth the name
ENOUGH = 9  # compare.py's "optimal" number of repetitions


def subject_rows(rows):
    """The rows to compare, by name."""
    named = {name: row for name, row in rows.items() if row.contender == "kqueue"}
    chosen = named or {name: row for name, row in rows.items()
                       if row.contender not in ("kqueue.again", "peer")}
    return {name: row for name, row in chosen.items() if row.real}


def floor_of(rows, name, time):
    """The noise floor of one row of one file."""
    row = rows[name]
    again = rows.get(name.replace("/by:kqueue/", "/by:kqueue.again/"))
    first, second = getattr(row, time), None
    if again is not None and again is not row and getattr(again, time):
        second = getattr(again, time)
    else:
        first, second = measures.halves(first)
    return measures.noise_floor(first, second, name) if first and second else float("inf")


def compare(old_rows, new_rows, again_rows=None, time="real"):
    """name -> Comparison, for what both have."""
    old, new = subject_rows(old_rows), subject_rows(new_rows)
    result = {}
    for name in old:
        if name not in new:
            continue
        before, after = getattr(old[name], time), getattr(new[name], time)
        if min(len(before), len(after)) < FEWEST:
            raise BadInput(f"{printable(name)}: {min(len(before), len(after))} repetitions, "
                           f"at least {FEWEST} are needed (better {ENOUGH})")
        if again_rows is not None and name in again_rows and getattr(again_rows[name], time):
            floor = measures.noise_floor(before, getattr(again_rows[name], time), name)
        else:
            floor = max(floor_of(old_rows, name, time), floor_of(new_rows, name, time))
        result[name] = measures.Comparison(before, after, floor, name)
    if not result:
        raise BadInput("the two have no measurement in common")
    return result


def report(comparisons):
    lines = [(printable(name), tables.duration(c.old), tables.duration(c.new),
              tables.factor(c.ratio), tables.interval(c.low, c.high), tables.percent(c.floor),
              tables.chance(c.p), c.word) for name, c in comparisons.items()]
    return tables.table(["measurement", "old", "new", "new/old", "95 % interval", "noise floor",
                         "p", "that is"], lines)


def slower(comparisons, percent):
    """The names of what is slower by more than that, really."""
    return [name for name, c in comparisons.items()
            if c.real and c.ratio > 1 + percent / 100]
