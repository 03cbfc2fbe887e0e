#!/bin/bash
# The pages under docs/ that come from the programs' own tables, and api/reference.html, which comes from api/openapi.yaml.
#   docs.sh write   writes docs/CONFIGURATION.md, docs/METRICS.md and api/reference.html
#   docs.sh check   exit 1 if they are not what the programs say now
set -euo pipefail
cd "$(dirname "$0")/.."
bin=${DAYBOOK_BIN:-build/release/bin}
programs="collector aggregator api"

configuration() {
    cat <<'END'
# Configuration

Written by `make docs` from the programs' own tables; change the tables, not this page.

Sources, later ones win: the default; the file given by `--config FILE`, with lines `key=value` under `[section]`, taken as written; the
environment, `DAYBOOK_<PROGRAM>_<SECTION>_<KEY>` in upper case; `--set section.key=value`. All mistakes are reported at once, and
an unknown name is one. Whole numbers take the suffixes k, M, G (powers of 1,000) and KiB, MiB, GiB. Items of a list are separated by
`;`. A section `[name.NAME]` can stand several times, with a NAME of a-z and 0-9 each time.

`PROGRAM --check-config` checks without starting.
END
    local program
    for program in $programs; do
        echo
        "$bin/daybook-$program" --print-settings
    done
}

metrics() {
    cat <<'END'
# Metrics

Written by `make docs` from the programs' own tables; change the tables, not this page.

Every daemon answers `GET /metrics` in the Prometheus text format. A labelled metric holds at most 4,096 label values; what comes after
goes to the value `other`.
END
    local program
    for program in $programs; do
        echo
        "$bin/daybook-$program" --print-metrics
    done
}

check() {
    diff -u "$1" <(eval "$2") || {
        echo "$1: out of date (make docs)"
        return 1
    }
}

case "${1:-}" in
write)
    mkdir -p docs
    configuration > docs/CONFIGURATION.md
    metrics > docs/METRICS.md
    build/venv/bin/python tests/reference.py api/reference.html ;;
check)
    check docs/CONFIGURATION.md configuration
    check docs/METRICS.md metrics
    check api/reference.html 'build/venv/bin/python tests/reference.py' ;;
*)
    echo "usage: docs.sh write|check" >&2
    exit 2 ;;
esac
