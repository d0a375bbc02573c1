/// What a command finds around it: where it writes, the environment, and how nodes are put together. Tests bring their own.
package struct Surroundings: Sendable {
    package var console: Console
    package var environment: [String: String]
    package var composition: any NodeComposition

    package init(console: Console, environment: [String: String], composition: any NodeComposition) {
        self.console = console
        self.environment = environment
        self.composition = composition
    }

    /// The surroundings of the command that runs in this task. Only ``MartletProgram`` sets them.
    @TaskLocal static var bound: Surroundings?

    /// The surroundings of the command that runs in this task.
    static var current: Surroundings {
        guard let bound else { preconditionFailure("commands run inside MartletProgram.run") }
        return bound
    }
}
