extension Logger {
    /// The logger that the settings `LOG_LEVEL` and `LOG_FORMAT` ask for, on standard error.
    ///
    /// - Throws: ``ConfigurationError``.
    public static func configured(by reader: ConfigurationReader, label: String) throws -> Logger {
        let name = reader.string(
            "LOG_LEVEL",
            default: "info",
            help: "Lines below it are not logged: \(Logger.Level.allCases.map { "\($0)" }.joined(separator: ", "))"
        )
        guard let level = Logger.Level(name: name) else {
            throw ConfigurationError(key: "LOG_LEVEL", problem: "'\(name)' is no level")
        }
        let format = try reader.choice("LOG_FORMAT", default: LogSink.Format.text, help: "On standard error")
        let sink = format == .text ? LogSink.standardError : LogSink(format: format)
        return Logger(label: label, level: level, sink: sink)
    }
}
