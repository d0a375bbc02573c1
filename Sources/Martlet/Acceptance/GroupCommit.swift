import DequeModule
import Synchronization

/// Gathers what callers hand in while the last write takes its time, and writes it in one go.
///
/// There is no timer and no background task: the caller who finds nobody writing writes at once; those who come meanwhile
/// wait, and the first of them writes for all when it is done. Alone, a call waits for nobody; under load a write carries
/// hundreds of inputs. Each caller gets the outcome of its own inputs.
package final class GroupCommit<Input: Sendable, Output: Sendable>: Sendable {
    /// Writes a batch and answers one output for each input, in order.
    package typealias Write = @Sendable ([Input]) async throws(StoreError) -> [Output]

    private enum Turn: Sendable {
        case write
        case done(Result<[Output], StoreError>)
    }

    private struct Waiting: Sendable {
        var inputs: [Input]
        var continuation: CheckedContinuation<Turn, Never>
    }

    private struct State: Sendable {
        var waiting: Deque<Waiting> = []
        var waitingInputs = 0
        var isWriting = false
    }

    private let state = Mutex(State())
    private let batchMax: Int
    private let waitingMax: Int
    private let write: Write

    /// - Parameters:
    ///   - batchMax: inputs in one write, unless one caller brings more.
    ///   - waitingMax: inputs that may wait; the next caller is refused as `overloaded`.
    package init(batchMax: Int = 1000, waitingMax: Int = 20_000, write: @escaping Write) {
        self.batchMax = batchMax
        self.waitingMax = waitingMax
        self.write = write
    }

    /// Writes one input.
    package func submit(_ input: Input) async throws(StoreError) -> Output {
        try await submit(contentsOf: [input])[0]
    }

    /// Writes several inputs in one transaction; answers in their order.
    package func submit(contentsOf inputs: [Input]) async throws(StoreError) -> [Output] {
        guard !inputs.isEmpty else { return [] }
        let turn = await withCheckedContinuation { continuation in
            let immediate: Turn? = state.withLock { state in
                guard state.waitingInputs + inputs.count <= waitingMax || state.waiting.isEmpty else {
                    return .done(.failure(StoreError(.overloaded, "too many requests wait to be stored")))
                }
                state.waiting.append(Waiting(inputs: inputs, continuation: continuation))
                state.waitingInputs += inputs.count
                guard !state.isWriting else { return nil }
                state.isWriting = true
                return .write
            }
            if let immediate { continuation.resume(returning: immediate) }
        }
        switch turn {
        case .done(let result): return try result.get()
        case .write: return try await writeForAll().get()
        }
    }

    /// Writes the caller's own inputs, which stand first, together with what waits behind them, and passes the turn on.
    private func writeForAll() async -> Result<[Output], StoreError> {
        let batch = state.withLock { state in
            var batch: [Waiting] = []
            var count = 0
            while let next = state.waiting.first, batch.isEmpty || count + next.inputs.count <= batchMax {
                batch.append(next)
                count += next.inputs.count
                state.waiting.removeFirst()
            }
            state.waitingInputs -= count
            return batch
        }
        let inputs = batch.count == 1 ? batch[0].inputs : batch.flatMap(\.inputs)
        let result: Result<[Output], StoreError>
        do throws(StoreError) {
            let outputs = try await write(inputs)
            precondition(outputs.count == inputs.count, "a write answers each input")
            result = .success(outputs)
        } catch {
            result = .failure(error)
        }
        let successor = state.withLock { state in
            guard let first = state.waiting.first else {
                state.isWriting = false
                return CheckedContinuation<Turn, Never>?.none
            }
            return first.continuation
        }
        successor?.resume(returning: .write)
        var own: Result<[Output], StoreError> = result
        var offset = 0
        for (index, waiting) in batch.enumerated() {
            let range = offset..<offset + waiting.inputs.count
            offset = range.upperBound
            let part = result.map { Array($0[range]) }
            if index == 0 { own = part } else { waiting.continuation.resume(returning: .done(part)) }
        }
        return own
    }
}
