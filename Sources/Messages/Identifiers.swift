/// A name of one kind of thing; two kinds cannot be mixed up.
public protocol Identifier: Hashable, Comparable, Sendable, CustomStringConvertible {
    var rawValue: String { get }
    init(_ rawValue: String)
}

extension Identifier {
    public var description: String { self.rawValue }
    public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}

public struct TemplateID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
}

public struct SessionID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    private static let prefix = "sess_"
    public static func make() -> SessionID { SessionID(Self.prefix + SortableID.next()) }
    /// When it was made; `nil` for a text that ``make()`` does not give.
    public var madeAt: Timestamp? { SortableID.time(of: self.rawValue, prefix: Self.prefix) }
}

public struct ExecutionID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    private static let prefix = "exec_"
    public static func make() -> ExecutionID { ExecutionID(Self.prefix + SortableID.next()) }
    /// When it was made; `nil` for a text that ``make()`` does not give.
    public var madeAt: Timestamp? { SortableID.time(of: self.rawValue, prefix: Self.prefix) }
}

/// One creation of a session: an id that was deleted and is used again gets another incarnation, so that what its
/// predecessor left in flight cannot speak for it.
public struct Incarnation: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public static func make() -> Incarnation { Incarnation(SortableID.next()) }
}

public struct CommandID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public static func make() -> CommandID { CommandID("cmd_" + SortableID.next()) }
}

public struct NodeID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
}

/// One sandbox on one node: its container, its folder. The API's `container_id`.
public struct ContainerID: Identifier {
    public let rawValue: String
    public init(_ rawValue: String) { self.rawValue = rawValue }
    public static func make() -> ContainerID { ContainerID("sbx-" + SortableID.next()) }
}
