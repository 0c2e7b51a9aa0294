/// The names of what goes along with a log line.
enum LogKey {
    static let error = "error"
    static let requestID = "request.id"
    static let route = "http.route"
    static let status = "http.status"
    static let partition = "bus.partition"
    static let offset = "bus.offset"
    static let reason = "reason"
    static let port = "http.port"
    static let session = "session.id"
}
