#!/usr/bin/env python3
"""How many requests a second does the server answer on the kqueue, and how many on raw epoll?

Both are the same program, kq_webserver serve, under wrk. They are measured in turn, in an order
that changes with every repetition, so that what the machine does meanwhile concerns both; what is
reported is the median of the ratios of neighbours. A second kqueue server in every repetition (A/A)
gives the noise floor: the same ratio where there is nothing to find.
"""

import argparse
import json
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


def measure(program, server, workers, options):
    process, address = serve(program, server, workers)
    try:
        command = ["wrk", "-t", str(options.threads), "-c", str(options.connections),
                   "-d", f"{options.seconds}s", address]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    finally:
        process.terminate()
        status = process.wait()
    rate = re.search(r"Requests/sec:\s*([\d.]+)", answer.stdout)
    errors = re.search(r"(Socket errors|Non-2xx).*", answer.stdout)
    if status != 0:
        raise Trouble(f"the server on {server} ended with {status}")
    if not rate or errors:
        raise Trouble(f"wrk: {errors.group(0) if errors else answer.stderr.strip()}")
    return float(rate.group(1))


def compare(program, workers, options):
    rates = {server: [] for server in SERVERS}
    for repetition in range(options.repetitions):
        shift = repetition % len(SERVERS)
        for server in SERVERS[shift:] + SERVERS[:shift]:
            rates[server].append(measure(program, server, workers, options))
    ratios = [a / b for a, b in zip(rates["kqueue"], rates["epoll"])]
    noise = [a / b for a, b in zip(rates["kqueue again"], rates["kqueue"])]
    return {"workers": workers, "rates": rates,
            "kqueue": statistics.median(rates["kqueue"]),
            "epoll": statistics.median(rates["epoll"]),
            "ratio": statistics.median(ratios), "ratios": ratios,
            "noise": statistics.median(noise), "noises": noise}


def range_of(numbers):
    return f"({min(numbers):.2f} to {max(numbers):.2f})"


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
          f"{options.repetitions} repetitions, medians")
    print("| workers | kqueue requests/s | raw epoll requests/s | ratio (range) | A/A (range) |")
    print("| --- | --- | --- | --- | --- |")
    results = []
    for workers in map(int, options.workers.split(",")):
        result = compare(options.program, workers, options)
        results.append(result)
        print(f"| {workers} | {result['kqueue']:,.0f} | {result['epoll']:,.0f} "
              f"| {result['ratio']:.3f} {range_of(result['ratios'])} "
              f"| {result['noise']:.3f} {range_of(result['noises'])} |", flush=True)
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(results, file, indent=1)


if __name__ == "__main__":
    try:
        main()
    except (Trouble, OSError) as trouble:
        sys.exit(print(f"wrk_compare: {trouble}", file=sys.stderr) or 2)
