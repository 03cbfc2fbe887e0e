#!/bin/bash
# Runs every fuzzer in a directory for some seconds, some at a time, from the corpora in tests/fuzz/corpus/<name>.
#   run.sh DIR SECONDS AT-ONCE
# What they find new goes to build/fuzz/<name>/new, what fails to build/fuzz/<name>; exit 1 if anything failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
binaries=$1
export seconds=$2
at_once=$3

run_one() {
    local name=${1##*/fuzz_}
    local out=build/fuzz/$name
    mkdir -p "$out/new" "tests/fuzz/corpus/$name"
    if "$1" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$out/" \
        "$out/new" "tests/fuzz/corpus/$name" > "$out/log" 2>&1; then
        echo "fuzz: $name: $(sed -n 's/^stat::number_of_executed_units: *//p' "$out/log") inputs, nothing found"
    else
        echo "fuzz: $name FAILED; see $out/log; the input is in $out:"
        tail -n 40 "$out/log"
        return 1
    fi
}
export -f run_one

shopt -s nullglob
fuzzers=("$binaries"/fuzz_*)
mapfile -t fuzzers < <(printf '%s\n' "${fuzzers[@]}" | grep -v '\.[od]$')
[ ${#fuzzers[@]} -gt 0 ] && [ -n "${fuzzers[0]}" ] || { echo "fuzz: no fuzzers in $binaries"; exit 1; }
printf '%s\0' "${fuzzers[@]}" | xargs -0 -n 1 -P "$at_once" bash -c 'run_one "$0"'
