/// Names of the metadata that this target logs.
enum LogKey {
    static let sandbox = "sandbox.id"
    static let container = "container.id"
    static let image = "image"
    static let progress = "progress"
    static let version = "docker.version"
    static let count = "count"
    static let error = "error"
}
