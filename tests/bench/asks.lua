-- For wrk: asks for the path; CLIENT in it is another client each time. Prints one line of JSON at the end.
local n = 7

function init(arguments)
  if not string.find(wrk.path, "CLIENT") then
    local same = wrk.format("GET")
    request = function() return same end
  end
end

function request()
  n = (n * 1103515245 + 12345) % 2147483648
  local path = string.gsub(wrk.path, "CLIENT", string.format("client-%04d", math.floor(n / 65536) % 1000))
  return wrk.format("GET", path)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"failed":%d}\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
