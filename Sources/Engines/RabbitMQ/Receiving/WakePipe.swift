#if RabbitMQ
    #if canImport(Glibc)
        import Glibc
    #elseif canImport(Musl)
        import Musl
    #endif

    /// Wakes a thread that waits on sockets. Any thread may wake; one waits.
    final class WakePipe: Sendable {
        private let reader: Int32
        private let writer: Int32

        init() {
            var ends: [Int32] = [-1, -1]
            let result = pipe(&ends)
            precondition(result == 0, "no descriptors are left")
            for end in ends {
                _ = fcntl(end, F_SETFL, O_NONBLOCK)
                _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            }
            reader = ends[0]
            writer = ends[1]
        }

        deinit {
            close(reader)
            close(writer)
        }

        func wake() {
            var byte: UInt8 = 1
            // When the pipe is full, the thread will wake as it is.
            _ = write(writer, &byte, 1)
        }

        /// Waits until it is woken, something can be read from the descriptor, or the time is over.
        func wait(orFor descriptor: Int32?, atMost duration: Duration) {
            let (seconds, attoseconds) = max(.zero, duration).components
            let milliseconds = min(seconds, 3600) * 1000 + attoseconds / 1_000_000_000_000_000
            var waiting = [pollfd(fd: reader, events: Int16(POLLIN), revents: 0)]
            if let descriptor { waiting.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)) }
            guard poll(&waiting, nfds_t(waiting.count), Int32(milliseconds)) > 0, waiting[0].revents != 0 else {
                return
            }
            var bytes = [UInt8](repeating: 0, count: 512)
            while read(reader, &bytes, bytes.count) == bytes.count {}
        }
    }
#endif
