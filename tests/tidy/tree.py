"""The files that the house rules look at: those git tracks or would, else those lying around.

Asking git keeps build trees and results out; a release unpacked without its history is walked.
"""

import os
import subprocess

NOT_OURS = {".git", "build", "out"}
CPP = (".h", ".hpp", ".c", ".cc", ".cpp")


def is_cpp(path):
    return path.endswith(CPP)


def is_script(tree, path):
    """What a person types: scripts/NAME without a suffix. lib.sh is sourced, not typed."""
    folder, _, name = path.rpartition("/")
    return folder == "scripts" and "." not in name and tree.text(path).startswith("#!")


class Tree:
    def __init__(self, root):
        self.root = root
        self.files = sorted(self.listed())
        self.known = set(self.files)
        self.texts = {}

    def listed(self):
        answer = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=self.root,
            capture_output=True, text=True, check=False)
        if answer.returncode == 0 and answer.stdout and os.path.exists(f"{self.root}/.git"):
            files = answer.stdout.split("\0")
            return {f for f in files if f and os.path.isfile(f"{self.root}/{f}")}
        files = set()
        for folder, folders, names in os.walk(self.root):
            folders[:] = [f for f in folders if f not in NOT_OURS and f != "__pycache__"]
            files.update(os.path.relpath(f"{folder}/{name}", self.root) for name in names)
        return files

    def text(self, path):
        """The file as text; empty for what is not text, such as a corpus input."""
        if path not in self.texts:
            with open(f"{self.root}/{path}", "rb") as file:
                data = file.read()
            try:
                self.texts[path] = "" if b"\0" in data else data.decode()
            except UnicodeDecodeError:
                self.texts[path] = ""
        return self.texts[path]

    def executable(self, path):
        return os.access(f"{self.root}/{path}", os.X_OK)

    def run(self, path, *arguments):
        try:
            return subprocess.run([f"{self.root}/{path}", *arguments], capture_output=True,
                                  text=True, check=False, stdin=subprocess.DEVNULL, timeout=60)
        except (OSError, subprocess.TimeoutExpired) as error:
            return subprocess.CompletedProcess(path, 127, "", str(error))
