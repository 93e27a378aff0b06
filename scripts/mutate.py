#!/usr/bin/env python3
"""Writes mutants of libkq that nobody thought of, as patches for `kqtorture score`.

usage: mutate.py RECIPE --out FOLDER [--count N] [--seed N] [--operator NAME]... [--explained FILE]
                 [--drawn FILE] [--jobs N]

RECIPE is lib/kq_recipe.json of the preset release: which sources, compiled how. Every place where
an operator of mutate_operators.py applies is a candidate; they are tried in an order that the seed
draws, until N (default 300) compile to object code that neither the original nor another mutant
has. So the N are an unbiased sample of all that could be written, and the same seed writes the same
patches. Those in headers are not among them: each would cost a compilation of every source.

A name says the operator, the file and six digits of a hash of what is changed and in which
function, so it survives edits elsewhere; and so does its place in the order, which the seed draws
by the name. Names that the FILE of --drawn has, one a line, come before all others: a sample that
was drawn once is kept. That of --explained has what is known about survivors, a paragraph each:

    negate_scan_0a1b2c equivalent: nobody sees it, because ...
    drop_knote_3d4e5f untestable: the machine would have to ...

An equivalent one need not be found. FOLDER is emptied first; what is drawn and dropped is counted
on standard output. Exit: 0 written, 2 wrong usage or something is missing.
"""

import argparse
import collections
import concurrent.futures
import difflib
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import textwrap

try:
    import mutate_operators
except ImportError as missing:
    print(f"mutate.py: {missing} (Debian: python3-clang, for /usr/bin/python3)", file=sys.stderr)
    sys.exit(2)

NAME = re.compile(r"^([a-z]+_[a-z_]+_[0-9a-f]{6}) (equivalent|untestable|open): ")


def die(message):
    print(f"mutate.py: {message}", file=sys.stderr)
    sys.exit(2)


def read_explained(path):
    """What is known about mutants, by their names."""
    explained = {}
    if not path:
        return explained
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = NAME.match(line)
        if match:
            name = match[1]
            if name in explained:
                die(f"{path}:{number}: {name} is explained twice")
            explained[name] = (match[2], [line[match.end():].strip()])
        elif line.startswith("#") or not line.strip():
            continue
        elif line[0].isspace() and explained:
            explained[name][1].append(line.strip())
        else:
            die(f"{path}:{number}: not 'NAME equivalent: why', 'untestable: why' or 'open: why'")
    return {name: (kind, " ".join(lines)) for name, (kind, lines) in explained.items()}


def candidates_of(source, flags):
    """Every edit of a file, with the name it has."""
    text = source.read_text()
    unit = mutate_operators.parse(source, flags)
    seen, same = set(), collections.Counter()
    found = []
    edits = mutate_operators.Finder(unit, source, text).all()
    for edit in sorted(edits, key=lambda each: (each.begin, each.end, each.text)):
        if (edit.begin, edit.end, edit.text) in seen:
            continue
        seen.add((edit.begin, edit.end, edit.text))
        key = (edit.operator, edit.function, text[edit.begin:edit.end], edit.text)
        same[key] += 1
        digits = hashlib.sha256("\0".join([*key, str(same[key])]).encode()).hexdigest()[:6]
        found.append((f"{edit.operator}_{source.stem}_{digits}", source, edit))
    return found


