import Coordination
import MessageBus
import Messages

/// A record as gateways show it to one another: under its key, with a number that rises with each change of the thing,
/// also over its deletion and a new one of the same name.
enum SharedStatus {
    /// Larger records are not passed along: whoever needs one waits until it has followed as far.
    static let largest = 16_384
    /// Gateways are seldom apart for longer than some milliseconds.
    static let lifetime: Duration = .seconds(60)

    /// What is put for a record that was followed.
    static func entry(_ key: StateKey, _ record: StateRecord, body: [UInt8]) -> StatusEntry? {
        guard let version = self.version(record) else { return nil }
        return StatusEntry(key: key.text, version: version, value: body.count <= self.largest ? body : [])
    }

    /// What is put for a thing that is gone.
    ///
    /// - Parameter known: The last record of it, as far as it is known.
    static func tombstone(_ key: StateKey, after known: StateRecord?, now: Timestamp) -> StatusEntry? {
        let version: Int
        switch (key, known) {
        case (.session, .session(let session)?): version = self.number(session, session: self.versions - 1)
        case (.execution, _): version = 1 << 40
        case (.template, _): version = Int(now.microseconds / 1000)
        default: return nil
        }
        return StatusEntry(key: key.text, version: version, value: self.gone)
    }

    /// No record begins so.
    static let gone: [UInt8] = [0]

    static func version(_ record: StateRecord?) -> Int? {
        switch record {
        case .session(let session): self.number(session, session: min(session.version, self.versions - 2))
        case .execution(let execution): execution.version
        case .template(let template): Int(template.updatedAt.microseconds / 1000)
        case .decision, .node, .claim, .checkpoint, nil: nil
        }
    }

    /// Versions of one session; together with the seconds of its creation they fit in 53 bits, which Redis counts exactly.
    private static let versions = 1 << 20

    private static func number(_ session: Session, session version: Int) -> Int {
        Int(session.spec.createdAt.microseconds / 1_000_000) * self.versions + version
    }
}
