/// What a command was called with.
public struct Arguments: Sendable {
    /// The names from the program's to the command's.
    public internal(set) var path: [String]
    var options: [String: [String]] = [:]
    var flags: Set<String> = []
    var positionals: [String: [String]] = [:]
    /// Options with a default that were not given.
    var defaults: [String: String] = [:]

    init(path: [String]) { self.path = path }

    /// Whether a flag is there.
    public func flag(_ name: String) -> Bool { self.flags.contains(name) }

    /// An option's value, else its default, else `nil`.
    public func string(_ name: String) -> String? { self.options[name]?.last ?? self.defaults[name] }

    /// Whether the option was really given, whatever its default.
    public func isGiven(_ name: String) -> Bool { self.options[name] != nil || self.flags.contains(name) }

    /// Every value of a repeatable option, in order.
    public func strings(_ name: String) -> [String] { self.options[name] ?? [] }

    /// An option's value as a number.
    ///
    /// - Throws: ``UsageError`` when it is none, or out of `range`.
    public func int(_ name: String, in range: ClosedRange<Int> = Int.min...Int.max) throws(UsageError) -> Int? {
        guard let text = self.string(name) else { return nil }
        guard let number = Int(text) else {
            throw UsageError("--\(name) must be a whole number, got \"\(text)\"")
        }
        guard range.contains(number) else {
            throw UsageError("--\(name) must be from \(range.lowerBound) to \(range.upperBound), got \(number)")
        }
        return number
    }

    /// An option's value as a number that may have a fraction.
    ///
    /// - Throws: ``UsageError`` when it is none, or out of `range`.
    public func double(
        _ name: String,
        in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
    ) throws(UsageError) -> Double? {
        guard let text = self.string(name) else { return nil }
        guard let number = Double(text), !number.isNaN else {
            throw UsageError("--\(name) must be a number, got \"\(text)\"")
        }
        guard range.contains(number) else {
            throw UsageError("--\(name) must be from \(range.lowerBound) to \(range.upperBound), got \(text)")
        }
        return number
    }

    /// The argument at a place; `nil` only for an optional one.
    public func positional(_ name: String) -> String? { self.positionals[name]?.first }

    /// The argument at a place that is not optional.
    ///
    /// - Throws: ``UsageError`` if the command does not declare it as required, and it is absent.
    public func required(_ name: String) throws(UsageError) -> String {
        guard let value = self.positional(name) else { throw UsageError("missing argument \(name)") }
        return value
    }

    /// Everything that a variadic argument took.
    public func rest(_ name: String) -> [String] { self.positionals[name] ?? [] }
}

/// The command line makes no sense; the process ends with status 64.
///
/// An action may throw it too: the hint where help is gets added.
public struct UsageError: Error, Sendable, Equatable, CustomStringConvertible {
    public var message: String
    /// Whether the same call may succeed later: no.
    public var isRetriable: Bool { false }

    public init(_ message: String) { self.message = message }

    public var description: String { self.message }
}
