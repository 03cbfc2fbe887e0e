#!/bin/bash
# The exactness run for many seeds: loop.sh [COUNT] [FIRST-SEED]; stops at the first one that fails and names it.
set -euo pipefail
cd "$(dirname "$0")/.."
count=${1:-20}
first=${2:-1}
python=../../build/venv/bin/python
for ((seed = first; seed < first + count; seed++)); do
    "$python" -m chaos.run --seed "$seed" || exit 1
done
echo "exact for $count seeds, $first to $((first + count - 1))"
