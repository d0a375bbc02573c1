/// A notification as the communications log holds it.
package struct Message: Sendable, Equatable {
    package var id: MessageID
    package var tenantID: TenantID
    package var channelID: ChannelID
    package var recipient: PhoneNumber
    /// What it says; its content is empty once a message to redact is final.
    package var payload: Payload
    package var status: MessageStatus = .queued
    /// What the provider's webhooks call the message.
    package var messageID: String?
    /// What the provider answered to the send.
    package var submissionID: String?
    /// Attempts that count, since acceptance or the last replay.
    package var attempts = 0
    package var errorReason: String?
    package var deadLetteredAt: Timestamp?
    /// It was sent again after an attempt whose outcome nobody could tell.
    package var duplicateRisk = false
    package var priority: Priority = .normal
    package var sendAt: Timestamp?
    package var expiresAt: Timestamp?
    package var onUnknown: UnknownPolicy = .retry
    package var redact = false
    package var idempotencyKey: String?
    package var event: JSONObject?
    package var metadata = JSONObject()
    package var createdAt: Timestamp
    package var updatedAt: Timestamp
    package var sentAt: Timestamp?
    /// When WhatsApp's server acknowledged it (or any later sign of life came).
    package var acknowledgedAt: Timestamp?
    package var deliveredAt: Timestamp?
    package var readAt: Timestamp?
    package var failedAt: Timestamp?
    /// The job behind a queued message; nil once there is none.
    package var job: JobSnapshot?

    package init(
        id: MessageID, tenantID: TenantID, channelID: ChannelID, recipient: PhoneNumber, payload: Payload,
        createdAt: Timestamp
    ) {
        self.id = id
        self.tenantID = tenantID
        self.channelID = channelID
        self.recipient = recipient
        self.payload = payload
        self.createdAt = createdAt
        updatedAt = createdAt
    }
}
