#!/bin/bash
# make demo: the whole system on this machine. Two weeks of history are imported (history.sh), and real requests go through a real nginx,
# whose access log a collector follows; then what Daybook counted is printed beside what awk counts in the same log file. They must be
# equal. At the end there is a link that opens the dashboard.
#
#   tests/demo/demo.sh [--exit]      leave when the result is printed (else it stays until Ctrl-C)
#   BROKER=embedded|kafka            the broker of `daybook dev`
#   REQUESTS=N                       how many requests, roughly (default 26,000; at least 20,000 are sent)
#   HISTORY=N                        how many events of history, roughly (default 200,000; the embedded broker keeps 5 MiB of each partition)
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
bin=${DAYBOOK_BIN:-$root/build/release/bin}
broker=${BROKER:-embedded}
stay=yes
for argument in "$@"; do
    case "$argument" in
    --exit) stay=no ;;
    *) echo "usage: demo.sh [--exit]" >&2; exit 2 ;;
    esac
done
began=$(date +%s)

# shellcheck source=tests/demo/history.sh
. "$here/history.sh"

step() { printf '\n\033[1m[%3d s] %s\033[0m\n' $(($(date +%s) - began)) "$*"; }
fail() {
    printf '\ndemo: %s\n' "$*" >&2
    exit 1
}

