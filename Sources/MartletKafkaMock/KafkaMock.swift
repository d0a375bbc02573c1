@main
struct KafkaMock {
    static func main() {}
}
