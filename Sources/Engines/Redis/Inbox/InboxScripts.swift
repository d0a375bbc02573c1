#if Redis
    /// The steps of the inbox log. KEYS are always the same: the stream, until when each entry is held (a sorted set), the
    /// last number.
    ///
    /// Ids are `NUMBER-1`. Numbers begin with the time in microseconds, so that they do not come again after the server has
    /// lost everything, and fit the 53 bits that a number has in Lua.
    enum InboxScripts {
        static let group = "processors"

        /// Bytes that one answer may hold, about: an entry more than reaches it.
        static let answerBytesMax = 8 << 20

        /// ARGV: the entries.
        static let append = Script(
            "inbox-append",
            """
            if redis.call('EXISTS', KEYS[3]) == 0 then
                local time = redis.call('TIME')
                redis.call('SET', KEYS[3], string.format('%.0f', time[1] * 1000000 + time[2]))
            end
            for index = 1, #ARGV do
                local number = redis.call('INCR', KEYS[3])
                local answer = redis.pcall('XADD', KEYS[1], string.format('%.0f-1', number), 'entry', ARGV[index])
                if answer.err then
                    -- The stream is ahead of the number when somebody has put that away, or added to the stream by hand.
                    local last = redis.pcall('XREVRANGE', KEYS[1], '+', '-', 'COUNT', 1)
                    local ahead = not last.err and last[1] and tonumber(string.match(last[1][1], '^%d+'))
                    if ahead and ahead >= number then
                        number = ahead + 1
                        redis.call('SET', KEYS[3], string.format('%.0f', number))
                    end
                    redis.call('XADD', KEYS[1], string.format('%.0f-1', number), 'entry', ARGV[index])
                end
            end
            return 1
            """)

        /// ARGV: the receiver, how many, for how many milliseconds. The answer: the id of the last entry of all, then of each
        /// entry taken its id and its text, or nothing in its place.
        static let lease = Script(
            "inbox-lease",
            """
            local group, receiver, limit = '\(group)', ARGV[1], tonumber(ARGV[2])
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            local until_then = string.format('%.0f', now + ARGV[3])
            local last = redis.call('GET', KEYS[3])
            local taken = {}
            local count, bytes = 0, 0

            local function give(entry)
                local fields = entry[2]
                local text = #fields == 2 and fields[1] == 'entry' and fields[2] or false
                redis.call('ZADD', KEYS[2], until_then, entry[1])
                count = count + 1
                bytes = bytes + (text and #text or 0)
                taken[count] = {entry[1], text}
            end

            local function read(most)
                local arguments = {'XREADGROUP', 'GROUP', group, receiver, 'COUNT', most, 'STREAMS', KEYS[1], '>'}
                local answer = redis.pcall(unpack(arguments))
                if answer and answer.err then
                    if string.sub(answer.err, 1, 7) == 'NOGROUP' then
                        redis.call('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM')
                    end
                    answer = redis.call(unpack(arguments))
                end
                return answer and answer[1][2] or {}
            end

            local expired = redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, limit)
            for _, id in ipairs(expired) do
                if bytes < \(answerBytesMax) then
                    local entries = redis.pcall('XCLAIM', KEYS[1], group, receiver, 0, id)
                    if not entries.err and entries[1] then
                        give(entries[1])
                    else
                        -- Not held any more: it is gone, or comes as a new one.
                        redis.call('ZREM', KEYS[2], id)
                    end
                end
            end
            while count < limit and bytes < \(answerBytesMax) do
                local entries = read(math.min(limit - count, 16))
                if #entries == 0 then break end
                for _, entry in ipairs(entries) do give(entry) end
            end
            return {last and last .. '-1' or '0-0', taken}
            """)

        /// ARGV: the receiver, then ids. Entries that another holds stay.
        static let complete = Script(
            "inbox-complete",
            """
            local group, completed = '\(group)', 0
            for index = 2, #ARGV do
                local id = ARGV[index]
                local held = redis.pcall('XPENDING', KEYS[1], group, id, id, 1, ARGV[1])
                if not held.err and held[1] then
                    redis.call('XACK', KEYS[1], group, id)
                    redis.call('XDEL', KEYS[1], id)
                    redis.call('ZREM', KEYS[2], id)
                    completed = completed + 1
                end
            end
            return completed
            """)

        /// The answer: how many there are, and the first line of the oldest.
        static let depth = Script(
            "inbox-depth",
            """
            local first = redis.call('XRANGE', KEYS[1], '-', '+', 'COUNT', 1)[1]
            local text = first and #first[2] == 2 and first[2][2]
            return {redis.call('XLEN', KEYS[1]), text and string.match(text, '^(%d+)\\n') or false}
            """)

        /// Ends the holding of everything that the receiver holds. ARGV: the receiver.
        static let release = Script(
            "inbox-release",
            """
            local held = redis.pcall('XPENDING', KEYS[1], '\(group)', '-', '+', 100000, ARGV[1])
            if held.err then return 0 end
            for _, entry in ipairs(held) do redis.call('ZADD', KEYS[2], 0, entry[1]) end
            if #held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[1], '\(group)', ARGV[1]) end
            return #held
            """)

        /// A net under the times until which entries are held: what has lain with a receiver for long and has none is free.
        /// ARGV: the receiver, milliseconds.
        static let free = Script(
            "inbox-free",
            """
            local answer = redis.pcall(
                'XAUTOCLAIM', KEYS[1], '\(group)', ARGV[1], ARGV[2], '0-0', 'COUNT', 1000, 'JUSTID')
            if answer.err then return 0 end
            for _, id in ipairs(answer[2]) do redis.call('ZADD', KEYS[2], 'NX', 0, id) end
            return #answer[2]
            """)

        /// Makes the group where there is none, which also shows that the server can be written.
        static let check = Script(
            "inbox-check",
            """
            local answer = redis.pcall('XGROUP', 'CREATE', KEYS[1], '\(group)', '0', 'MKSTREAM')
            if answer.err and string.sub(answer.err, 1, 9) ~= 'BUSYGROUP' then
                redis.call('XGROUP', 'CREATE', KEYS[1], '\(group)', '0', 'MKSTREAM')
            end
            return 1
            """)
    }
#endif
