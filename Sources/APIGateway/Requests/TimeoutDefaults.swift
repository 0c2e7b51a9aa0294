/// Timeouts that an installation may set, in seconds.
struct TimeoutDefaults: Sendable, Equatable {
    /// Of a session that names none.
    var session: Int = 300
    /// Of an execution that names none.
    var execution: Int = 30
    /// The longest of either that may be asked for; at most what the API allows.
    var maximum: Int = 3600
}
