extension SimulationRun {
    /// Runs seeds, so many at a time, and hands each report in as it comes, until that says false or all are done.
    package static func many(
        _ seeds: Range<UInt64>, atOnce: Int, report: (Report) -> Bool
    ) async {
        await withTaskGroup(of: Report.self) { group in
            var next = seeds.lowerBound
            func add() {
                guard next < seeds.upperBound else { return }
                let run = SimulationRun(seed: next, traceLines: 400)
                next += 1
                group.addTask { await run.run() }
            }
            for _ in 0..<atOnce { add() }
            while let finished = await group.next() {
                guard report(finished) else { break }
                add()
            }
        }
    }
}
