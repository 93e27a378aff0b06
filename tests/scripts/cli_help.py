"""What the programs say of themselves in --help, for the tests that hold pages, completions and the
commands of the documentation against it. CLI11 and the scripts lay their help out alike enough."""

import functools
import re
import subprocess

PROGRAMS = ("kqtorture", "kq_stress", "kq_sweep")


@functools.lru_cache(maxsize=None)
def help_text(*command):
    answer = subprocess.run([*command, "--help"], capture_output=True, text=True, check=False,
                            stdin=subprocess.DEVNULL)
    if answer.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} --help exits {answer.returncode}")
    return answer.stdout


def subcommands(*command):
    text = help_text(*command)
    listed = text.partition("\nSubcommands:\n")[2]
    return re.findall(r"^  ([a-z][a-z-]*)\s", listed, re.M)


def options(*command):
    """Long options without the dashes; a program of ours always has help."""
    lines = re.findall(r"^ +(-[-\w,].*)", help_text(*command), re.M)
    return {name for line in lines for name in re.findall(r"(?:^|,)--([a-z][\w-]*)", line)}
