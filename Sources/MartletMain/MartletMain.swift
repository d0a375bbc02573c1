import Foundation
import MartletCommands

@main
struct MartletMain {
    static func main() async {
        let composition = StandardComposition()
        let environment = ProcessInfo.processInfo.environment
        let code = await MartletProgram.run(
            arguments: Array(CommandLine.arguments.dropFirst()),
            surroundings: Surroundings(
                console: .process(environment: environment), environment: environment, composition: composition))
        await composition.shutDown()
        exit(code)
    }
}
