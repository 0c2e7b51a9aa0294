/// The names of what goes along with a log line.
enum LogKey {
    static let endpoint = "redis.endpoint"
    static let error = "error"
}