dir=$(mktemp -d "${TMPDIR:-/tmp}/daybook-demo.XXXXXX")
nginx_pid=
clean_up() {
    local status=$?
    trap - EXIT INT TERM
    if [ -n "$nginx_pid" ]; then
        kill "$nginx_pid" 2>/dev/null || true
        wait "$nginx_pid" 2>/dev/null || true # it still writes into $dir
    fi
    [ ! -S "$dir/daybook/control" ] || "$bin/daybook" dev --dir "$dir/daybook" --stop > /dev/null || true
    rm -rf "$dir"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 0' INT TERM

port_is_free() { ! (exec 3<> "/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Below the range that the kernel gives to outgoing connections: the requests need thousands of those.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((10000 + (RANDOM * 32768 + RANDOM) % 20000))
        if port_is_free "$port"; then
            echo "$port"
            return
        fi
    done
    fail "no free port"
}

# ---- nginx ----

write_nginx_conf() {
    cat > "$dir/nginx.conf" << END
daemon off;
worker_processes 2;
pid $dir/nginx.pid;
error_log $dir/nginx-error.log crit;
events { worker_connections 512; }
http {
    client_body_temp_path $dir/temp;
    proxy_temp_path $dir/temp;
    fastcgi_temp_path $dir/temp;
    uwsgi_temp_path $dir/temp;
    scgi_temp_path $dir/temp;
    keepalive_requests 100000;
    # Every value is quoted, so that an empty one does not break the JSON; \$uri is without the query, which may hold secrets.
    log_format usage escape=json '{"time":"\$msec","client":"\$http_x_client_id","method":"\$request_method","uri":"\$uri",'
        '"status":"\$status","request_time":"\$request_time","request_length":"\$request_length","bytes_sent":"\$bytes_sent",'
        '"http_user_agent":"\$http_user_agent"}';
    access_log $dir/access.log usage;
    server {
        listen 127.0.0.1:$nginx_port;
        default_type application/json;
        location /v1/orders {
            if (\$request_method = POST) { return 201 '{"id":1}'; }
            if (\$request_method = DELETE) { return 204; }
            return 200 '{"orders":[]}';
        }
        location /v1/users/ {
            if (\$request_method = PUT) { return 401; }
            return 200 '{"name":"somebody"}';
        }
        location /v1/old-orders/ { return 301 /v1/orders; }
        location /v1/search { return 400; }
        location /v1/admin/ { return 403; }
        location /v1/exports/ { return 429; }
        location /v1/invoices/ { return 500; }
        # Nobody listens there: nginx itself answers 502.
        location /v1/payments/ { proxy_pass http://127.0.0.1:$dead_port; }
        location /v1/maintenance { return 503; }
        location /v1/reports/ { return 504; }
        location / { return 404; }
    }
}
END
}

# One template a line: which paths are one route. What none of them fits is classified, or {unmatched} when it was answered 404.
write_templates() {
    cat > "$dir/routes.txt" << 'END'
/v1/orders
/v1/orders/{id}
/v1/users/{uuid}
GET /v1/old-orders/{id}
/v1/products/{id}
/v1/stock/{id}
/v1/search
/v1/payments
END
}

start_nginx() {
    mkdir "$dir/temp"
    write_nginx_conf
    setsid nginx -p "$dir" -e "$dir/nginx-error.log" -c "$dir/nginx.conf" &
    nginx_pid=$!
    for _ in $(seq 100); do
        port_is_free "$nginx_port" || return 0
        kill -0 "$nginx_pid" 2>/dev/null || fail "nginx did not start: $(tail -n 3 "$dir/nginx-error.log")"
        sleep 0.05
    done
    fail "nginx does not listen"
}

# ---- requests ----

# A request line of curl's configuration: url, and method where it is not GET. [1-9] makes nine requests of it, over one connection.
request() {
    echo "next"
    echo "url = \"http://127.0.0.1:$nginx_port$2\""
    echo "output = \"/dev/null\""
    echo "header = \"X-Client-Id: $client\""
    echo "user-agent = \"demo-client/1.0\""
    [ "$1" = GET ] || echo "request = \"$1\""
    [ "$1" != POST ] || echo "data = \"{}\""
}

# All requests of one client; $1: how many of each kind.
client_requests() {
    local n=$1
    echo "silent"
    request GET "/v1/orders/[1-$((n * 6))]"
    request GET "/v1/orders?page=[1-$((n * 3))]&token=secret"
    request POST "/v1/orders?attempt=[1-$((n * 2))]"
    request DELETE "/v1/orders/[1-$((n / 2))]"
    request GET "/v1/users/3f2504e0-4f89-41d3-9a0c-[100000000001-$((100000000000 + n * 2))]"
    request PUT "/v1/users/3f2504e0-4f89-41d3-9a0c-[100000000001-$((100000000000 + n / 2))]"
    request GET "/v1/old-orders/[1-$((n / 2))]"
    request GET "/v1/search?q=[1-$((n / 3))]"
    request GET "/v1/admin/accounts/[1-$((n / 4))]"
    request GET "/wp-login/[1-$((n / 2))]"
    request GET "/v1/exports/[1-$((n / 5))]"
    request GET "/v1/invoices/[1-$((n / 6))]"
    request GET "/v1/payments/[1-$((n / 7))]"
    request GET "/v1/maintenance?try=[1-$((n / 9))]"
    request GET "/v1/reports/[1-$((n / 8))]"
}

send_requests() {
    local clients=(web-shop mobile-app partner-api billing-job search-bot crm-sync warehouse analytics)
    local each=$((${REQUESTS:-26000} / 16 / 36)) number=0 pids=()
    [ "$each" -ge 36 ] || each=36
    for client in "${clients[@]}"; do
        number=$((number + 1))
        # The first client sends most, the last least: 1 to 8 parts of 36.
        client_requests $((each * (9 - number))) > "$dir/$client.curl"
        curl --config "$dir/$client.curl" &
        pids+=($!)
    done
    for pid in "${pids[@]}"; do
        wait "$pid" || fail "a client could not send all of its requests"
    done
}

# ---- counts: two columns, name and number, sorted by name ----

# The fields of the log line are quoted: 8 is the client, 12 the method, 16 the path, 20 the status.
awk_by_status() { awk -F'"' '{ n[$20]++ } END { for (k in n) print k "\t" n[k] }' "$dir/access.log" | sort; }
awk_by_client() { awk -F'"' '{ n[$8]++ } END { for (k in n) print k "\t" n[k] }' "$dir/access.log" | sort; }
awk_by_route() {
    awk -F'"' '
    {
        route = $16
        if (!sub(/^\/v1\/orders\/[^\/]+$/, "/v1/orders/{id}", route) && !sub(/^\/v1\/old-orders\/[^\/]+$/, "/v1/old-orders/{id}", route)) {
            sub(/\/[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+-[0-9a-f]+$/, "/{uuid}", route)
            sub(/\/[0-9]+$/, "/{n}", route)
            if ($20 == 404)
                route = "{unmatched}"
        }
        n[$12 " " route]++
    }
    END { for (k in n) print k "\t" n[k] }' "$dir/access.log" | sort
}
usage() { curl -sS --max-time 10 -H "Authorization: Bearer $API_TOKEN" "$API_URL/v1/developer/usage?organization=demo&timeframe=1h&limit=1000"; }
our_by_status() { jq -r '.breakdown.byStatusCode[] | "\(.statusCode)\t\(.requests)"' "$dir/usage.json" | sort; }
our_by_client() { jq -r '.breakdown.byKey[] | "\(.keyId)\t\(.requests)"' "$dir/usage.json" | sort; }
our_by_route() { jq -r '.breakdown.byEndpoint[] | "\(.endpoint)\t\(.requests)"' "$dir/usage.json" | sort; }

# Waits until the API counts as many requests as the log has lines.
wait_counted() {
    local wanted counted=0
    for _ in $(seq 300); do
        wanted=$(wc -l < "$dir/access.log")
        usage > "$dir/usage.json" || true
        counted=$(jq -r '.usage.totalRequests // 0' "$dir/usage.json" 2>/dev/null || echo 0)
        [ "${counted:-0}" != "$wanted" ] || return 0
        sleep 0.1
    done
    fail "the log has $wanted requests, but $counted were counted after 30 s; logs: $(tail -n 2 "$dir"/daybook/log/*.log)"
}

equal=yes
# compare TITLE awk-function our-function
compare() {
    "$2" > "$dir/awk.txt"
    "$3" > "$dir/ours.txt"
    printf '\n%-36s %12s %12s\n' "$1" "Daybook" "awk"
    join -t "$(printf '\t')" -a 1 -a 2 -e 0 -o 0,2.2,1.2 "$dir/awk.txt" "$dir/ours.txt" |
        awk -F'\t' '{ printf "%-36s %12d %12d%s\n", $1, $2, $3, $2 == $3 ? "" : "   <- different"; a += $2; b += $3 }
                    END { printf "%-36s %12d %12d\n", "all", a, b }'
    cmp -s "$dir/awk.txt" "$dir/ours.txt" || equal=no
}

# ---- the steps ----

step "starting Daybook on the $broker broker"
if [ "$broker" = kafka ]; then
    (cd "$root" && ./setup.sh kafka)
fi
export LC_ALL=C
nginx_port=$(free_port)
dead_port=$(free_port)
write_templates
"$bin/daybook" dev --dir "$dir/daybook" --broker "$broker" --partitions 8 --detach \
    --set collector.collector.name=nginx-sidecar \
    --set "collector.follow.nginx.path=$dir/access.log" \
    --set collector.follow.nginx.format=nginx-json \
    --set collector.input.organization=demo \
    --set "collector.route.file=$dir/routes.txt" \
    --set aggregator.closing.grace_s=60 --set aggregator.closing.restate_after_s=2 > "$dir/dev.log" || fail "Daybook did not start: $(cat "$dir/dev.log")"
# shellcheck disable=SC1091
. "$dir/daybook/env"

step "importing two weeks of access logs of three organizations"
import_history
register
send_wrong_events

step "starting nginx on 127.0.0.1:$nginx_port; the collector follows its JSON access log"
start_nginx

step "sending requests: 8 clients, 4 methods, 14 routes, statuses from 200 to 504"
send_requests
[ "$(wc -l < "$dir/access.log")" -ge 20000 ] || fail "fewer than 20,000 requests were sent"
echo "$(wc -l < "$dir/access.log") requests in the access log; its last line:"
tail -n 1 "$dir/access.log"

step "waiting until they are counted"
wait_counted

step "result: what the API answers, beside nginx's own log counted by awk"
compare "status" awk_by_status our_by_status
compare "route" awk_by_route our_by_route
compare "client" awk_by_client our_by_client
[ "$equal" = yes ] || fail "the counts differ"
printf '\nEqual.\n'

step "closing the days of the last two weeks"
close_history
days | jq -r '"final through \(.finalizedThrough): \(.entities | length) entries of the ledger, \([.entities | group_by(.day)[] | max_by(.revision).events] | add) events"'

step "daybook recount: the Kafka log counted once more, and compared with Redis"
"$bin/daybook" recount --dir "$dir/daybook" --wait || fail "recount found differences"

step "daybook status"
"$bin/daybook" status --dir "$dir/daybook"

step "ready"
cat << END
  API       $API_URL
  try       curl -s -H 'Authorization: Bearer $API_TOKEN' '$API_URL/v1/developer/usage?timeframe=1h&organization=demo' | jq .usage
  send      curl -s -H 'X-Client-Id: me' http://127.0.0.1:$nginx_port/v1/orders/42
  look      $bin/daybook status --dir $dir/daybook

  dashboard $DASHBOARD_URL
  sign in   $(sign_in_link)
            (good once, within 15 minutes; the token is $API_TOKEN)
END
if [ "$stay" = yes ]; then
    trap 'stay=no' INT TERM
    echo "Ctrl-C ends everything and removes $dir."
    while [ "$stay" = yes ] && kill -0 "$nginx_pid" 2>/dev/null; do
        sleep 1 &
        wait $! || true
    done
fi
