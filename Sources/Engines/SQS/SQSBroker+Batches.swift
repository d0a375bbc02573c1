#if SQS
    import Martlet

    /// What became of many entries.
    struct BatchResult<Element: Sendable>: Sendable {
        /// Entries that were not carried out.
        var undone: [Element] = []
        /// Why, of the first that failed.
        var failure: SQSFailure?
    }

    extension SQSBroker {
        /// Carries out an action on many entries: ten in a request, some requests at a time. Entries that failed for a while are
        /// tried again, those alone. After a failure no more requests begin.
        func batches<Element: Sendable>(
            of elements: [Element], on queue: (Element) -> JobQueue, action: String, persistence: Persistence,
            entry: @escaping @Sendable (Element) -> JSONObject
        ) async -> BatchResult<Element> {
            var batches: [(queue: JobQueue, elements: [Element])] = []
            let groups = Dictionary(grouping: elements, by: queue)
            // High priority goes first here, too.
            for queue in JobQueue.allCases {
                let group = groups[queue] ?? []
                for start in stride(from: 0, to: group.count, by: JobQueueRules.batchMax) {
                    batches.append((queue, Array(group[start..<min(start + JobQueueRules.batchMax, group.count)])))
                }
            }
            var remaining = batches[...]
            return await withTaskGroup(of: BatchResult<Element>.self) { group in
                func addNext() {
                    guard let batch = remaining.popFirst() else { return }
                    group.addTask {
                        await self.batch(
                            of: batch.elements, on: batch.queue, action: action, persistence: persistence, entry: entry)
                    }
                }
                for _ in 0..<max(1, options.concurrency) { addNext() }
                var result = BatchResult<Element>()
                while let next = await group.next() {
                    result.undone += next.undone
                    result.failure = result.failure ?? next.failure
                    if result.failure == nil { addNext() }
                }
                result.undone += remaining.flatMap(\.elements)
                return result
            }
        }

        private func batch<Element: Sendable>(
            of elements: [Element], on queue: JobQueue, action: String, persistence: Persistence,
            entry: @Sendable (Element) -> JSONObject
        ) async -> BatchResult<Element> {
            var undone = elements
            var attempts = persistence
            while true {
                let entries: [JSONValue] = undone.enumerated().map { index, element in
                    var fields: JSONObject = ["Id": .string(String(index))]
                    fields.members += entry(element).members
                    return .object(fields)
                }
                do throws(SQSFailure) {
                    let answer = try await queues.call(
                        action, on: queue, ["Entries": .array(entries)], persistence: persistence)
                    let outcome = BatchAnswer(answer, count: undone.count)
                    undone = outcome.failed.map { undone[$0] }
                    guard let failure = outcome.failure else { return BatchResult() }
                    guard failure.kind == .transient, let pause = attempts.nextPause() else {
                        return BatchResult(undone: undone, failure: failure)
                    }
                    try await queues.client.sleep(pause)
                } catch {
                    return BatchResult(undone: undone, failure: error)
                }
            }
        }
    }

    /// The answer to a request with several entries.
    struct BatchAnswer: Sendable {
        /// The entries that are not known to be carried out, by their place in the request.
        var failed: [Int]
        /// Why; nil when all were carried out. One that cannot succeed stands for all.
        var failure: SQSFailure?

        /// What the failure of an acknowledgement says when the delivery is no longer the receiver's: nothing is left to do.
        private static let passedOver: Set<String> = ["ReceiptHandleIsInvalid", "MessageNotInflight"]

        init(_ answer: JSONObject, count: Int) {
            func index(_ entry: JSONValue) -> Int? {
                entry["Id"]?.stringValue.flatMap { Int($0) }.flatMap { (0..<count).contains($0) ? $0 : nil }
            }
            var done = Set((answer["Successful"]?.arrayValue ?? []).compactMap(index))
            var failures: [SQSFailure] = []
            for entry in answer["Failed"]?.arrayValue ?? [] {
                guard let index = index(entry) else { continue }
                let failure = Self.failure(entry)
                if Self.passedOver.contains(failure.code) {
                    done.insert(index)
                } else {
                    done.remove(index)
                    failures.append(failure)
                }
            }
            failed = (0..<count).filter { !done.contains($0) }
            failure =
                failed.isEmpty
                ? nil
                : failures.first { $0.kind != .transient } ?? failures.first
                    ?? SQSFailure(.transient, code: "an answer without all entries")
        }

        /// What the sender is to blame for does not get better by itself, with the exception of being too fast.
        private static func failure(_ entry: JSONValue) -> SQSFailure {
            let isSenders = entry["SenderFault"]?.boolValue ?? false
            return SQSFailure(
                status: isSenders ? 400 : 500, code: entry["Code"]?.stringValue,
                detail: entry["Message"]?.stringValue ?? "")
        }
    }
#endif
