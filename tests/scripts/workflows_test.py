#!/usr/bin/env python3
"""The workflows for GitHub, and the files that fuzzing services read, as far as that can be said
without running them there: they parse, name what exists, pin what is not ours, ask for no more
rights than they need, and hand nothing of a stranger to a shell. One planted mistake of each kind
shows that the checks can fail."""

import pathlib
import re
import shutil
import subprocess
import sys
import unittest

try:
    import yaml
except ImportError:
    print("skipped: python3-yaml is not installed")
    sys.exit(77)

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parents[2]
import cli_help  # noqa: E402

WORKFLOWS = {path.name: path.read_text() for path in (ROOT / ".github/workflows").glob("*.yml")}
PINNED = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
COMMAND = re.compile(r"(?<![\w./])(?:kqtorture/)?((?:scripts|\.github)/[\w.-]+)([^\n&|;]*)")
KEYS = {"name", True, "permissions", "concurrency", "jobs"}  # YAML reads "on" as true
JOB_KEYS = {"name", "runs-on", "timeout-minutes", "strategy", "env", "steps", "uses", "with",
            "permissions", "needs", "if"}
STEP_KEYS = {"name", "if", "uses", "with", "run", "env", "working-directory", "id"}
EVENTS = {"push", "pull_request", "schedule", "workflow_dispatch", "workflow_call"}


def shell_of(step):
    """What a step hands to a shell; the virtual machines take theirs as an input."""
    given = step.get("with", {}) if "vmactions/" in step.get("uses", "") else {}
    return [text for text in (step.get("run"), given.get("run"), given.get("prepare")) if text]


def jobs_of(text):
    return yaml.safe_load(text).get("jobs", {}).items()


def problems(text):
    """What is wrong with a workflow, one sentence each."""
    document = yaml.safe_load(text)
    yield from (f"no key {key}" for key in set(document) - KEYS)
    if document.get("permissions") != {"contents": "read"}:
        yield "permissions are not contents: read"
    events = document[True]
    yield from (f"event {event}" for event in set(events) - EVENTS)
    for name, job in jobs_of(text):
        yield from (f"{name}: no key {key}" for key in set(job) - JOB_KEYS)
        if job.get("permissions", {"contents": "read"}) != {"contents": "read"}:
            yield f"{name}: more rights than contents: read"
        if "uses" in job:
            yield from caller_problems(name, job)
            continue
        if "timeout-minutes" not in job:
            yield f"{name}: may run for six hours"
        for step in job["steps"]:
            yield from (f"{name}: {problem}" for problem in step_problems(step))


def caller_problems(name, job):
    path = ROOT / job["uses"]
    if not path.is_file():
        yield f"{name}: calls {job['uses']}, which is not here"
        return
    inputs = yaml.safe_load(path.read_text())[True]["workflow_call"]["inputs"]
    for given in set(job["with"]) - set(inputs):
        yield f"{name}: {path.name} takes no {given}"
    for wanted, input_ in inputs.items():
        if input_.get("required") and wanted not in job["with"]:
            yield f"{name}: {path.name} needs {wanted}"


def step_problems(step):
    yield from (f"no key {key}" for key in set(step) - STEP_KEYS)
    if ("uses" in step) == ("run" in step):
        yield "a step has either uses or run"
    if "uses" in step and not PINNED.fullmatch(step["uses"]):
        yield f"{step['uses']} is not pinned to a commit"
    if step.get("uses", "").startswith("actions/checkout@"):
        if step.get("with", {}).get("persist-credentials") is not False:
            yield "checkout leaves a token in the folder"
    for shell in shell_of(step):
        if "${{" in shell:
            yield f"an expression inside of a shell command: {shell}"
        for command in COMMAND.findall(shell):
            yield from command_problems(*command)


def command_problems(program, arguments):
    path = ROOT / program
    if not path.is_file():
        yield f"{program} is not here"
    elif program.startswith("scripts/"):
        taken = cli_help.options(str(path))
        for option in re.findall(r"(?<!\S)--([a-z][\w-]*)", arguments):
            if option not in taken:
                yield f"{program} takes no --{option}"


