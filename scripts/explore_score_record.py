"""The measurements of scripts/explore-score, a line of JSON each, added as they are made: a run
that was interrupted goes on where it was."""

import json


class Records:
    """What is in the file. ValueError when it is about another budget or is no such file."""

    def __init__(self, path, budget):
        self.path, self.budget = path, budget
        self.runs, self.starts = {}, {}
        if path.exists():
            self.read()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            self.add({"budget": budget})

    def read(self):
        # A line that was being written when somebody pulled the plug is left out, and run again.
        whole, _, rest = self.path.read_text().rpartition("\n")
        if rest:
            self.path.write_text(whole + "\n" if whole else "")
        for number, line in enumerate(whole.splitlines()):
            try:
                record = json.loads(line)
                if number == 0 and record["budget"] != self.budget:
                    raise ValueError(f"{self.path}: was measured with a budget of "
                                     f"{record['budget']:g} s; remove it, or say so")
                self.take(record)
            except (KeyError, TypeError, json.JSONDecodeError):
                raise ValueError(f"{self.path}:{number + 1}: not a measurement") from None

    def take(self, record):
        if "start" in record:
            self.starts[record["way"], record["mutant"]] = record["start"]
        elif "seed" in record:
            key = record["way"], record["mutant"]
            self.runs.setdefault(key, {})[record["seed"]] = record

    def add(self, record):
        self.take(record)
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def has(self, way, mutant, seed):
        return seed in self.runs.get((way, mutant), {})

    def start(self, way, mutant):
        return self.starts.get((way, mutant))

    def of(self, way, mutant):
        """By seed."""
        return [run for _, run in sorted(self.runs.get((way, mutant), {}).items())]

    def ways(self):
        return {way for way, _ in self.runs}

    def mutants(self):
        return sorted({mutant for _, mutant in self.runs})