class Compiler:
    """Object code of a source as a string of digits, None when it does not compile."""

    def __init__(self, recipe, scratch):
        self.source = pathlib.Path(recipe["source"])
        flags = [flag for flag in recipe["flags"] if flag and not flag.startswith("-g")]
        include = ["-I", str(self.source / "include"), "-iquote", str(self.source)]
        self.command = [recipe["compiler"], *flags, *include, "-g0", "-frandom-seed=1", "-c"]
        self.scratch = scratch

    def code(self, name, file, text):
        folder = self.scratch / name
        folder.mkdir()
        (folder / file).write_text(text)
        ran = subprocess.run([*self.command, file, "-o", "a.o"], cwd=folder, check=False,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        made = folder / "a.o"
        digits = hashlib.sha256(made.read_bytes()).hexdigest() if ran.returncode == 0 else None
        for each in folder.iterdir():
            each.unlink()
        folder.rmdir()
        return digits


def patched(source, edit):
    text = source.read_text()
    return text[:edit.begin] + edit.text + text[edit.end:]


def patch_of(name, source, edit, explained):
    old = source.read_text()
    line = old.count("\n", 0, edit.begin) + 1
    where = f"{source.name}:{line}, {edit.function or 'outside functions'}: "
    story = where + " ".join(edit.what.split())[:600]
    kind, why = explained.get(name, ("", ""))
    if kind and kind != "equivalent":
        story += f" {kind.capitalize()}: {why}"
    header = textwrap.wrap(story, 99, break_on_hyphens=False)
    # A line of the story must not be taken for a field, nor for the patch.
    header = ["| " + each if re.match(r"[a-z]+:|---|\+\+\+", each) else each for each in header]
    header += ["origin:   mechanical", "platform: none", "rule:     any", "kind:     mechanical"]
    if kind == "equivalent":
        header += textwrap.wrap("equivalent: " + why, 99, subsequent_indent="          ")
    lines = difflib.unified_diff(old.splitlines(), patched(source, edit).splitlines(),
                                 f"a/src/kqueue/{source.name}", f"b/src/kqueue/{source.name}",
                                 lineterm="")
    return "\n".join(header) + "\n\n" + "\n".join(lines) + "\n"


def parse_arguments():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1][len("usage: "):])
    parser.add_argument("recipe", type=pathlib.Path)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=20061117)
    parser.add_argument("--operator", action="append", choices=mutate_operators.OPERATORS)
    parser.add_argument("--explained", type=pathlib.Path)
    parser.add_argument("--drawn", type=pathlib.Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    if options.count < 1 or options.jobs < 1:
        parser.error("--count and --jobs are greater than 0")
    return options


def draw(options, recipe):
    """Candidates of the chosen operators in the order of the seed, those drawn before first."""
    source = pathlib.Path(recipe["source"])
    resources = subprocess.run(["clang", "-print-resource-dir"], capture_output=True, text=True,
                               check=True).stdout.strip()
    flags = ["-x", "c++", "-std=gnu++20", "-D_GNU_SOURCE", "-w", "-resource-dir", resources,
             "-I", str(source / "include")]
    found = []
    for name in sorted(recipe["sources"]):
        found += candidates_of(source / name, flags)
    wanted = options.operator or mutate_operators.OPERATORS
    found = [each for each in found if each[2].operator in wanted]
    drawn = set(options.drawn.read_text().split()) if options.drawn else set()

    def place(name):
        return name not in drawn, hashlib.sha256(f"{options.seed} {name}".encode()).digest()

    return sorted(found, key=lambda each: place(each[0]))


def main():
    options = parse_arguments()
    try:
        recipe = json.loads(options.recipe.read_text())
        explained = read_explained(options.explained)
        candidates = draw(options, recipe)
    except (OSError, ValueError, KeyError, subprocess.CalledProcessError,
            mutate_operators.CannotParse) as problem:
        die(str(problem))
    options.out.mkdir(parents=True, exist_ok=True)
    for old in options.out.glob("*.patch"):
        old.unlink()
    print(f"seed {options.seed}: {len(candidates)} candidates", flush=True)
    counts, written = collections.Counter(), collections.Counter()
    with tempfile.TemporaryDirectory() as scratch, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        compiler = Compiler(recipe, pathlib.Path(scratch))
        files = {source for _, source, _ in candidates}
        known = set(pool.map(lambda each: compiler.code(each.name + ".sound", each.name,
                                                        each.read_text()), files))
        # In batches, so that little is compiled beyond the last that is wanted; and judged in the
        # order drawn, so that the number of jobs changes nothing.
        while candidates and written.total() < options.count:
            batch = candidates[:4 * options.jobs]
            candidates = candidates[4 * options.jobs:]
            codes = pool.map(lambda each: compiler.code(each[0], each[1].name,
                                                        patched(each[1], each[2])), batch)
            for (name, source, edit), code in zip(batch, codes):
                if written.total() == options.count:
                    break
                counts["tried"] += 1
                if code is None or code in known:
                    counts["do not compile" if code is None else "same code"] += 1
                    continue
                known.add(code)
                written[edit.operator] += 1
                path = options.out / f"{name}.patch"
                path.write_text(patch_of(name, source, edit, explained))
    print(", ".join(f"{count} {what}" for what, count in sorted(counts.items())))
    print(f"{written.total()} mutants: " +
          ", ".join(f"{written[each]} {each}" for each in mutate_operators.OPERATORS))


if __name__ == "__main__":
    main()
