#if Redis
    import Martlet

    extension RedisLink {
        /// Returns when one of the streams has an entry after the given one, or at that time; takes nothing.
        ///
        /// Every waiting process wakes, and the first to ask then gets the entries: that keeps limits and priorities exact, which
        /// a blocking read for a group does not over several streams.
        func wait(
            forMoreIn streams: [String], after last: [[UInt8]], until end: ContinuousClock.Instant
        ) async throws(StoreError) {
            do throws(RedisFailure) {
                _ = try await perform { () -> [[UInt8]]? in
                    let rest = (end - .now).milliseconds
                    // Zero would mean for ever.
                    guard rest > 0 else { return nil }
                    return [Array("XREAD".utf8), Array("COUNT".utf8), [UInt8(ascii: "1")], Array("BLOCK".utf8)]
                        + [Array(decimal: rest), Array("STREAMS".utf8)] + streams.map { Array($0.utf8) } + last
                }
            } catch {
                throw error.storeError
            }
        }
    }

    extension Array {
        /// The same elements in arrays of at most that many.
        func batches(of size: Int) -> [[Element]] {
            stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
        }
    }
#endif
