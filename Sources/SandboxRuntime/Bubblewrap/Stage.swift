/// What the child of a fork binds to where its own user can reach it.
struct Stage: Sendable {
    /// Whether there is one: without another user there is no need.
    let isUsed: Bool
    private(set) var binds: [(source: String, name: String)] = []

    init(isUsed: Bool) { self.isUsed = isUsed }

    /// The path under which bwrap finds `source`.
    mutating func place(_ source: String, _ name: String) -> String {
        guard self.isUsed else { return source }
        self.binds.append((source, name))
        return "\(Launcher.stage)/\(name)"
    }
}
