#if Redis
    /// The steps of the job broker. KEYS are always the same: the streams by priority, what is due later, the dead letters.
    enum BrokerScripts {
        static let group = "workers"

        /// ARGV: for each notice, milliseconds until it is due, the number of its priority, itself.
        static let publish = Script(
            "jobs-publish",
            """
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)
            for index = 1, #ARGV, 3 do
                local delay, lane, notice = tonumber(ARGV[index]), tonumber(ARGV[index + 1]), ARGV[index + 2]
                if delay <= 0 then
                    redis.call('XADD', KEYS[lane + 1], '*', 'notice', notice)
                else
                    redis.call('ZADD', KEYS[4], now + delay, lane .. ':' .. notice)
                end
            end
            return 1
            """)

        /// Moves what has become due to its stream, then takes entries: by priority, and of each first what others let lie.
        ///
        /// ARGV: the receiver, how many, the milliseconds after which an entry was let lie (-1: do not look), how many
        /// dead letters are kept, and for each stream where to go on looking. The answer: milliseconds until something is due (-1: nothing), where to go on, the
        /// last entry of each stream, and then of each entry its stream's number, its id, how often it was given out, and
        /// its text.
        static let take = Script(
            "jobs-take",
            """
            local group, receiver, limit, idle = '\(group)', ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
            local time = redis.call('TIME')
            local now = time[1] * 1000 + math.floor(time[2] / 1000)

            local due = redis.call('ZRANGEBYSCORE', KEYS[4], '-inf', now, 'LIMIT', 0, 1000)
            for _, member in ipairs(due) do
                local lane, notice = string.match(member, '^([0-2]):(.*)$')
                if lane then
                    redis.call('XADD', KEYS[lane + 1], '*', 'notice', notice)
                else
                    redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[4], '*', 'unreadable', string.sub(member, 1, 2048))
                end
                redis.call('ZREM', KEYS[4], member)
            end
            local wait = -1
            local next_due = redis.call('ZRANGE', KEYS[4], 0, 0, 'WITHSCORES')
            if next_due[2] then wait = math.max(0, math.ceil(tonumber(next_due[2]) - now)) end

            local function read(key, count)
                local arguments = {'XREADGROUP', 'GROUP', group, receiver, 'COUNT', count, 'STREAMS', key, '>'}
                local answer = redis.pcall(unpack(arguments))
                if answer and answer.err then
                    if string.sub(answer.err, 1, 7) == 'NOGROUP' then
                        redis.call('XGROUP', 'CREATE', key, group, '0', 'MKSTREAM')
                    end
                    answer = redis.call(unpack(arguments))
                end
                return answer and answer[1][2] or {}
            end

            local function text(fields)
                if #fields == 2 and fields[1] == 'notice' then return fields[2] end
                return string.sub(table.concat(fields, ' '), 1, 2048)
            end

            local taken = {}
            local count = 0
            local cursors = {}
            for lane = 0, 2 do
                local key = KEYS[lane + 1]
                cursors[lane + 1] = '0-0'
                if idle >= 0 and count < limit then
                    local answer = redis.pcall(
                        'XAUTOCLAIM', key, group, receiver, idle, ARGV[5 + lane], 'COUNT', limit - count)
                    if not answer.err then
                        cursors[lane + 1] = answer[1]
                        for _, entry in ipairs(answer[2]) do
                            local given = redis.call('XPENDING', key, group, entry[1], entry[1], 1)[1][4]
                            count = count + 1
                            taken[count] = {lane, entry[1], given, text(entry[2])}
                        end
                    end
                end
                if count < limit then
                    for _, entry in ipairs(read(key, limit - count)) do
                        count = count + 1
                        taken[count] = {lane, entry[1], 1, text(entry[2])}
                    end
                end
            end

            local last = {}
            for lane = 0, 2 do
                local entry = count == 0 and redis.call('XREVRANGE', KEYS[lane + 1], '+', '-', 'COUNT', 1)[1]
                last[lane + 1] = entry and entry[1] or '0-0'
            end
            return {wait, cursors, last, taken}
            """)

        /// ARGV: the receiver, then for each delivery the number of its stream, its id, how often it was given out.
        static let acknowledge = Script(
            "jobs-acknowledge",
            """
            local group, ended = '\(group)', 0
            for index = 2, #ARGV, 3 do
                local key, id = KEYS[ARGV[index] + 1], ARGV[index + 1]
                local held = redis.pcall('XPENDING', key, group, id, id, 1, ARGV[1])
                if not held.err and held[1] and held[1][4] == tonumber(ARGV[index + 2]) then
                    redis.call('XACK', key, group, id)
                    redis.call('XDEL', key, id)
                    ended = ended + 1
                end
            end
            return ended
            """)

        /// Puts what cannot be read among the dead letters. ARGV: how many of these are kept, then for each entry the number of
        /// its stream, its id, its text.
        static let bury = Script(
            "jobs-bury",
            """
            for index = 2, #ARGV, 3 do
                local key, id = KEYS[ARGV[index] + 1], ARGV[index + 1]
                local text = string.sub(ARGV[index + 2], 1, 2048)
                redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[1], '*', 'unreadable', text)
                redis.call('XACK', key, '\(group)', id)
                redis.call('XDEL', key, id)
            end
            return 1
            """)

        /// ARGV: how many are kept, then the letters.
        static let publishDeadLetters = Script(
            "jobs-dead-letters",
            """
            for index = 2, #ARGV do
                redis.call('XADD', KEYS[5], 'MAXLEN', '~', ARGV[1], '*', 'letter', ARGV[index])
            end
            return 1
            """)

        /// Adds once more what the receiver still holds, so that others have it now, and forgets the receiver when it holds
        /// nothing. ARGV: the receiver. Answers how many there were; it may have to be run again.
        static let release = Script(
            "jobs-release",
            """
            local group, released = '\(group)', 0
            for lane = 1, 3 do
                local held = redis.pcall('XPENDING', KEYS[lane], group, '-', '+', 500, ARGV[1])
                if not held.err then
                    for _, entry in ipairs(held) do
                        local found = redis.call('XRANGE', KEYS[lane], entry[1], entry[1])[1]
                        if found then redis.call('XADD', KEYS[lane], '*', unpack(found[2])) end
                        redis.call('XACK', KEYS[lane], group, entry[1])
                        redis.call('XDEL', KEYS[lane], entry[1])
                        released = released + 1
                    end
                    if #held == 0 then redis.call('XGROUP', 'DELCONSUMER', KEYS[lane], group, ARGV[1]) end
                end
            end
            return released
            """)

        /// Makes the groups where there are none, which also shows that the server can be written.
        static let check = Script(
            "jobs-check",
            """
            for lane = 1, 3 do
                local answer = redis.pcall('XGROUP', 'CREATE', KEYS[lane], '\(group)', '0', 'MKSTREAM')
                if answer.err and string.sub(answer.err, 1, 9) ~= 'BUSYGROUP' then
                    redis.call('XGROUP', 'CREATE', KEYS[lane], '\(group)', '0', 'MKSTREAM')
                end
            end
            return 1
            """)
    }
#endif
