-- Posts messages, each with a recipient, a text and an event of its own. Arguments: the key, and, for an offered rate
-- instead of a closed loop, requests a second. The environment's LOAD_FIRST is the number of the first message.

local ffi = require("ffi")
ffi.cdef [[
    struct timespec { long seconds; long nanoseconds; };
    int clock_gettime(int clock, struct timespec *time);
]]

local moment = ffi.new("struct timespec")
local function now()
    ffi.C.clock_gettime(1, moment)
    return tonumber(moment.seconds) + tonumber(moment.nanoseconds) / 1e9
end

local number = tonumber(os.getenv("LOAD_FIRST") or "0")
local body = '{"channel":"bench","to":"+49151%08d","type":"text",'
    .. '"text":{"body":"Your order %d has shipped and will be with you tomorrow. Thank you!"},'
    .. '"event":{"user_id":"u_%d","type":"order.shipped","timestamp":"2026-11-23T10:00:00Z"}}'

function init(arguments)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["Authorization"] = "Bearer " .. arguments[1]
    local rate = tonumber(arguments[2] or "0")
    if rate > 0 then
        -- Requests have due times; whichever connection is free takes the next.
        local due = nil
        delay = function()
            due = (due or now()) + 1 / rate
            return math.max(0, (due - now()) * 1000)
        end
    end
end

function request()
    number = number + 1
    return wrk.format(nil, nil, nil, body:format(number, number, number))
end

function done(summary, latency)
    local errors = summary.errors
    local broken = errors.connect + errors.read + errors.write + errors.timeout
    io.write(string.format(
        '\nLOAD {"seconds": %f, "answers": %d, "refused": %d, "broken": %d, ',
        summary.duration / 1e6, summary.requests, errors.status, broken))
    io.write(string.format(
        '"p50_ms": %f, "p99_ms": %f, "max_ms": %f}\n',
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3, latency.max / 1e3))
end
