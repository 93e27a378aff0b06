#!/usr/bin/env bash
# What OSS-Fuzz runs in its image. How the targets are built is told once, in the repository.
set -euo pipefail
exec "$SRC/kqtorture/.clusterfuzzlite/build.sh"
