extension SandboxState {
    /// The session of a key. An unknown key becomes a session, connected, unless only some keys are known.
    mutating func session(for key: Result<String, KeyRefusal>, at now: SandboxInstant) -> Result<Int, KeyRefusal> {
        key.flatMap { key in
            if let id = sessionOfKey[key] { return .success(id) }
            // Laravel Sanctum's tokens have a bar; a personal access token is no session's key.
            guard !retiredKeys.contains(key), !key.contains("|"), key.utf8.count <= 512,
                configuration.knownKeys?.contains(key) ?? true
            else { return .failure(.invalid) }
            let settings = SandboxSession.Settings(
                name: "Session \(nextSessionID)", phoneNumber: phoneNumber(ofSession: nextSessionID),
                accountProtection: configuration.accountProtection, logMessages: configuration.messageLogs,
                webhookEnabled: true)
            return addSession(settings, apiKey: key, isLinked: true, at: now)
        }
    }

    /// Adds a session.
    ///
    /// - Parameters:
    ///   - apiKey: its key; `nil` makes one.
    ///   - webhookSecret: its secret; `nil` makes one.
    ///   - isLinked: whether it is connected from the start.
    /// - Returns: its id.
    mutating func addSession(
        _ settings: SandboxSession.Settings, apiKey: String? = nil, webhookSecret: String? = nil, isLinked: Bool,
        at now: SandboxInstant
    ) -> Result<Int, KeyRefusal> {
        guard sessions.count < Self.sessionCapacity else { return .failure(.full) }
        let id = nextSessionID
        nextSessionID += 1
        var session = SandboxSession(
            id: id, settings: settings, status: isLinked ? .connected : .disconnected,
            apiKey: apiKey ?? hexadecimal(words: 4), webhookSecret: webhookSecret ?? hexadecimal(words: 2),
            isLinked: isLinked, createdAt: now, updatedAt: now, lastActiveAt: now,
            window: SlidingWindow(capacity: configuration.limits.map(\.count).max() ?? 1))
        log("created", of: &session, at: now)
        sessions[id] = session
        sessionOfKey[session.apiKey] = id
        retiredKeys.remove(session.apiKey)
        return .success(id)
    }

    /// Deletes a session; its key is void from then on.
    mutating func deleteSession(_ id: Int) -> Bool {
        guard let session = sessions.removeValue(forKey: id) else { return false }
        sessionOfKey[session.apiKey] = nil
        retire(session.apiKey)
        return true
    }

    /// Gives a session another key; the old one is void from then on.
    ///
    /// - Parameter key: the key; `nil` makes one.
    mutating func replaceKey(of id: Int, by key: String? = nil, at now: SandboxInstant) -> String? {
        guard var session = sessions[id] else { return nil }
        let fresh = key ?? hexadecimal(words: 4)
        guard fresh != session.apiKey else { return fresh }
        sessionOfKey[session.apiKey] = nil
        retire(session.apiKey)
        session.apiKey = fresh
        session.updatedAt = now
        sessions[id] = session
        sessionOfKey[fresh] = id
        retiredKeys.remove(fresh)
        return fresh
    }

    /// The state a client sees: a fault may make a connected session look disconnected.
    func visibleStatus(of session: SandboxSession, at now: SandboxInstant) -> SandboxSession.Status {
        session.status == .connected && faults.isSessionDown(key: session.apiKey, at: now.nanoseconds)
            ? .disconnected : session.status
    }

    /// Brings a session into a state, logs it and posts the webhook. Nothing happens when it is in that state.
    mutating func setStatus(_ status: SandboxSession.Status, of id: Int, at now: SandboxInstant) {
        guard var session = sessions[id], session.status != status else { return }
        session.status = status
        session.updatedAt = now
        if status == .connected { session.isLinked = true }
        log("status_change", of: &session, at: now)
        sessions[id] = session
        note(.sessionStatus(status.rawValue), of: session)
    }

    /// Lets a session that waits for a scan, or restarts, be connected after the link delay.
    mutating func linkLater(_ id: Int, at now: SandboxInstant) {
        setTimer(.link(session: id), at: now.nanoseconds + configuration.linkDelay.nanosecondsRounded)
    }

    /// The scan was made, or the restart is over.
    mutating func link(_ id: Int, at now: SandboxInstant) {
        switch sessions[id]?.status {
        case .needScan, .needPasskey, .connecting: setStatus(.connected, of: id, at: now)
        case .connected, .disconnected, nil: break
        }
    }

    /// Counts a look-up against its own limits.
    ///
    /// - Returns: why it is refused, or `nil`, and the day's and the minute's readings.
    mutating func countLookup(
        _ kind: LookupLimit, session id: Int, at now: SandboxInstant
    ) -> (refusal: SlidingWindow.Refusal?, minute: SlidingWindow.Reading, day: SlidingWindow.Reading)? {
        guard sessions[id] != nil else { return nil }
        let limits = kind.limits
        var window = sessions[id]?.lookups[kind] ?? SlidingWindow(capacity: limits.map(\.count).max() ?? 1)
        let refusal = window.refusal(under: limits, at: now.nanoseconds)
        if refusal == nil { window.count(at: now.nanoseconds) }
        sessions[id]?.lookups[kind] = window
        return (
            refusal, window.reading(under: [limits[0]], at: now.nanoseconds),
            window.reading(under: [limits[1]], at: now.nanoseconds)
        )
    }

    /// One page of a session's messages, newest first.
    ///
    /// - Parameters:
    ///   - isWanted: which messages are counted and shown.
    ///   - page: from 1 to a million.
    ///   - perPage: from 1 to 100.
    /// - Returns: the page, and how many there are in all.
    func messages(
        ofSession id: Int, page: Int, perPage: Int, where isWanted: ((LedgerEntry) -> Bool)?
    ) -> (rows: [LedgerEntry], total: Int)? {
        guard let session = sessions[id] else { return nil }
        let skipped = (page - 1) * perPage
        guard let isWanted else {
            let rows = session.messages.reversed().dropFirst(skipped).prefix(perPage)
            return (rows.compactMap { ledger.entry(ofMessage: $0) }, session.messages.count)
        }
        var rows: [LedgerEntry] = []
        var total = 0
        for messageID in session.messages.reversed() {
            guard let entry = ledger.entry(ofMessage: messageID), isWanted(entry) else { continue }
            total += 1
            if total > skipped, rows.count < perPage { rows.append(entry) }
        }
        return (rows, total)
    }

    /// As many random bits as it takes for a key or a secret, in hexadecimal, 16 digits a word.
    mutating func hexadecimal(words: Int) -> String {
        (0..<words).map { _ in
            let digits = String(random.next(), radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
    }

    private func phoneNumber(ofSession id: Int) -> String {
        // 555-01xx is reserved for examples; the sandbox has more sessions than that, so the last digits just count.
        "+1202555" + String(String(10_000 + id % 10_000).suffix(4))
    }

    private mutating func log(_ eventType: String, of session: inout SandboxSession, at now: SandboxInstant) {
        if session.log.count >= SandboxSession.logCapacity { session.log.removeFirst() }
        session.log.append(
            SandboxSession.LogRow(id: nextLogID, eventType: eventType, status: session.status, occurredAt: now))
        nextLogID += 1
    }

    private mutating func retire(_ key: String) {
        // Bounded like the sessions whose keys they were.
        if retiredKeys.count >= Self.sessionCapacity { retiredKeys.removeFirst() }
        retiredKeys.insert(key)
    }
}