class Workflows(unittest.TestCase):
    def test_every_workflow_keeps_the_rules(self):
        self.assertGreaterEqual(len(WORKFLOWS), 8)
        for name, text in WORKFLOWS.items():
            self.assertEqual(list(problems(text)), [], name)

    def test_shell_is_shellcheck_clean(self):
        if not shutil.which("shellcheck"):
            self.skipTest("shellcheck is not installed")
        for name, text in WORKFLOWS.items():
            for job, what in jobs_of(text):
                shell = "sh" if "vmactions/" in str(what) else "bash"
                for step in what.get("steps", []):
                    for command in shell_of(step):
                        answer = subprocess.run(["shellcheck", "-s", shell, "-e", "SC2034", "-"],
                                                input=command, capture_output=True, text=True,
                                                check=False)
                        self.assertEqual(answer.stdout, "", f"{name}, {job}")

    def test_the_script_for_native_kernels_is_plain_sh(self):
        script = ROOT / ".github/native.sh"
        subprocess.run(["sh", "-n", script], check=True)
        leave_out = re.search(r"-DKQ_LEAVE_OUT=([^\"]+)", script.read_text()).group(1)
        for room in leave_out.split(";"):
            self.assertTrue((ROOT / room / "CMakeLists.txt").is_file(), room)

    def test_planted_mistakes_are_found(self):
        good = WORKFLOWS["linux.yml"]
        for old, new in (
                ("contents: read", "contents: write"),
                ("persist-credentials: false", "persist-credentials: true"),
                ('--preset "$PRESET"', "--preset ${{ matrix.preset }}"),
                ("--shard 1/8", "--shards 1/8"),
                ("scripts/fuzz", "scripts/fuzzz"),
                (re.search(r"@[0-9a-f]{40}", good).group(0), "@v7"),
                ("  pull_request:", "  pull_request_target:"),
                ("      subject: build", "      subjekt: build"),
                ("timeout-minutes", "timeout-seconds")):
            self.assertIn(old, good)
            self.assertNotEqual(list(problems(good.replace(old, new, 1))), [], new)

    def test_a_caller_can_say_what_the_page_says(self):
        page = (ROOT / "docs/ci.md").read_text()
        for text in re.findall(r"```yaml\n(.*?)```", page, re.S):
            for name, job in jobs_of(text):
                called = re.fullmatch(r"OWNER/kqtorture/(\.github/workflows/[\w.]+)@\w+",
                                      job["uses"])
                self.assertTrue(called, job["uses"])
                self.assertEqual(list(caller_problems(name, {**job, "uses": called.group(1)})), [])


class FuzzingServices(unittest.TestCase):
    TARGETS = re.findall(r"\w+_fuzzer", re.search(
        r"targets=\((.*?)\)", (ROOT / ".clusterfuzzlite/build.sh").read_text()).group(1))

    def test_targets_are_complete_and_are_all_but_the_one_without_sanitizers(self):
        there = {path.stem for path in (ROOT / "fuzz").glob("*_fuzzer.cpp")}
        self.assertEqual(there - set(self.TARGETS), {"schedule_fuzzer"})
        self.assertLess(set(self.TARGETS), there)

    def test_their_settings_are_what_they_read(self):
        lite = yaml.safe_load((ROOT / ".clusterfuzzlite/project.yaml").read_text())
        self.assertEqual(set(lite), {"language", "base_os_version"})
        full = yaml.safe_load((ROOT / "fuzz/oss-fuzz/project.yaml").read_text())
        self.assertEqual(set(full), {"homepage", "main_repo", "primary_contact", "language",
                                     "base_os_version", "fuzzing_engines", "sanitizers",
                                     "architectures"})
        self.assertEqual(full["fuzzing_engines"], ["libfuzzer"])
        for settings in (lite, full):
            self.assertEqual((settings["language"], settings["base_os_version"]),
                             ("c++", "ubuntu-24-04"))

    def test_their_images_have_what_is_built_and_how(self):
        for folder in (".clusterfuzzlite", "fuzz/oss-fuzz"):
            image = (ROOT / folder / "Dockerfile").read_text()
            self.assertRegex(image, r"(?m)^FROM gcr\.io/oss-fuzz-base/base-builder:ubuntu-24-04$")
            self.assertRegex(image, r"(?m)^COPY (\.clusterfuzzlite/)?build\.sh \$SRC/build\.sh$")
            self.assertRegex(image, r"(?m)\$SRC/kqtorture$")
            self.assertTrue((ROOT / folder / "build.sh").stat().st_mode & 0o100)


if __name__ == "__main__":
    unittest.main()
