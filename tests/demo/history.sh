# For demo.sh: two weeks of history, of generated access logs imported as old logs are; what administrators set up; and what was refused.
# Uses $here, $bin, $dir, $API_URL, $API_TOKEN and fail.

api() { # METHOD PATH [JSON]
    local status
    status=$(curl -sS --max-time 20 -o "$dir/answer.json" -w '%{http_code}' -X "$1" -H "Authorization: Bearer $API_TOKEN" \
        ${3:+-H 'Content-Type: application/json' -d "$3"} "$API_URL$2")
    [[ $status == 2* ]] || fail "$1 $2 was answered $status: $(cat "$dir/answer.json")"
}

# The logs name the organization of each line, as the log of a gateway for several of them does.
import_log() {
    "$bin/daybook" import --dir "$dir/daybook" --quiet --format nginx-json --set "route.file=$dir/routes.txt" \
        --fields organization=organization --fields user=user --fields platform=platform "$1" || fail "$1 was not imported"
}

import_history() {
    /usr/bin/python3 "$here/history.py" "$dir" --events "${HISTORY:-200000}"
    import_log "$dir/history.log"
}

fact() { jq -r "$1" "$dir/history.json"; } # e.g. .month["storefront"]

put_client() { # ORGANIZATION ID NAME TIER PLATFORM PLAN
    api PUT "/api/v2/admin/clients/$2" \
        "{\"organization\":\"$1\",\"name\":\"$3\",\"tier\":\"$4\",\"platform\":\"$5\",\"plan\":\"$6\"}"
}

put_limit() { # ID ORGANIZATION CLIENT PERIOD VALUE
    api PUT "/api/v2/admin/limits/$1" \
        "{\"organization\":\"$2\",\"client\":\"$3\",\"metric\":\"hits\",\"period\":\"$4\",\"value\":$5,\"levels\":[50,80,90,100]}"
}

# What is included lies between what was used of the month so far and what it comes to if it goes on like this.
within_forecast() {
    local now elapsed length
    now=$(date +%s)
    elapsed=$((now - $(date -u -d "$(date -u +%Y-%m-01)" +%s)))
    length=$(($(date -u -d "$(date -u +%Y-%m-01) + 1 month" +%s) - now + elapsed))
    echo $(($1 / 2 + $1 * length / elapsed / 2 + 1))
}

register() {
    local feed
    feed=$(fact '.month["partner-feed"]')
    api PUT /api/v2/admin/plans/feed "{\"title\":\"Feed\",\"currency\":\"EUR\",\"included\":$(within_forecast "$feed"),\"priceMicros\":1200000}"
    api PUT /api/v2/admin/plans/business '{"title":"Business","currency":"EUR","included":300000,"priceMicros":800000}'
    api PUT /api/v2/admin/plans/starter '{"title":"Starter","currency":"EUR","included":50000,"priceMicros":2000000}'
    api PUT /api/v2/admin/organizations/acme '{"name":"Acme Ltd","plan":"business"}'
    api PUT /api/v2/admin/organizations/globex '{"name":"Globex Corporation","plan":"starter"}'
    api PUT /api/v2/admin/organizations/northwind '{"name":"Northwind Traders","plan":"starter"}'
    api PUT /api/v2/admin/organizations/demo '{"name":"Live requests of this demo","plan":"starter"}'
    put_client acme storefront "Storefront" professional web ""
    put_client acme shop-app "Shop app" professional mobile ""
    put_client acme stock-sync "Stock synchronisation" starter server ""
    put_client globex partner-feed "Partner feed" professional server feed
    put_client globex invoicing "Invoicing" starter server ""
    put_client globex crm-import "CRM import" starter server ""
    put_client northwind insights "Insights" starter server ""
    put_client northwind price-bot "Price bot" free crawler ""
    api PUT /api/v2/admin/methods/orders '{"title":"Orders","endpoints":["ANY /v1/orders/**"]}'
    api PUT /api/v2/admin/methods/checkout '{"title":"Checkout","endpoints":["POST /v1/orders","POST /v1/payments"]}'
    api PUT /api/v2/admin/methods/catalogue '{"title":"Catalogue","endpoints":["GET /v1/products/**","GET /v1/search"]}'
    put_limit feed-month globex partner-feed month "$(within_forecast "$feed")"
    put_limit bot-day northwind price-bot day $(($(fact '.today["price-bot"] // 0') * 10 / 11 + 1))
    put_limit shop-day acme storefront day $(($(fact '.today["storefront"] // 0') * 10 / 8 + 100))
    api POST /api/v2/admin/tokens '{"name":"Finance (reads only)","organization":"acme","permissions":["usage:organization:view"]}'
}

# Events that a service sent wrongly, for the page of integration errors.
send_wrong_events() {
    curl -sS --max-time 10 -o "$dir/answer.json" -H 'Content-Type: application/json' "$COLLECTOR_URL/v1/events" -d '[
        {"organization":"globex","client":"crm-import","method":"GET","route":"/v1/users/{uuid}","status":"ok"},
        {"organization":"globex","client":"crm-import","method":"GET","route":"/v1/users/{uuid}"},
        {"organization":"globex","client":"crm-import","method":"GET","route":"/v1/orders","status":200,"time":"2019-01-01T00:00:00Z"},
        {"organization":"globex","client":"crm-import","method":"GET","route":"/v1/orders","status":200,"colour":"red"}]'
    curl -sS --max-time 10 -o "$dir/answer.json" -H 'Content-Type: application/json' "$COLLECTOR_URL/v1/events" -d '[{"method":"GET",'
}

days() { curl -sS --max-time 10 -H "Authorization: Bearer $API_TOKEN" "$API_URL/api/v2/usage/days?pageSize=1000"; }

# Waits until the jq expression is true of the ledger; $2 says of what.
wait_ledger() {
    for _ in $(seq 300); do
        [ "$(days | jq -r "$1" 2>/dev/null)" != true ] || return 0
        sleep 0.2
    done
    fail "$2, even after a minute; logs: $(tail -n 2 "$dir"/daybook/log/*.log)"
}

# The first days of the history are closed; then a part of the log turns up that had been forgotten, and its day gets a revision.
close_history() {
    wait_ledger ".finalizedThrough == \"$(date -u -d yesterday +%F)\"" "yesterday is not closed"
    import_log "$dir/history-late.log"
    wait_ledger '[.entities[] | select(.revision > 1)] | length > 0' "there is no second revision"
}

sign_in_link() {
    api POST /api/v2/admin/sign-in-links
    jq -r .url "$dir/answer.json"
}
