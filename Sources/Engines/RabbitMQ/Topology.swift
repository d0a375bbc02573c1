#if RabbitMQ
    import Martlet

    /// The exchanges and queues of one prefix, and which way a notice takes through them.
    ///
    /// A notice that is due goes through the jobs' exchange to the queue of its priority. One that is not waits in a delay
    /// queue. All in such a queue wait equally long, so that none stands in another's way; when its time is over, RabbitMQ
    /// moves it to the jobs' exchange with the routing key it came with. From there a receiver sends what is still not due on
    /// to the next delay queue. <https://www.rabbitmq.com/docs/ttl#queue-ttl>, <https://www.rabbitmq.com/docs/dlx>
    struct Topology: Sendable {
        /// An argument of a declaration.
        enum Argument: Sendable, Equatable {
            case text(String)
            case number(Int64)
        }

        struct Exchange: Sendable {
            var name: String
            /// `direct` or `fanout`.
            var kind: String
        }

        struct Queue: Sendable {
            var name: String
            var exchange: String
            var routingKey = ""
            var arguments: [(name: String, value: Argument)]
        }

        /// How long the delay queues hold, in seconds; each a few times the one before, so that half an hour takes few hops.
        static let steps = [1, 5, 15, 45, 135, 405, 1800]
        /// How much before its time a notice may be delivered.
        static let earlyMax: Duration = .seconds(1)
        static let delayMax: Duration = .seconds(1800)

        let jobs: String
        let deadLetters: String
        let exchanges: [Exchange]
        let queues: [Queue]

        init(_ options: RabbitMQOptions) {
            let prefix = options.prefix
            jobs = "\(prefix).jobs"
            deadLetters = "\(prefix).dead-letters"
            let quorum = (name: "x-queue-type", value: Argument.text("quorum"))
            let delays = Self.steps.map { "\(prefix).delay.\($0)s" }
            exchanges =
                [Exchange(name: jobs, kind: "direct"), Exchange(name: deadLetters, kind: "fanout")]
                + delays.map { Exchange(name: $0, kind: "fanout") }
            var queues = [
                Queue(
                    name: deadLetters, exchange: deadLetters,
                    arguments: [
                        quorum, ("x-max-length", .number(Int64(options.deadLettersMax))),
                        ("x-overflow", .text("drop-head")),
                    ])
            ]
            for priority in Priority.allCases {
                queues.append(
                    Queue(
                        name: "\(jobs).\(priority.name)", exchange: jobs, routingKey: priority.name,
                        arguments: [
                            quorum, ("x-delivery-limit", .number(Int64(options.deliveryLimit))),
                            ("x-dead-letter-exchange", .text(deadLetters)),
                        ]))
            }
            // With at-least-once, what a delay queue moves on is gone from it only when it has arrived.
            for (name, step) in zip(delays, Self.steps) {
                queues.append(
                    Queue(
                        name: name, exchange: name,
                        arguments: [
                            quorum, ("x-message-ttl", .number(Int64(step) * 1000)),
                            ("x-dead-letter-exchange", .text(jobs)),
                            ("x-dead-letter-strategy", .text("at-least-once")), ("x-overflow", .text("reject-publish")),
                        ]))
            }
            self.queues = queues
        }

        /// The queue of what is due.
        func queue(_ priority: Priority) -> String { "\(jobs).\(priority.name)" }

        /// The exchange that takes a notice now; the routing key is always its priority's name.
        func exchange(for notice: JobNotice, now: Timestamp) -> String {
            let remaining = notice.dueAt - now
            guard remaining > Self.earlyMax, let index = Self.steps.lastIndex(where: { .seconds($0) <= remaining })
            else {
                return jobs
            }
            // After the jobs' and the dead letters', in the order of the steps.
            return exchanges[2 + index].name
        }

        /// A notice as it is published now.
        func message(_ notice: JobNotice, now: Timestamp) -> OutgoingMessage {
            OutgoingMessage(
                exchange: exchange(for: notice, now: now), routingKey: notice.priority.name, id: notice.message.text,
                type: "job", body: notice.encoded())
        }

        /// A dead letter as it is published.
        func message(_ letter: DeadLetterNotice) -> OutgoingMessage {
            OutgoingMessage(
                exchange: deadLetters, routingKey: "", id: letter.message.text, type: "dead_letter",
                body: letter.encoded())
        }
    }
#endif
