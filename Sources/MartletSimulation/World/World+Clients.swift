import Martlet

extension World {
    /// What a client writes for a plan, or nil where its times contradict each other by the clock as it is now.
    func request(_ plan: Scenario.DraftPlan, tenant: TenantID, channel: String) -> Clients.Request? {
        var body: JSONObject = [
            "channel": .string(channel), "to": .string(plan.recipient), "type": "text",
            "text": ["body": .string(plan.text)], "priority": .string(plan.priority.name),
            "on_unknown": .string(plan.onUnknown.rawValue),
        ]
        if let expiresIn = plan.expiresIn { body["expires_in"] = .integer(Int64(expiresIn)) }
        if let sendIn = plan.sendIn { body["send_at"] = .string((time.now() + sendIn).description) }
        if plan.redact { body["redact"] = true }
        if let key = plan.key {
            if plan.hasEvent {
                body["event"] = ["user_id": .string(key), "type": "paid", "timestamp": "2026-11-23T10:00:00Z"]
            } else {
                body["idempotency_key"] = .string(key)
            }
        }
        guard let draft = try? MessageDraft.read(.object(body), now: time.now()).get() else { return nil }
        return Clients.Request(tenant: tenant, draft: draft, key: plan.key)
    }

    func send(_ plans: [Scenario.DraftPlan], tenant: Int, _ places: Places) async {
        let requests = plans.compactMap {
            request($0, tenant: places.tenant(tenant), channel: scenario.tenants[tenant].channels[$0.channel].name)
        }
        for request in requests { clients.asked(request) }
        await submit(requests)
    }

    /// Hands requests in, and hands those with a key in again until they are answered: that is what a key is for.
    func submit(_ requests: [Clients.Request], tries: Int = 0) async {
        guard let first = requests.first else { return }
        let answered = await handIn(requests, tenant: first.tenant)
        guard !answered else { return }
        let again = requests.filter { $0.key != nil }
        guard !again.isEmpty, tries < 40, clients.chance.happens(0.9) else { return }
        agenda.after(.seconds(1)) { [self] in await submit(again, tries: tries + 1) }
    }

    /// Whether an answer came.
    private func handIn(_ requests: [Clients.Request], tenant: TenantID) async -> Bool {
        guard let node else { return false }
        let results: [Result<AcceptanceResult, FieldErrors>]
        do {
            if requests.count == 1 {
                results = [.success(try await node.acceptance.accept(requests[0].draft, tenant: tenant))]
            } else {
                results = try await node.acceptance.accept(requests.map { .success($0.draft) }, tenant: tenant)
            }
        } catch AcceptanceError.invalid(let errors) {
            log.violation("a valid request was refused: \(errors)")
            return true
        } catch {
            return false
        }
        guard !node.lifeline.isDead else { return false }
        for (request, result) in zip(requests, results) {
            switch result {
            case .success(let result):
                clients.told(result, of: request)
                switch result {
                case .accepted(let message): trace.note("\(message.id.short) is accepted, key \(request.key ?? "-")")
                case .replayed(let message):
                    trace.note("\(message.id.short) is accepted already, key \(request.key ?? "-")")
                case .conflict(let id): trace.note("key \(request.key ?? "-") conflicts with \(id.short)")
                }
            case .failure(let errors): log.violation("a valid request was refused: \(errors)")
            }
        }
        return true
    }

    /// Hands in a request whose key is known, alone or twice at once.
    func repeatKey(otherContent: Bool) async {
        let keyed = clients.keyed
        guard !keyed.isEmpty else { return }
        var request = clients.chance.pick(keyed)
        if otherContent {
            request.draft.payload = .text("something else")
            request.draft.contentHash = EchoFingerprint.of("something else")
            clients.asked(request)
        }
        let repeated = request
        if clients.chance.happens(0.5) {
            agenda.after(.zero) { [self] in await submit([repeated]) }
        }
        await submit([repeated])
    }

    /// Cancels something that waits, as far as the client can know.
    func cancel() async {
        let waiting = data.allMessages.filter { $0.status == .queued }
        guard let node, !waiting.isEmpty else { return }
        let message = clients.chance.pick(waiting)
        clients.askedToCancel(message.id)
        let result = try? await node.store.cancel(message.id, tenant: message.tenantID, now: node.lifeline.time.now())
        trace.note("\(message.id.short) is to be cancelled: \(result?.label ?? "no answer")")
    }

    func replay(corrected: Bool) async {
        let dead = data.allMessages.filter { $0.deadLetteredAt != nil }
        guard let node, !dead.isEmpty else { return }
        let message = clients.chance.pick(dead)
        var correction = Correction()
        if corrected {
            correction.recipient = PhoneNumber(unchecked: "+14155559\(clients.chance.integer(100...999))")
            correction.payload = .text("corrected \(message.id.short)")
            correction.expiresAt = .some(nil)
        }
        let result = try? await node.store.replay(
            message.id, tenant: message.tenantID, correction: correction, now: node.lifeline.time.now())
        trace.note("\(message.id.short) is to be replayed: \(result?.label ?? "no answer")")
        guard let result, case .replayed = result, !node.lifeline.isDead else { return }
        node.wake(message.channelID)
    }

    func discard() async {
        let dead = data.allMessages.filter { $0.deadLetteredAt != nil }
        guard let node, !dead.isEmpty else { return }
        let message = clients.chance.pick(dead)
        clients.askedToDiscard(message.id)
        _ = try? await node.store.discard(message.id, tenant: message.tenantID, now: node.lifeline.time.now())
        trace.note("\(message.id.short) is to be discarded")
    }
}

extension CancelResult {
    fileprivate var label: String {
        switch self {
        case .cancelled: "done"
        case .notFound: "not found"
        case .tooLate(let status): "too late, \(status)"
        }
    }
}

extension ReplayResult {
    fileprivate var label: String {
        switch self {
        case .replayed: "done"
        case .notFound: "not found"
        }
    }
}
