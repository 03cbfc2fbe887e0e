#!/bin/bash
# Checks what cannot be run here: docker-compose.yml, the systemd units, the sample configurations and nginx' configuration.
set -uo pipefail
cd "$(dirname "$0")/.."
bin=$(realpath "${DAYBOOK_BIN:-build/release/bin}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
fail() {
    echo "deploy: $*"
    failed=1
}

DAYBOOK_TOKEN=0123456789abcdef docker-compose config -q || fail "docker-compose.yml"
(unset DAYBOOK_TOKEN; docker-compose config -q 2>/dev/null) && fail "docker-compose.yml must ask for DAYBOOK_TOKEN"

for unit in deploy/systemd/*.service; do
    # The programs are not installed here; everything else is verified as it is.
    sed "s|/usr/local/bin|$bin|" "$unit" > "$work/${unit##*/}"
    output=$(systemd-analyze verify --man=no "$work/${unit##*/}" 2>&1) || fail "$unit: $output"
    [ -z "$(grep -F "${unit##*/}" <<< "$output")" ] || fail "$unit: $output"
done

for program in collector aggregator api; do
    DAYBOOK_API_AUTH_TOKEN=0123456789abcdef "$bin/daybook-$program" --config "deploy/conf/$program.conf" --check-config >/dev/null ||
        fail "deploy/conf/$program.conf"
done

# nginx checks a whole configuration; its own paths are moved into the work directory, its port to one that needs no rights.
mkdir -p "$work/log"
printf 'pid %s/pid; error_log %s/error; events {} http { include %s/daybook.conf; }\n' "$work" "$work" "$work" > "$work/nginx.conf"
sed "s|/var/log/daybook|$work/log|; s|listen 80|listen 127.0.0.1:18080|" deploy/nginx/daybook.conf > "$work/daybook.conf"
output=$(/usr/sbin/nginx -t -p "$work" -c "$work/nginx.conf" 2>&1) || fail "deploy/nginx/daybook.conf: $output"

# Alerts: rules that Prometheus takes, of metrics that there are.
output=$(promtool check rules deploy/prometheus/daybook.rules.yml 2>&1) || fail "deploy/prometheus/daybook.rules.yml: $output"
output=$(promtool test rules deploy/prometheus/daybook.rules.test.yml 2>&1) || fail "deploy/prometheus/daybook.rules.test.yml: $output"
output=$(promtool check config deploy/prometheus/prometheus.yml 2>&1) || fail "deploy/prometheus/prometheus.yml: $output"
for metric in $(grep -o 'daybook_[a-z_]*' deploy/prometheus/daybook.rules.yml | sort -u); do
    grep -q "^| \`$metric\`" docs/METRICS.md || fail "deploy/prometheus/daybook.rules.yml: there is no metric $metric"
done
exit $failed
