#!/usr/bin/python3
"""The rules of CONTRIBUTING.md that a machine can check.

    lint.py         what takes seconds: include arrows, sizes, banned functions, format
    lint.py --all   also headers that compile alone, clang-tidy, cppcheck, generated docs, deployment files

Every finding is a line `file:line: what`; exit 1 if there is one. A function whose comment holds "deviation:" and says why is let off
the limits of size, parameters and nesting.
"""

import concurrent.futures
import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROGRAMS = ("collector", "aggregator", "api", "cli")
CODE = ("lib", *PROGRAMS)
WIDTH_MAX, FILE_MAX, HEADER_MAX = 132, 600, 200
FUNCTION_MAX, FUNCTION_P95_MAX, FUNCTION_MEDIAN_MAX, NESTING_MAX, PARAMETERS_MAX = 80, 60, 20, 3, 6
BANNED = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|strncpy|strncat|strtok|atoi|atol|atoll|gets|localtime|gmtime|alloca|g_alloca)\s*\(")

# A header of a library -> the only files that may include it. Benchmarks measure the bare libraries, so they may too.
DOORS = {
    r"librdkafka/": r"lib/kafka.*|tests/bench/.*|tests/unit/test_kafka.*",
    r"hiredis/": r"lib/redis.*|tests/bench/.*",
    r"microhttpd\.h": r"lib/http.*",
    r".*\.pb-c\.h": r"lib/record.*|tests/bench/.*",
    r"simdjson\.h": r".*\.cc",
    r"zstd\.h": r"lib/sheet_pack\.c",
    r"xlsxwriter\.h": r"api/export_xlsx\.c",
    r"curl/.*": r"api/outgoing\.c",
}


def sources():
    folders = [ROOT / name for name in CODE] + [ROOT / "tests" / name for name in ("unit", "fuzz", "bench")] + [ROOT / "tests"]
    found = [path for folder in folders for suffix in ("*.c", "*.h", "*.cc") for path in sorted(folder.glob(suffix))]
    return [path.relative_to(ROOT) for path in found]


def without_comments_and_strings(text):
    """The same text, of the same lines, with comments and the insides of literals blanked."""
    pattern = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'', re.S)

    def blank(match):
        kept = match.group(0)
        return re.sub(r"[^\n]", " ", kept) if kept[0] == "/" else kept[0] + " " * (len(kept) - 2) + kept[-1]

    return pattern.sub(blank, text)


# ---- arrows ----


def may_include(path, included):
    """Programs include lib, never each other; lib includes no program; `daybook import` is the collector in another suit."""
    owner, folder = path.parts[0], included.partition("/")[0]
    if owner == "tests" or folder not in CODE or folder == owner:
        return True
    if owner == "cli" and folder == "collector":
        return path.name.startswith("import")
    return folder == "lib" and owner in PROGRAMS


