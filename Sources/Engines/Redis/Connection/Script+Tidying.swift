#if Redis
    extension Script {
        /// Forgets receivers that hold nothing and were not heard of for long. KEYS: streams. ARGV: the group, the receiver that
        /// asks, milliseconds.
        static let tidying = Script(
            "tidy-receivers",
            """
            local forgotten = 0
            for _, key in ipairs(KEYS) do
                local receivers = redis.pcall('XINFO', 'CONSUMERS', key, ARGV[1])
                if not receivers.err then
                    for _, flat in ipairs(receivers) do
                        local receiver = {}
                        for index = 1, #flat, 2 do receiver[flat[index]] = flat[index + 1] end
                        if receiver.pending == 0 and receiver.idle > tonumber(ARGV[3]) and receiver.name ~= ARGV[2] then
                            redis.call('XGROUP', 'DELCONSUMER', key, ARGV[1], receiver.name)
                            forgotten = forgotten + 1
                        end
                    end
                end
            end
            return forgotten
            """)
    }
#endif
