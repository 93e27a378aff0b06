"""What libkq has to keep up with: every requirement with what was measured, one table.

A ratio is the median time of the other divided by the median time of the kqueue, so 2 is twice as
fast, and "at least" is read as it stands. No row is about an absolute time.
"""

import measures
import tables
from sections import Section

THREADS = (1, 2, 4)
OBJECTS = ("pipe", "eventfd", "socketpair")
MOST_BYTES = 200  # of heap, for a READ knote among 10^5
MOST_STEEP = 1.20  # the dearest of 10 to 10^5 idle knotes over the cheapest
TOO_NOISY = 0.1  # half of what the requirements leave between met and missed
IDLE = (10, 100, 1000, 10_000, 100_000)


class Requirement:
    """One kind of work, and the ratio to reach against each other contender (None: only told)."""

    def __init__(self, title, names, others):
        self.title, self.names, self.others = title, names, others


def delivery(discipline, objects):
    return [f"delivery/{discipline}/{kind}/list:64" for kind in objects]


REQUIREMENTS = (
    Requirement("DISPATCH + ENABLE", delivery("dispatch", OBJECTS),
                {"epoll+FIONREAD": 1.0, "epoll": 0.95, "peer": 1.5}),
    Requirement("ONESHOT + re-ADD", delivery("oneshot", OBJECTS), {"epoll": 1.2, "peer": 1.0}),
    Requirement("CLEAR", delivery("clear", OBJECTS),
                {"epoll+FIONREAD": 0.95, "epoll": None, "peer": 1.0}),
    Requirement("USER trigger", ["user_trigger/list:64"], {"eventfd": 2.0, "peer": 1.5}),
    Requirement("ADD + DELETE", ["registration/add+delete/list:64"], {"epoll": 0.9, "peer": 1.0}),
)

# What a contender of a question does.
RAW = {"delivery/dispatch": "EPOLLONESHOT + MOD", "delivery/oneshot": "DEL + ADD",
       "delivery/clear": "EPOLLET", "registration": "epoll_ctl", "user_trigger": "edge-triggered"}


def described(name, other):
    if other == "peer":
        return "peer"
    raw = next((text for start, text in RAW.items() if name.startswith(start)), "")
    return f"{other}, {raw}" if raw else other


def full_name(name, contender, threads):
    return f"{name}/by:{contender}/real_time/threads:{threads}"


def idle_name(count, contender="kqueue"):
    return full_name(f"idle/dispatch/pipe/list:64/idle:{count}", contender, 1)


def memory_name():
    return "memory/read/knotes:100000/by:kqueue/iterations:1"


def groups():
    """What has to be measured: lists of full names that belong into one process."""
    result = []
    for requirement in REQUIREMENTS:
        for name in requirement.names:
            for threads in THREADS:
                contenders = ("kqueue", "kqueue.again", *requirement.others)
                result.append([full_name(name, who, threads) for who in contenders])
    result.append([idle_name(count, who) for count in IDLE for who in ("kqueue", "kqueue.again")])
    result.append([memory_name()])
    return result


def values(rows, name, time):
    row = rows.get(name)
    return getattr(row, time) if row is not None else []


class Verdicts:
    """The lines of the table, and whether all that could be judged was met."""

    def __init__(self):
        self.lines, self.missed, self.judged, self.noisy = [], 0, 0, 0

    def add(self, what, other, measured, interval, floor, wanted, met, noisy=False):
        word = "told" if met is None else "met" if met else "not met"
        if met is not None:
            self.judged += 1
            self.missed += not met
            word += ", within noise" if noisy else ""
        self.lines.append((what, other, measured, interval, floor, wanted, word))


def judge_ratio(verdicts, rows, name, threads, other, least, time):
    ours = values(rows, full_name(name, "kqueue", threads), time)
    theirs = values(rows, full_name(name, other, threads), time)
    again = values(rows, full_name(name, "kqueue.again", threads), time)
    title = f"{name}, {threads} thread{'s' if threads > 1 else ''}"
    if not ours or not theirs:
        row = rows.get(full_name(name, other, threads)) or rows.get(
            full_name(name, "kqueue", threads))
        why = row.error if row is not None and row.error else "not measured"
        if other != "peer" or (row is not None and row.error):
            verdicts.lines.append((title, described(name, other), "-", "-", "-",
                                   tables.factor(least) if least else "-", why))
        return
    ratio = measures.ratio(theirs, ours)
    floor = measures.noise_floor(ours, again, name) if again else float("inf")
    met = None if least is None else ratio >= least
    verdicts.noisy += met is not None and floor > TOO_NOISY
    verdicts.add(title, described(name, other), tables.factor(ratio),
                 tables.interval(*measures.ratio_interval(theirs, ours, name)),
                 tables.percent(floor), tables.factor(least) if least else "-", met,
                 least is not None and abs(ratio / least - 1) <= floor)


def judge_idle(verdicts, rows, time):
    medians = {count: measures.median(values(rows, idle_name(count), time))
               for count in IDLE if values(rows, idle_name(count), time)}
    if len(medians) < 2:
        return
    steep = max(medians.values()) / min(medians.values())
    floor = max(measures.noise_floor(values(rows, idle_name(count), time),
                                     values(rows, idle_name(count, "kqueue.again"), time),
                                     str(count))
                for count in medians if values(rows, idle_name(count, "kqueue.again"), time))
    label = rows[idle_name(max(medians))].label
    verdicts.add(f"cost of an event beside {min(medians)} to {max(medians)} idle knotes "
                 f"(last: {label})", "the cheapest", tables.factor(steep), "-",
                 tables.percent(floor), f"at most {MOST_STEEP:.2f}", steep <= MOST_STEEP,
                 abs(steep / MOST_STEEP - 1) <= floor)


def judge_memory(verdicts, rows):
    row = rows.get(memory_name())
    if row is None or "heap_bytes" not in row.counters:
        return
    heap = measures.median(row.counters["heap_bytes"])
    resident = max(row.counters["resident_bytes"])  # what was freed before is not seen to grow
    knotes = int(measures.median(row.counters["knotes"]))
    verdicts.add(f"heap per READ knote at {knotes} knotes ({row.label})",
                 f"resident: {resident:.0f} bytes", f"{heap:.0f} bytes", "-", "-",
                 f"at most {MOST_BYTES}", max(heap, resident) <= MOST_BYTES)
    descriptors = measures.median(row.counters["descriptors"])
    verdicts.add("descriptors per READ knote", "-", f"{descriptors:.3f}", "-", "-", "0",
                 descriptors < 0.001)


def judge(rows, time="real"):
    verdicts = Verdicts()
    for requirement in REQUIREMENTS:
        for name in requirement.names:
            for threads in THREADS:
                for other, least in requirement.others.items():
                    judge_ratio(verdicts, rows, name, threads, other, least, time)
    judge_idle(verdicts, rows, time)
    judge_memory(verdicts, rows)
    return verdicts


def section(rows, time="real"):
    verdicts = judge(rows, time)
    text = (f"Median {'CPU' if time == 'cpu' else 'wall-clock'} time of the other over that of the "
            "kqueue; whole cycles of 64 objects, lists of 64, on one kqueue.")
    name = "Required, by processor time" if time == "cpu" else "Required"
    return Section(name, text,
                   ["work", "against", "ratio", "95 % interval", "noise floor", "at least",
                    "verdict"], verdicts.lines), verdicts
