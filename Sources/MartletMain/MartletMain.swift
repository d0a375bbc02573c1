import MartletCommands

@main
struct MartletMain {
    static func main() async {}
}
