#!/usr/bin/env python3
"""How many requests a second does the server answer on the kqueue, and how many on raw epoll?

Both are the same program, kq_webserver serve, under wrk. They are measured in turn, in an order
that changes with every repetition, so that what the machine does meanwhile concerns both; what is
reported is the median of the ratios of neighbours. A second kqueue server in every repetition (A/A)
gives the noise floor: the same ratio where there is nothing to find. Beside requests per second
stand requests per second of processor time that the server used, which other work on the machine
disturbs far less.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys

# In the turn of a repetition; two of the kqueue are the A/A pair.
SERVERS = ("kqueue", "epoll", "kqueue again")


class Trouble(Exception):
    """One line for standard error; exit 2."""


def serve(program, server, workers):
    backend = "epoll" if server == "epoll" else "kqueue"
    process = subprocess.Popen([program, "serve", "--backend", backend, "--workers", str(workers)],
                               stdout=subprocess.PIPE, text=True)
    line = process.stdout.readline()
    address = re.search(r"http://\S+/", line)
    if not address:
        process.kill()
        raise Trouble(f"the server does not say its address: {line.strip()!r}")
    return process, address.group(0)


def end(process):
    """Lets the server shut down; its requests, and the processor time that it used."""
    process.terminate()
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    counted = re.search(r"(\d+) requests", said)
    if process.returncode != 0 or not counted:
        raise Trouble(f"the server ended with {process.returncode}: {said.strip()!r}")
    return int(counted.group(1)), usage.ru_utime + usage.ru_stime


def measure(program, server, workers, options):
    """Requests per second, and per second of the server's processor time."""
    process, address = serve(program, server, workers)
    try:
        command = ["wrk", "-t", str(options.threads), "-c", str(options.connections),
                   "-d", f"{options.seconds}s", address]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        requests, used = end(process)
    rate = re.search(r"Requests/sec:\s*([\d.]+)", answer.stdout)
    errors = re.search(r"(Socket errors|Non-2xx).*", answer.stdout)
    if not rate or errors:
        raise Trouble(f"wrk: {errors.group(0) if errors else answer.stderr.strip()}")
    return float(rate.group(1)), requests / used


def compare(program, workers, options):
    rates = {server: [] for server in SERVERS}
    thrifts = {server: [] for server in SERVERS}
    for repetition in range(options.repetitions):
        shift = repetition % len(SERVERS)
        for server in SERVERS[shift:] + SERVERS[:shift]:
            rate, thrift = measure(program, server, workers, options)
            rates[server].append(rate)
            thrifts[server].append(thrift)
    return {"workers": workers, "requests/s": summary(rates), "requests/CPU s": summary(thrifts)}


def summary(numbers):
    """Each kqueue measurement beside that of raw epoll in its repetition, and the A/A pair."""
    ratios = [a / b for a, b in zip(numbers["kqueue"], numbers["epoll"])]
    ratios += [a / b for a, b in zip(numbers["kqueue again"], numbers["epoll"])]
    noises = [a / b for a, b in zip(numbers["kqueue again"], numbers["kqueue"])]
    return {"kqueue": numbers["kqueue"] + numbers["kqueue again"], "epoll": numbers["epoll"],
            "ratios": ratios, "noises": noises}


def middle_of(numbers):
    """The median, and the middle half."""
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return f"{middle:.3f} ({low:.2f} to {high:.2f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--workers", default="1,2,4")
    parser.add_argument("--repetitions", type=int, default=9)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="of wrk")
    parser.add_argument("--connections", type=int, default=64, help="of wrk, kept alive")
    parser.add_argument("--json")
    options = parser.parse_args()
    if not shutil.which("wrk"):
        raise Trouble("wrk is not installed (scripts/setup)")
    if not re.fullmatch(r"\d+(,\d+)*", options.workers):
        raise Trouble(f"--workers needs numbers with commas between, not '{options.workers}'")
    print(f"wrk -t {options.threads} -c {options.connections} -d {options.seconds}s, "
          f"{options.repetitions} repetitions; medians, in parentheses the middle half")
    print("| workers | measured | kqueue | raw epoll | ratio | A/A |")
    print("| --- | --- | --- | --- | --- | --- |")
    results = []
    for workers in map(int, options.workers.split(",")):
        result = compare(options.program, workers, options)
        results.append(result)
        for unit in ("requests/s", "requests/CPU s"):
            one = result[unit]
            print(f"| {workers} | {unit} | {statistics.median(one['kqueue']):,.0f} "
                  f"| {statistics.median(one['epoll']):,.0f} | {middle_of(one['ratios'])} "
                  f"| {middle_of(one['noises'])} |", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (Trouble, OSError) as trouble:
        sys.exit(print(f"wrk_compare: {trouble}", file=sys.stderr) or 2)
