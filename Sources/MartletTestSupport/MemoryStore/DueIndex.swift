import Martlet

/// Messages in the order of a moment each, ties broken by id, so that every walk over it is the same in every run.
struct DueIndex: Sendable {
    struct Entry: Sendable, Comparable {
        var at: Timestamp
        var id: MessageID

        static func < (left: Entry, right: Entry) -> Bool {
            left.at == right.at ? left.id < right.id : left.at < right.at
        }
    }

    /// What was removed from the front stays in place until it is half of all: a queue is taken from the front, and
    /// moving everything behind each time would make long queues slow.
    private var storage: [Entry] = []
    private var head = 0

    var entries: ArraySlice<Entry> { storage[head...] }
    var first: Entry? { head < storage.count ? storage[head] : nil }
    var count: Int { storage.count - head }

    mutating func insert(_ id: MessageID, at moment: Timestamp) {
        let entry = Entry(at: moment, id: id)
        storage.insert(entry, at: position(of: entry))
    }

    mutating func remove(_ id: MessageID, at moment: Timestamp) {
        let entry = Entry(at: moment, id: id)
        let index = position(of: entry)
        precondition(index < storage.count && storage[index] == entry, "an index holds what its rows say")
        guard index == head else {
            storage.remove(at: index)
            return
        }
        head += 1
        if head * 2 > storage.count {
            storage.removeFirst(head)
            head = 0
        }
    }

    /// The ids whose moment has come, earliest first, at most that many.
    func due(_ now: Timestamp, limit: Int = .max) -> [MessageID] {
        var ids: [MessageID] = []
        for entry in entries {
            guard entry.at <= now, ids.count < limit else { break }
            ids.append(entry.id)
        }
        return ids
    }

    private func position(of entry: Entry) -> Int {
        var low = head
        var high = storage.count
        while low < high {
            let middle = (low + high) / 2
            if storage[middle] < entry { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
