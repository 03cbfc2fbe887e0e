#!/bin/bash
# Sets up a Debian 12 machine (as root or with sudo) for one purpose, says what it installs, and installs only what is missing.
#
#   ./setup.sh build   compilers and libraries, and what the dashboard is bundled with
#   ./setup.sh run     what the programs need where they only run
#   ./setup.sh demo    build, and Redis, nginx for `make demo` (with BROKER=kafka also Java and the broker's jars)
#   ./setup.sh check   everything for `make check` and `make bench`
set -euo pipefail
cd "$(dirname "$0")"

build_packages="make gcc g++ pkg-config libc6-dev libglib2.0-dev librdkafka-dev libhiredis-dev libprotobuf-c-dev
    protobuf-c-compiler protobuf-compiler libmicrohttpd-dev libgnutls28-dev libzstd-dev libjansson-dev
    libsimdjson-dev zlib1g-dev libxlsxwriter-dev libcurl4-gnutls-dev tzdata"
run_packages="libglib2.0-0 librdkafka1 libhiredis0.14 libprotobuf-c1 libmicrohttpd12 libgnutls30 libzstd1 libjansson4 libsimdjson14
    zlib1g libxlsxwriter4 libcurl3-gnutls libstdc++6 tzdata ca-certificates curl redis-tools"
demo_packages="$build_packages redis-server nginx-light curl jq python3"
kafka_packages="openjdk-17-jre-headless maven"
check_packages="$demo_packages $kafka_packages redis-sentinel redis-tools perl python3 python3-venv clang clang-tidy clang-format
    cppcheck libclang-rt-14-dev docker-compose systemd prometheus gzip zstd iproute2 procps wrk
    chromium fonts-dejavu-core"

say() { echo "setup: $*"; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "needs root: run as root, install sudo, or install by hand: ${*: -1}" >&2
        exit 2
    fi
}

# Prints those of the named packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || echo "$package"
    done
}

# Debian starts services (redis-server, nginx, prometheus) when they are installed. We only want their programs: while we install,
# a policy (see invoke-rc.d(8)) forbids starting; one that the machine has already is left alone.
policy=/usr/sbin/policy-rc.d
policy_is_ours=no
forbid_services() {
    [ -e "$policy" ] && return
    printf '#!/bin/sh\n# put here by the set-up of daybook for the time of an installation\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
    policy_is_ours=yes
}
allow_services() {
    [ "$policy_is_ours" = no ] || as_root rm -f "$policy"
    policy_is_ours=no
}

install_packages() {
    local missing
    missing=$(missing_packages "$@" | sort -u | tr '\n' ' ')
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "this script knows Debian 12 only; the packages it would install: $missing" >&2
        exit 2
    fi
    say "installing Debian packages: $missing"
    forbid_services
    trap allow_services EXIT
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    # shellcheck disable=SC2086
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing
    allow_services
    trap - EXIT
}

# The broker's jars, in build/kafka/libs.
install_kafka() {
    local stamp=build/kafka/libs.sha256
    local want
    want=$(sha256sum < tests/kafka/pom.xml)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    say "fetching Kafka's jars from Maven Central into build/kafka/libs (45 MB)"
    rm -rf build/kafka/libs
    mvn -B -q -Dstyle.color=never -f tests/kafka/pom.xml org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies -DoutputDirectory="$PWD/build/kafka/libs"
    echo "$want" > "$stamp"
}

# The Python of Debian in build/venv, packages pinned by tests/requirements.txt.
install_python() {
    local stamp=build/venv/requirements.sha256
    local want
    want=$(sha256sum < tests/requirements.txt)
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    say "installing Python packages into build/venv: $(grep -v '^#' tests/requirements.txt | tr '\n' ' ')"
    mkdir -p build
    [ -x build/venv/bin/python ] || /usr/bin/python3 -m venv build/venv
    build/venv/bin/python -m pip install -q --disable-pip-version-check -r tests/requirements.txt
    echo "$want" > "$stamp"
}

# Packages of npm that a package.json pins, in a folder: install_npm FOLDER PACKAGE_JSON SIZE
install_npm() {
    local stamp=$1/package.sha256
    local want
    want=$(sha256sum < "$2")
    if [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; then
        return 0
    fi
    command -v npm >/dev/null || install_packages nodejs npm ca-certificates
    say "installing npm packages into $1 ($3)"
    rm -rf "$1"
    mkdir -p "$1"
    cp "$2" "$1/"
    npm install --prefix "$1" --no-audit --no-fund --ignore-scripts --no-package-lock --loglevel=error
    echo "$want" > "$stamp"
}

# What the dashboard is built from and with.
install_web() {
    install_npm build/web-npm web/package.json "110 MB"
}

case "${1:-}" in
build)
    # shellcheck disable=SC2086
    install_packages $build_packages
    install_web ;;
run)
    # shellcheck disable=SC2086
    install_packages $run_packages ;;
demo)
    # shellcheck disable=SC2086
    install_packages $demo_packages
    install_web
    if [ "${BROKER:-embedded}" = kafka ]; then
        # shellcheck disable=SC2086
        install_packages $kafka_packages
        install_kafka
    fi ;;
kafka)
    # shellcheck disable=SC2086
    install_packages $kafka_packages
    install_kafka ;;
check)
    # shellcheck disable=SC2086
    install_packages $check_packages
    install_kafka
    install_python
    install_web
    install_npm build/npm tests/system/sdk/package.json "35 MB" ;; # the vendor's SDK for JavaScript, for the system tests
*)
    echo "usage: ./setup.sh build|run|demo|kafka|check" >&2
    exit 2 ;;
esac
say "$1: all there"
