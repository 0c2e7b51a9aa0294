/// Writes what happened as a constant phrase with data beside it.
///
/// A value: a copy with more metadata or another level does not change the original. Logging never blocks and never
/// fails; see ``LogSink`` for what happens to lines that do not fit.
public struct Logger: Sendable {
    /// How much a line matters.
    public enum Level: Int, Sendable, Comparable, CaseIterable {
        case trace, debug, info, notice, warning, error, critical

        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }

        /// The level's name in lower case, as configuration gives it.
        public init?(name: String) {
            guard let level = Self.allCases.first(where: { "\($0)" == name.lowercased() }) else { return nil }
            self = level
        }
    }

    /// Data beside the phrase, under keys such as `job.id`.
    public typealias Metadata = [String: String]

    /// Goes nowhere and costs nothing.
    public static let disabled = Logger(label: "", level: .critical, sink: nil)

    /// The part of the program that speaks.
    public let label: String
    /// Lines below it are not written, and their metadata is not computed.
    public var logLevel: Level
    private let sink: LogSink?
    private var metadata: Metadata = [:]

    /// - Parameters:
    ///   - level: Lines below it are not written. Defaults to `info`.
    ///   - sink: Defaults to standard error, as text.
    public init(label: String, level: Level = .info, sink: LogSink = .standardError) {
        self.init(label: label, level: level, sink: Optional(sink))
    }

    private init(label: String, level: Level, sink: LogSink?) {
        self.label = label
        self.logLevel = level
        self.sink = sink
    }

    /// Data that goes with every line of this logger.
    public subscript(metadataKey key: String) -> String? {
        get { self.metadata[key] }
        set { self.metadata[key] = newValue }
    }

    /// A copy under another label.
    public func labeled(_ label: String) -> Logger {
        var copy = Logger(label: label, level: self.logLevel, sink: self.sink)
        copy.metadata = self.metadata
        return copy
    }

    /// Blocks until what was logged before is written, a second at most: for the moment before a process ends.
    public func flush() { self.sink?.flush() }

    /// - Parameters:
    ///   - message: A constant phrase: data cannot get into it.
    ///   - metadata: Computed only if the line is written. Wins over the logger's own.
    @inlinable
    public func log(_ level: Level, _ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        if level >= self.logLevel { self.write(level, message, metadata()) }
    }

    @usableFromInline
    func write(_ level: Level, _ message: StaticString, _ extra: Metadata) {
        guard let sink = self.sink else { return }
        let metadata = self.metadata.isEmpty ? extra : self.metadata.merging(extra) { $1 }
        sink.write(LogRecord(level: level, label: self.label, message: message, metadata: metadata))
    }
}

extension Logger {
    @inlinable
    public func trace(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.trace, message, metadata: metadata())
    }

    @inlinable
    public func debug(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.debug, message, metadata: metadata())
    }

    @inlinable
    public func info(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.info, message, metadata: metadata())
    }

    @inlinable
    public func notice(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.notice, message, metadata: metadata())
    }

    @inlinable
    public func warning(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.warning, message, metadata: metadata())
    }

    @inlinable
    public func error(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.error, message, metadata: metadata())
    }

    @inlinable
    public func critical(_ message: StaticString, metadata: @autoclosure () -> Metadata = [:]) {
        self.log(.critical, message, metadata: metadata())
    }
}
