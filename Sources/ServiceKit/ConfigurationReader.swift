/// Reads typed settings from names and texts, and remembers what it was asked for.
///
/// An empty text counts as unset. Copies share what they remember.
public struct ConfigurationReader: Sendable {
    /// A setting that somebody asked for.
    public struct Key: Sendable, Hashable {
        public var name: String
        /// What it means, for `--help` and the documentation.
        public var help: String
        /// As it would be written; `nil` if it has none.
        public var defaultValue: String?
        /// What may be written, such as `integer` or `seconds`.
        public var kind: String
    }

    /// What a number of a duration counts.
    public enum Unit: String, Sendable {
        case milliseconds, seconds, minutes, hours, days

        var length: Duration {
            switch self {
            case .milliseconds: .milliseconds(1)
            case .seconds: .seconds(1)
            case .minutes: .seconds(60)
            case .hours: .seconds(3600)
            case .days: .seconds(86400)
            }
        }
    }

    private struct Memory: Sendable {
        var keys: [Key] = []
        /// What is in force, for ``ConfigurationReader/dump()``.
        var values: [String: String] = [:]
    }

    private let values: [String: String]
    private let prefixes: [String]
    private let memory = Locked(Memory())

    /// - Parameters:
    ///   - values: Usually the process environment.
    ///   - prefixes: Of names that are ours, for ``unknownKeys()``.
    public init(_ values: [String: String], prefixes: [String] = ["SANDBOX_"]) {
        self.values = values
        self.prefixes = prefixes
    }

    /// What was asked for so far, by name.
    public var keys: [Key] { self.memory.withLock { $0.keys }.sorted { $0.name < $1.name } }

    /// Names with our prefix that nobody has asked for: typing errors, most likely. Call it when all is read.
    public func unknownKeys() -> [String] {
        let known = Set(self.memory.withLock { $0.keys }.map(\.name))
        return self.values.keys.filter { name in
            !known.contains(name) && self.prefixes.contains(where: name.hasPrefix)
        }.sorted()
    }

    /// The settings in force, defaults included, secrets hidden.
    public func dump() -> [String: String] { self.memory.withLock { $0.values } }

    /// A text, or `nil` when unset.
    public func string(_ key: String, help: String) -> String? {
        self.read(Key(name: key, help: help, defaultValue: nil, kind: "text"))
    }

    public func string(_ key: String, default value: String, help: String) -> String {
        self.read(Key(name: key, help: help, defaultValue: value, kind: "text")) ?? value
    }

    /// - Parameter range: What is allowed. Defaults to every number.
    /// - Throws: ``ConfigurationError`` naming the key.
    public func int(
        _ key: String,
        in range: ClosedRange<Int> = Int.min...Int.max,
        default value: Int,
        help: String
    ) throws -> Int {
        guard let text = self.read(Key(name: key, help: help, defaultValue: "\(value)", kind: "integer")) else {
            return value
        }
        guard let number = Int(text) else {
            throw ConfigurationError(key: key, problem: "must be a whole number, got \"\(text)\"")
        }
        return try self.check(number, in: range, key, text)
    }

    /// - Throws: ``ConfigurationError`` naming the key.
    public func double(
        _ key: String,
        in range: ClosedRange<Double> = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude,
        default value: Double,
        help: String
    ) throws -> Double {
        guard let text = self.read(Key(name: key, help: help, defaultValue: "\(value)", kind: "number")) else {
            return value
        }
        guard let number = Double(text), number.isFinite else {
            throw ConfigurationError(key: key, problem: "must be a number, got \"\(text)\"")
        }
        return try self.check(number, in: range, key, text)
    }

    /// `true yes on 1` or `false no off 0`, in any case.
    ///
    /// - Throws: ``ConfigurationError`` naming the key.
    public func bool(_ key: String, default value: Bool, help: String) throws -> Bool {
        let asked = Key(name: key, help: help, defaultValue: "\(value)", kind: "true or false")
        guard let text = self.read(asked) else { return value }
        switch text.lowercased() {
        case "true", "yes", "on", "1": return true
        case "false", "no", "off", "0": return false
        default: throw ConfigurationError(key: key, problem: "must be true or false, got \"\(text)\"")
        }
    }

    /// A number, fractions allowed, of `unit`. Negative ones are refused.
    ///
    /// - Throws: ``ConfigurationError`` naming the key.
    public func duration(_ key: String, in unit: Unit, default value: Duration, help: String) throws -> Duration {
        let shown = value / unit.length
        let written = shown == shown.rounded() && shown.magnitude < 1e15 ? "\(Int(shown))" : "\(shown)"
        guard let text = self.read(Key(name: key, help: help, defaultValue: written, kind: unit.rawValue)) else {
            return value
        }
        // The upper bound keeps every sum with a clock's reading in range.
        guard let number = Double(text), number >= 0, number * (unit.length / .seconds(1)) < 1e10 else {
            throw ConfigurationError(key: key, problem: "must be a number of \(unit), not negative, got \"\(text)\"")
        }
        return unit.length * number
    }

    /// One of the cases of `Choice`, by its raw value.
    ///
    /// - Throws: ``ConfigurationError`` naming the key and the choices.
    public func choice<Choice: RawRepresentable<String> & CaseIterable>(
        _ key: String,
        default value: Choice,
        help: String
    ) throws -> Choice {
        let choices = Choice.allCases.map(\.rawValue).joined(separator: ", ")
        let asked = Key(name: key, help: help, defaultValue: value.rawValue, kind: "one of \(choices)")
        guard let text = self.read(asked) else { return value }
        guard let choice = Choice(rawValue: text) else {
            throw ConfigurationError(key: key, problem: "must be one of \(choices), got \"\(text)\"")
        }
        return choice
    }

    /// A text that is never shown, or `nil` when unset.
    public func secret(_ key: String, help: String) -> Secret? {
        self.read(Key(name: key, help: help, defaultValue: nil, kind: "secret"), isSecret: true).map(Secret.init)
    }

    private func read(_ key: Key, isSecret: Bool = false) -> String? {
        let text = self.values[key.name].flatMap { $0.isEmpty ? nil : $0 }
        self.memory.withLock { memory in
            // Two services may share a setting; the first description stands.
            if !memory.keys.contains(where: { $0.name == key.name }) { memory.keys.append(key) }
            guard let value = text ?? key.defaultValue else { return }
            memory.values[key.name] = isSecret ? Secret(value).description : value
        }
        return text
    }

    private func check<Number: Comparable>(
        _ number: Number,
        in range: ClosedRange<Number>,
        _ key: String,
        _ text: String
    ) throws -> Number {
        guard range.contains(number) else {
            let problem = "must be from \(range.lowerBound) to \(range.upperBound), got \"\(text)\""
            throw ConfigurationError(key: key, problem: problem)
        }
        return number
    }
}
