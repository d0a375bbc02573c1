extension SandboxState {
    /// Begins a fault.
    ///
    /// - Returns: its entry; `nil` when there are too many.
    mutating func begin(_ fault: SandboxFault, at now: SandboxInstant) -> FaultBoard.Entry? {
        sweepFaults(at: now)
        let affected = fault.kind == .sessionDown ? connectedSessions(at: now) : []
        guard let entry = faults.add(fault, at: now.nanoseconds) else { return nil }
        if let end = entry.end { setTimer(.faults, at: end) }
        for session in affected where faults.isSessionDown(key: session.apiKey, at: now.nanoseconds) {
            note(.sessionStatus(SandboxSession.Status.disconnected.rawValue), of: session)
        }
        return entry
    }

    /// Ends one fault, or all.
    ///
    /// - Returns: how many were ended.
    mutating func endFaults(id: Int? = nil, at now: SandboxInstant) -> Int {
        sweepFaults(at: now)
        let ended = faults.end(id: id)
        settle(ended, at: now)
        return ended.count
    }

    /// Takes away faults that are over, and tells of the sessions that are back by it.
    mutating func sweepFaults(at now: SandboxInstant) {
        let over = faults.sweep(at: now.nanoseconds)
        // What a fault that ran out of its count holds is held for its whole time: only ending it lets go.
        settle(over.filter { $0.fault.kind == .sessionDown }, at: now)
    }

    /// The faults in force.
    mutating func faultsInForce(at now: SandboxInstant) -> [FaultBoard.Entry] {
        sweepFaults(at: now)
        return faults.entries
    }

    /// What faults do to a request that is not a send.
    ///
    /// - Returns: what it gets instead of an answer, if anything, and the time a `slow` fault adds.
    mutating func intercept(
        _ path: SandboxFault.Path, key: String, at now: SandboxInstant
    ) -> (effect: FaultEffect?, delay: Duration) {
        var delay: Duration = .zero
        let struck = faults.strike(
            key: key, recipient: nil, at: now.nanoseconds, random: &random,
            where: { $0.path == path && $0.kind != .sessionDown }, until: { $0.kind != .slow })
        for entry in struck {
            guard entry.fault.kind == .slow else { return (entry.fault.effect(id: entry.id), delay) }
            delay += entry.fault.delay
        }
        return (nil, delay)
    }

    private mutating func settle(_ ended: [FaultBoard.Entry], at now: SandboxInstant) {
        work.endedFaults += ended.map(\.id)
        for session in connectedSessions(at: now)
        where ended.contains(where: {
            $0.fault.kind == .sessionDown && $0.concerns(key: session.apiKey, recipient: nil)
        }) {
            note(.sessionStatus(SandboxSession.Status.connected.rawValue), of: session)
        }
    }

    private func connectedSessions(at now: SandboxInstant) -> [SandboxSession] {
        sessions.values
            .filter { $0.status == .connected && !faults.isSessionDown(key: $0.apiKey, at: now.nanoseconds) }
            .sorted { $0.id < $1.id }
    }
}

extension SandboxFault {
    /// How a send is entered in the ledger that this fault lets through without saying so; `nil` for faults that
    /// keep it out.
    var acceptedOutcome: LedgerEntry.Outcome? {
        switch kind {
        case .acceptThenReset: .acceptedThenReset
        case .acceptThenTimeout: .acceptedThenTimeout
        case .status: accepts ? .acceptedThenStatus : nil
        case .garbage: accepts ? .acceptedThenGarbage : nil
        default: nil
        }
    }

    /// What the struck request gets.
    func effect(id: Int) -> FaultEffect {
        switch kind {
        case .status:
            .answer(
                status: statusCode,
                body: body ?? WasenderAnswer.usualBody(ofStatus: statusCode, retryAfterSeconds: retryAfterSeconds),
                isJSON: body == nil || bodyIsJSON, headers: headers)
        case .garbage:
            .answer(
                status: 200, body: body ?? .init(string: "<html><body>It works!</body></html>"), isJSON: false,
                headers: headers)
        case .timeout, .acceptThenTimeout: .hold(fault: id, upTo: delay)
        default: .reset
        }
    }
}
