"""`make bench`: what Daybook reaches, as ratios to its limits and peers measured in the same run.

make bench ARGS='--quick'              smaller everywhere: a few minutes
make bench ARGS='--only drain,memory'  parts: encoding sheet drain series intake ack memory fresh closing export reports api live alerts
                                       dashboard

The figures also go to build/bench/results.json.
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import alerts  # noqa: E402
import closing  # noqa: E402
import dashboard  # noqa: E402
import drain  # noqa: E402
import intake  # noqa: E402
import live  # noqa: E402
import reports  # noqa: E402
import serving  # noqa: E402
from stack import PROGRAMS, ROOT, Stack, machine  # noqa: E402

PARTS = ("encoding", "sheet", "drain", "series", "intake", "ack", "memory", "fresh", "closing", "export")
PARTS += ("reports", "api", "live", "alerts", "dashboard")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, help="that wait for the aggregator (10,000,000; quick: 1,000,000)")
    parser.add_argument("--sample", type=int, help="of them for the Python peer (500,000; quick: 100,000)")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", default=",".join(PARTS), help="parts to run")
    parser.add_argument("--directory", default=str(ROOT / "build/bench"), help="where broker, Redis and journals lie")
    options = parser.parse_args()
    options.events = options.events or (1_000_000 if options.quick else 10_000_000)
    options.sample = options.sample or (100_000 if options.quick else 500_000)
    options.only = options.only.split(",")
    unknown = set(options.only) - set(PARTS)
    if unknown:
        parser.error(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    return options


def encoding():
    print()
    sys.stdout.flush()
    subprocess.run([PROGRAMS / "encoding"], check=True)


def sheet(quick):
    print()
    sys.stdout.flush()
    subprocess.run([PROGRAMS / "sheet", "300000" if quick else "2000000"], check=True)


def export(quick, directory):
    """Also the memory of ten million rows."""
    print()
    sys.stdout.flush()
    Path(directory).mkdir(parents=True, exist_ok=True)
    subprocess.run([PROGRAMS / "export", "1000000" if quick else "10000000", directory], check=True)


def with_stack(options, function, *values):
    with Stack(Path(options.directory) / "run") as stack:
        return function(stack, *values)


def aggregator(stack, options):
    results = {}
    if "drain" in options.only:
        results["drain"] = drain.run(stack, options.events, options.sample, options.quick)
    if "series" in options.only:
        if "drain" not in options.only:
            drain.generate(stack, "realistic", options.events)
        results["series"] = drain.series_bytes(stack, options.events)
    return results


def main():
    options = arguments()
    begin = time.monotonic()
    print("\n".join(machine()))
    print(f"settings: defaults of the daemons unless said; {options.events:,} events" + (", quick" if options.quick else ""))
    results = {}
    if "encoding" in options.only:
        encoding()
    if "sheet" in options.only:
        sheet(options.quick)
    if "export" in options.only:
        export(options.quick, options.directory)
    if {"drain", "series"} & set(options.only):
        results.update(with_stack(options, aggregator, options))
    quick = options.quick
    parts = {
        "intake": (intake.throughput, 300_000 if quick else 2_000_000),
        "ack": (intake.acknowledgement, 5 if quick else 20),
        "memory": (intake.memory, 300_000_000 if quick else 5_000_000_000),
        "fresh": (intake.freshness, 10 if quick else 60),
        "closing": (closing.run, quick),
        "reports": (reports.run, quick),
        "api": (serving.run, quick),
        "live": (live.run, quick),
        "alerts": (alerts.run, (4_000_000, 5) if quick else (options.events, 20)),
    }
    for name, (function, size) in parts.items():
        if name in options.only:
            results[name] = with_stack(options, function, size)
    if "dashboard" in options.only:
        results["dashboard"] = dashboard.run()
    path = Path(options.directory) / "results.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2))
    print(f"\nall of it took {time.monotonic() - begin:.0f} s; figures in {path}")


if __name__ == "__main__":
    main()
