/// Names of the metadata that this target logs.
enum LogKey {
    static let node = "node.id"
    static let session = "session.id"
    static let execution = "execution.id"
    static let container = "container.id"
    static let image = "image"
    static let topic = "bus.topic"
    static let offset = "bus.offset"
    static let count = "count"
    static let error = "error"
    static let reason = "reason"
}
