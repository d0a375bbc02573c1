import Martlet

extension World {
    /// Does what the scenario has for a moment.
    func perform(_ action: Scenario.Action, _ places: Places) async {
        switch action {
        case .send(let tenant, let plans): await send(plans, tenant: tenant, places)
        case .repeatKey(let otherContent): await repeatKey(otherContent: otherContent)
        case .cancel: await cancel()
        case .replay(let corrected): await replay(corrected: corrected)
        case .discard: await discard()
        case .pause(let tenant, let channel, let length):
            let id = places.channel(tenant, channel)
            await operate("pauses \(id.short)") { node in
                try await node.directory.order(id, .paused, reason: "by an operator")
            }
            agenda.after(length) { [self] in
                await operate("resumes \(id.short)") { node in
                    try await node.directory.order(id, .active, reason: nil)
                }
            }
        case .limitChannel(let tenant, let channel, let limit): await set(limit, of: places.channel(tenant, channel))
        case .limitTenant(let tenant, let limit): await set(limit, of: places.tenant(tenant))
        case .addChannel(let tenant, let plan): await addChannel(plan, tenant: tenant, places)
        case .crash(let pause): crash(restartAfter: pause)
        case .cancelNode(let pause): cancelNode(restartAfter: pause)
        case .stall(let length):
            // Hanging does most harm with something in hand.
            for _ in 0..<100 where !allRunning.contains(where: { log.hasClaims($0.lifeline.incarnation) }) {
                try? await time.sleep(for: .milliseconds(50))
            }
            stall(for: length)
        case .registerFault(let fault, let length):
            guard let register = surroundings.shared?.register else { return }
            register.begin(fault)
            agenda.after(length) { register.end(fault) }
        case .storeFault(let fault, let length):
            trace.note("the store is \(fault.rawValue) for \(length.seconds) s")
            log.count { $0.storeFaults += 1 }
            conditions.begin(fault)
            agenda.after(length) { [conditions] in conditions.end(fault) }
        case .jump(let step):
            trace.note("the clock jumps by \(step.seconds) s")
            log.count { $0.jumps += 1 }
            if step > .zero { log.jumpedForward() }
            time.jumpWallClock(by: step)
        case .sessionLoss, .refuseCredentials, .storm, .outage, .strayWebhook: trouble(action, places)
        }
    }

    // MARK: The provider's troubles

    private func trouble(_ action: Scenario.Action, _ places: Places) {
        switch action {
        case .sessionLoss(let tenant, let channel, let length):
            let id = places.channel(tenant, channel)
            change(id, "loses its session", for: length, { $0.isDown = true }, { $0.isDown = false })
            sessionWebhook("down", id)
            agenda.after(length) { [self] in sessionWebhook("up", id) }
        case .refuseCredentials(let tenant, let channel, let length):
            let id = places.channel(tenant, channel)
            change(id, "is refused", for: length, { $0.isRefused = true }, { $0.isRefused = false })
            if clients.chance.happens(0.6) {
                agenda.after(length + .seconds(1)) { [self] in
                    await operate("mends the credentials of \(id.short)") { node in
                        try await node.directory.order(id, .active, reason: nil, from: [.unauthorized])
                    }
                }
            }
        case .storm(let tenant, let channel, let length, let retryAfter):
            let id = places.channel(tenant, channel)
            change(id, "is throttled", for: length, { $0.storm = (true, retryAfter) }, { $0.storm = (false, nil) })
        case .outage(let tenant, let channel, let length):
            change(
                places.channel(tenant, channel), "is out of order", for: length, { $0.isOut = true },
                { $0.isOut = false })
        case .strayWebhook(let tenant, let channel): strayWebhook(places.channel(tenant, channel))
        default: break
        }
    }

    private func change(
        _ id: ChannelID, _ what: String, for length: Duration,
        _ begin: (inout RemoteProvider.Trouble) -> Void,
        _ end: @escaping @Sendable (inout RemoteProvider.Trouble) -> Void
    ) {
        trace.note("\(id.short) \(what) for \(length.seconds) s")
        remote.change(id, begin)
        agenda.after(length) { [remote] in remote.change(id, end) }
    }

    private func sessionWebhook(_ word: String, _ id: ChannelID) {
        guard clients.chance.happens(0.5) else { return }
        remote.send(
            WebhookDelivery(channel: id, body: JSONValue.object(["session": .string(word)]).encoded(), secret: "s3cret")
        )
    }

    private func strayWebhook(_ id: ChannelID) {
        let chance = clients.chance
        let bodies = [#"{"id":"nobody","level":3}"#, #"{"id":"#, "\u{1}garbage", #"{"id":"s1","level":77}"#]
        let isForged = chance.happens(0.4)
        // A forged one would end a message that is well, if it were taken.
        let body = isForged ? #"{"id":"s\#(chance.integer(1...20))","level":0}"# : chance.pick(bodies)
        remote.send(WebhookDelivery(channel: id, body: Array(body.utf8), secret: isForged ? "guess" : "s3cret"))
    }

    // MARK: What operators do

    /// Asks until a node has answered.
    private func operate(_ what: String, _ body: @escaping @Sendable (Node) async throws -> Void) async {
        for _ in 0..<600 {
            // The run is over, and waits for nobody.
            if Task.isCancelled { return }
            if let node {
                do {
                    try await body(node)
                    if !node.lifeline.isDead {
                        trace.note("an operator \(what)")
                        return
                    }
                } catch {
                    trace.note("an operator is told no: \(error)")
                }
            }
            try? await time.sleep(for: .seconds(1))
        }
        log.violation("an operator never got an answer: \(what)")
    }

    private func set(_ limit: RateLimit, of id: ChannelID) async {
        let change = log.changing(.channel(id), to: [limit])
        await operate("limits \(id.short) to \(limit.count)/\(limit.perSeconds)s") { node in
            guard var channel = node.directory.channel(id) else { return }
            channel.limits = [limit]
            _ = try await node.directory.updateChannel(channel)
        }
        log.changed(.channel(id), change)
    }

    private func set(_ limit: RateLimit, of id: TenantID) async {
        let change = log.changing(.tenant(id), to: [limit])
        await operate("limits a tenant to \(limit.count)/\(limit.perSeconds)s") { node in
            guard var tenant = node.directory.tenant(id) else { return }
            tenant.limits = [limit]
            _ = try await node.directory.updateTenant(tenant)
        }
        log.changed(.tenant(id), change)
    }

    private func addChannel(_ plan: Scenario.ChannelPlan, tenant: Int, _ places: Places) async {
        let draft = Self.channel(plan, tenant: places.tenant(tenant), now: time.now())
        guard let node, let created = try? await node.directory.createChannel(draft) else { return }
        log.changed(.channel(created.id), log.changing(.channel(created.id), to: plan.limits))
        trace.note("channel \(created.id.short) is new")
        // Something to send over it, beside what its neighbours send.
        let plans = (0..<4).map {
            Scenario.DraftPlan(
                channel: 0, recipient: "+1415555200\($0)", text: "over the new channel \($0)", priority: .normal,
                onUnknown: .retry)
        }
        await submit(plans.compactMap { request($0, tenant: places.tenant(tenant), channel: plan.name) })
    }
}
