-- Posts WasenderApi's `messages.update` for message after message: delivered for all, then read for all, then from the
-- start. Arguments: the webhook secret, and a file with one message id a line.

local ids = {}
local number = 0
local body = '{"event":"messages.update","timestamp":1747775431467,"sessionId":"none","data":{"update":{"status":%d},'
    .. '"key":{"remoteJid":"15550000001@s.whatsapp.net","id":"%s","fromMe":true}}}'

function init(arguments)
    wrk.method = "POST"
    wrk.headers["Content-Type"] = "application/json"
    wrk.headers["X-Webhook-Signature"] = arguments[1]
    for line in io.lines(arguments[2]) do ids[#ids + 1] = line end
end

function request()
    local status = 3 + math.floor(number / #ids) % 2
    local id = ids[number % #ids + 1]
    number = number + 1
    return wrk.format(nil, nil, nil, body:format(status, id))
end

function done(summary, latency)
    local errors = summary.errors
    io.write(string.format(
        '\nLOAD {"seconds": %f, "answers": %d, "refused": %d, "broken": %d, "p50_ms": %f, "p99_ms": %f}\n',
        summary.duration / 1e6, summary.requests, errors.status,
        errors.connect + errors.read + errors.write + errors.timeout,
        latency:percentile(50) / 1e3, latency:percentile(99) / 1e3))
end