def check_arrows(path, text):
    for number, line in enumerate(text.splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+(["<])([^">]+)[">]', line)
        if not match:
            continue
        quote, name = match.groups()
        if quote == '"' and not may_include(path, name):
            yield f"{path}:{number}: {path.parts[0]} must not include {name}"
        for header, door in DOORS.items():
            if re.fullmatch(header + ("" if header.endswith("h") else ".*"), name) and not re.fullmatch(door, str(path)):
                yield f"{path}:{number}: {name} is included only in {door}"


# ---- sizes ----


def functions(code):
    """(name, first line, last line, parameters, lines) of each function, in code that clang-format has formatted."""
    lines = code.splitlines()
    for end, line in enumerate(lines):
        if line != "}":
            continue
        start = end
        while start > 0 and lines[start] != "{":
            start -= 1
        head = start - 1
        while head > 0 and not re.match(r"[A-Za-z_]", lines[head]):
            head -= 1
        signature = " ".join(lines[head:start])
        match = re.search(r"(\w+)\s*\((.*)\)[^()]*$", signature)
        if lines[start] == "{" and match:
            yield match.group(1), head + 1, end + 1, parameters(match.group(2)), lines[start : end + 1]


def parameters(text):
    depth, count = 0, 1
    for letter in text:
        depth += (letter == "(") - (letter == ")")
        count += letter == "," and depth == 0
    return 0 if text.strip() in ("", "void") else count


def check_sizes(path, text, code, lengths):
    lines = text.splitlines()
    limit = HEADER_MAX if path.suffix == ".h" and path.parts[0] in CODE else FILE_MAX  # what tests share is code in a header
    if len(lines) > limit:
        yield f"{path}:{limit}: {len(lines)} lines, at most {limit}"
    for number, line in enumerate(lines, 1):
        if len(line) > WIDTH_MAX:
            yield f"{path}:{number}: {len(line)} columns, at most {WIDTH_MAX}"
        if line != line.rstrip() or "\t" in line:
            yield f"{path}:{number}: a tab, or blanks at the end"
    for name, first, last, n_parameters, body in functions(code):
        lengths.append(last - first + 1)
        if "deviation:" in " ".join(lines[max(0, first - 6) : first - 1]).rpartition("}")[2]:
            continue
        if last - first + 1 > FUNCTION_MAX:
            yield f"{path}:{first}: {name}() has {last - first + 1} lines, at most {FUNCTION_MAX}"
        if n_parameters > PARAMETERS_MAX:
            yield f"{path}:{first}: {name}() has {n_parameters} parameters, at most {PARAMETERS_MAX}"
        depth = max((len(m.group(1)) // 4 for m in (re.match(r"( +)(?:if|for|while|switch|do)\b", line) for line in body) if m), default=0)
        if depth > NESTING_MAX:
            yield f"{path}:{first}: {name}() is nested {depth} deep, at most {NESTING_MAX}"


def check_words(path, text, code):
    for number, line in enumerate(code.splitlines(), 1):
        banned = BANNED.search(line)
        if banned:
            yield f"{path}:{number}: {banned.group(1)} is banned"
        if re.match(r"\s*typedef\s+(struct|enum|union)\b", line):
            yield f"{path}:{number}: struct, enum and union tags are used without typedefs"
    if path.suffix == ".h" and path.parts[0] in CODE:
        guard = "DAYBOOK_" + re.sub(r"\W", "_", path.stem.upper()) + "_H"
        if f"#define {guard}\n" not in text and not re.search(rf"#define DAYBOOK_\w+_{guard[8:]}\n", text):
            yield f"{path}:1: the include guard must be {guard}"
        if not text.startswith("/* "):
            yield f"{path}:1: a header begins with a comment: purpose, invariants, ownership, threads, errors"


def check_text(paths):
    lengths = []
    for path in paths:
        text = (ROOT / path).read_text()
        code = without_comments_and_strings(text)
        yield from check_arrows(path, text)
        yield from check_sizes(path, text, code, lengths)
        yield from check_words(path, text, code)
    if lengths:
        median, p95 = statistics.median(lengths), sorted(lengths)[len(lengths) * 95 // 100]
        print(f"lint: {len(lengths)} functions, median {median:.0f} lines, 95th percentile {p95}, longest {max(lengths)}")
        if median > FUNCTION_MEDIAN_MAX or p95 > FUNCTION_P95_MAX:
            yield f"functions: median {median} (at most {FUNCTION_MEDIAN_MAX}), 95th percentile {p95} (at most {FUNCTION_P95_MAX})"


# ---- other people's tools ----


# What would let data become markup, or break the dashboard's Content-Security-Policy.
WEB_BANNED = re.compile(r"\b(innerHTML|outerHTML|insertAdjacentHTML|DOMParser|document\.write|eval|new Function)\b")
WEB_DOORS = {"echarts": {"echarts.ts"}, "fflate": {"export.ts", "xlsx.ts"}}


def check_web(_paths):
    """The dashboard's sources: widths, sizes, which module may use which package, and that elements are only made by dom.ts."""
    for path in sorted(path for suffix in ("*.ts", "*.css", "*.mjs") for path in (ROOT / "web").rglob(suffix)):
        name, lines = path.relative_to(ROOT), path.read_text().splitlines()
        if len(lines) > FILE_MAX:
            yield f"{name}:1: {len(lines)} lines, at most {FILE_MAX}"
        for number, line in enumerate(lines, 1):
            if len(line) > WIDTH_MAX:
                yield f"{name}:{number}: {len(line)} columns, at most {WIDTH_MAX}"
            if path.suffix == ".ts" and (banned := WEB_BANNED.search(line.partition("//")[0])):
                yield f"{name}:{number}: {banned.group(0)} is not used here"
            package = re.search(r"""from '(echarts|fflate)""", line)
            if package and path.parent.name != "tests" and path.name not in WEB_DOORS[package.group(1)]:
                yield f"{name}:{number}: {package.group(1)} is for {', '.join(sorted(WEB_DOORS[package.group(1)]))} only"


def run(command):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def check_format(paths):
    if not shutil.which("clang-format"):
        return ["clang-format is not installed: ./setup.sh check"]
    _, output = run(["clang-format", "--dry-run", "--Werror", *map(str, paths)])
    found = re.findall(r"^(\S+?:\d+):\d+: error: .*", output, re.M)
    return [f"{place}: not formatted (make format)" for place in found]


def in_parallel(commands):
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(run, commands))


def check_headers(paths):
    """Every header compiles alone."""
    commands = json.loads((ROOT / "compile_commands.json").read_text())
    flags = [flag for flag in commands[0]["command"].split()[1:-2] if not flag.startswith(("-O", "-D_FORTIFY"))]
    headers = [path for path in paths if path.suffix == ".h" and path.parts[0] in CODE]
    jobs = [["gcc", *flags, "-fsyntax-only", "-x", "c", "-Wno-pragma-once-outside-header", str(path)] for path in headers]
    return [output for code, output in in_parallel(jobs) if code]


def check_clang_tidy(paths):
    """It takes seconds a file: one that was found clean is not looked at again until it, a header or the checks change."""
    clean = ROOT / "build/clang-tidy"
    clean.mkdir(parents=True, exist_ok=True)
    shared = b"".join((ROOT / path).read_bytes() for path in (Path(".clang-tidy"), *paths) if path.suffix != ".c" and path.suffix != ".cc")
    stamps = {
        path: clean / hashlib.sha256(shared + str(path).encode() + (ROOT / path).read_bytes()).hexdigest()
        for path in paths
        if path.suffix in (".c", ".cc") and path.parts[0] in CODE
    }
    wanted = [path for path, stamp in stamps.items() if not stamp.exists()]
    results = in_parallel([["clang-tidy", "--quiet", "-p", ".", str(path)] for path in wanted])
    for path, (code, _) in zip(wanted, results):
        if code == 0:
            stamps[path].touch()
    return [clean_tidy(output) for code, output in results if code]


def clean_tidy(output):
    """The findings, without the long way there."""
    return "\n".join(re.findall(r"^\S+:\d+:\d+: (?:error|warning): .*", output, re.M)).replace(f"{ROOT}/", "")


def check_cppcheck(_paths):
    (ROOT / "build/cppcheck").mkdir(parents=True, exist_ok=True)
    code, output = run([
        "cppcheck", "--quiet", "--std=c11", "--enable=warning,performance,portability", "--error-exitcode=1", "--inline-suppr",
        f"-j{os.cpu_count()}", "--cppcheck-build-dir=build/cppcheck", "--library=gtk", "-D__x86_64__", "-DG_GNUC_PRINTF(a,b)=",
        # It does not know what g_autofree frees, g_steal_pointer moves, and macros of GLib expand to.
        *(f"--suppress={name}" for name in ("memleak", "returnDanglingLifetime", "autoVariables", "CastIntegerToAddressAtReturn")),
        "--suppress=missingIncludeSystem", "--suppress=unknownMacro", "--suppress=*:build/gen/*", "-I.",
        "--template={file}:{line}: {message} ({id})", *CODE,
    ])
    return [output] if code else []


def check_docs(_paths):
    code, output = run(["tests/docs.sh", "check"])
    return [output] if code else []


def check_deploy(_paths):
    code, output = run(["tests/deploy.sh"])
    return [output] if code else []


QUICK = (check_text, check_web, check_format)
FULL = (*QUICK, check_headers, check_clang_tidy, check_cppcheck, check_docs, check_deploy)


def main():
    paths = sources()
    findings = 0
    for check in FULL if "--all" in sys.argv else QUICK:
        begin = time.monotonic()
        found = list(check(paths))
        findings += len(found)
        print("\n".join(found), end="\n" if found else "")
        print(f"lint: {check.__name__[6:].replace('_', '-'):<11} {len(found):4d} findings  {time.monotonic() - begin:6.1f} s", flush=True)
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main()
