/// Everything a store promises to those who use it one call at a time.
package enum StorePromises {
    package static let all: [Promise<StoreFixture>] =
        MessageStorePromises.all + DeadLetterPromises.all + DispatchQueuePromises.all + SettlementPromises.all
        + AcknowledgementPromises.all + ReconciliationPromises.all + ReplayPromises.all + DirectoryPromises.all
        + MaintenancePromises.all
}
