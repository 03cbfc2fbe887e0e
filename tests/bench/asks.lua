-- For wrk: asks for the path; CLIENT in it is another client each time. An argument is the mean pause in ms before each request, as
-- people make them; without it there is none. Prints one line of JSON at the end.
local n, pause_ms = 7, nil

local function random(below)
  n = (n * 1103515245 + 12345) % 2147483648
  return math.floor(n / 65536) % below
end

function init(arguments)
  pause_ms = tonumber(arguments[1])
  if pause_ms then
    delay = function() return random(2 * pause_ms) end
  end
  if not string.find(wrk.path, "CLIENT") then
    local same = wrk.format("GET")
    request = function() return same end
  end
end

function request()
  local path = string.gsub(wrk.path, "CLIENT", string.format("client-%04d", random(1000)))
  return wrk.format("GET", path)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format('\n{"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"failed":%d}\n', summary.requests,
    summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
