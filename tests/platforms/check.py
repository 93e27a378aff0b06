#!/usr/bin/env python3
"""Does what a BSD would compile compile, as far as that can be shown on Linux?

Each file is read (-fsyntax-only) as the platform's compiler would: with its macros and without
Linux's, with a stub of its <sys/event.h> written from the contract's tables, and with what only
Linux has taken away (stubs/platform.h). Files are read some at a time, and by themselves what
cannot be: a header costs more than a file of ours.
docs/development.md says what this shows and what it does not.
"""
import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent

PLATFORMS = {
    "freebsd": [["-D__FreeBSD__=14"]],
    "netbsd": [["-D__NetBSD__=1"], ["-D__NetBSD__=1", "-DKQ_STUB_EXT"]],
    "openbsd": [["-D__OpenBSD__=1"]],
    "dragonfly": [["-D__DragonFly__=1"]],
    "macos": [["-D__APPLE__=1", "-D__MACH__=1"]],
}
NOT_LINUX = ["-U__linux__", "-U__linux", "-Ulinux", "-U__gnu_linux__"]
# What is compiled everywhere. Of the rest src/kqueue is Linux's, src/sched, too.
ROOMS = ["src/contract", "src/report", "src/scenario", "src/subject", "src/engine", "src/cli",
         "stress", "bench"]
# Linux's alone, and left out of a BSD's build by their CMakeLists.txt.
LINUX_ONLY = re.compile(r"src/cli/explore_|src/engine/controlled|uring_side|ring\.cpp")
# Where the web server's parser lies, on Debian and elsewhere (cmake/FindLlhttp.cmake).
LLHTTP = ["/usr/include", "/usr/local/include", "/usr/share/include/llhttp"]
CONDITION = re.compile(r"^\s*#\s*(if|elif).*(__linux__|__APPLE__|__GLIBC__|BSD__|__DragonFly__"
                       r"|defined\(S(OCK|IG|YS)|O_TMPFILE|sys/event)", re.MULTILINE)


def sources(room, everything):
    """The files of the room, or those that differ between platforms."""
    files = sorted((ROOT / room).rglob("*.cpp"))
    files = [file for file in files if not LINUX_ONLY.search(str(file.relative_to(ROOT)))]
    if not any((pathlib.Path(folder) / "llhttp.h").exists() for folder in LLHTTP):
        files = [file for file in files if file.parent.name != "webserver"]
    return [file for file in files if everything or CONDITION.search(file.read_text())]


def reads(command, files, quiet=False):
    """Does the compiler take a text that includes them all?"""
    with tempfile.NamedTemporaryFile("w", suffix=".cpp", delete=False) as one:
        one.write("".join(f'#include "{file}"\n' for file in files))
    try:
        said = subprocess.DEVNULL if quiet else None
        return subprocess.run([*command, one.name], check=False, stderr=said).returncode == 0
    finally:
        os.unlink(one.name)


def refused(command, files):
    """The files that may be refused by themselves, each in a list. Those of a folder are read as
    one, and in halves where the names of their unnamed namespaces meet."""
    if len(files) == 1:
        return [files]
    if reads(command, files, quiet=True):
        return []
    half = len(files) // 2
    return refused(command, files[:half]) + refused(command, files[half:])


def check(compiler, platform, macros, everything, rooms, header):
    """Reads all of a platform's files; True if nothing was wrong."""
    texts = [[HERE / "agreement.cpp"]]
    for room in rooms:
        # agreement.cpp includes layout.cpp, with everything that is in it.
        files = [file for file in sources(room, everything) if file.name != "layout.cpp"]
        if everything:
            folders = sorted({file.parent for file in files})
            texts += [[file for file in files if file.parent == folder] for folder in folders]
        elif room == "src/subject":
            texts[0] += files
        elif files:
            texts.append(files)
    command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", *NOT_LINUX,
               *macros, "-isystem", HERE / "stubs" / header, "-isystem",
               HERE / "stubs" / "foreign", "-I", ROOT / "src", "-I", ROOT,
               *(f"-idirafter{folder}" for folder in LLHTTP),
               '-DKQT_VERSION="0"', "-include", HERE / "stubs" / "platform.h"]
    command = [str(word) for word in command]
    good = True
    for text in texts:
        for part in refused(command, text) if everything else [text]:
            if not reads(command, part):
                good = False
                print(f"platforms: {platform} {' '.join(macros)}: "
                      f"{part[0]} and {len(part) - 1} more", file=sys.stderr)
    if good:
        print(f"platforms: {platform} {' '.join(macros)}: {sum(map(len, texts))} files agree")
    return good


def main():
    """Parses the command line."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("platforms", nargs="*", metavar="PLATFORM",
                        help=f"of {', '.join(PLATFORMS)}; default: all")
    parser.add_argument("--compiler", default="c++", help="gcc or clang; default: c++")
    parser.add_argument("--all", action="store_true",
                        help="every file, not only those that differ by platform")
    parser.add_argument("--header-of", metavar="PLATFORM", choices=PLATFORMS,
                        help="read this one's <sys/event.h> instead: a table that does not agree "
                        "has to be noticed")
    parser.add_argument("--quick", action="store_true",
                        help="of those only src/subject, where most of the differences are")
    options = parser.parse_args()
    rooms = ["src/subject"] if options.quick else ROOMS
    for platform in options.platforms:
        if platform not in PLATFORMS:
            print(f"check.py: {platform}: there are {', '.join(PLATFORMS)}", file=sys.stderr)
            return 2
    good = True
    for platform in options.platforms or PLATFORMS:
        for macros in PLATFORMS[platform]:
            good = check(options.compiler, platform, macros, options.all, rooms,
                         options.header_of or platform) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
