import ArgumentParser
import Martlet

/// `martlet doctor`.
struct DoctorCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract:
            "Checks configuration, store, queue, inbox, throttle and channels, and says how to mend what is wrong.",
        discussion: "Exits 1 if anything is wrong.")

    @Flag(help: "Answers in JSON.") var json = false
    @OptionGroup var options: ConfigurationOptions

    func run() async throws {
        let surroundings = Surroundings.current
        // The findings are the output; what libraries have to say beside them is not.
        let logger = LogOutput.start(level: .critical, format: .text, console: surroundings.console)
        var examination = Examination(composition: surroundings.composition, logger: logger)
        do throws(ConfigurationError) {
            let reader = try options.reader(environment: surroundings.environment)
            let configuration = try NodeConfiguration(reader)
            await examination.examine(configuration, unknownEnvironmentNames: reader.unknownEnvironmentNames)
        } catch {
            examination.addConfiguration(error)
        }
        surroundings.console.put(json ? Self.json(examination) : Self.text(examination))
        if examination.hasFailures { throw ExitCode.failure }
    }

    static func text(_ examination: Examination) -> String {
        examination.findings.map { finding in
            let mark =
                switch finding.state {
                case .ok: "ok      "
                case .warning: "warning "
                case .failed: "FAILED  "
                }
            var text = "\(mark)\(finding.name): \(finding.detail)\n"
            if let remedy = finding.remedy { text += "        → \(remedy)\n" }
            return text
        }.joined()
    }

    private static func json(_ examination: Examination) -> String {
        let findings = examination.findings.map { finding -> JSONValue in
            [
                "name": .string(finding.name), "state": .string(finding.state.rawValue),
                "detail": .string(finding.detail), "remedy": .optional(finding.remedy),
            ]
        }
        let document: JSONValue = ["ok": .bool(!examination.hasFailures), "findings": .array(findings)]
        return document.encodedText + "\n"
    }
}
