/// The files of one sandbox, seen from the host while hostile code may swap any of them at any time.
///
/// Everything is opened beneath a descriptor of the directory and never through a link that leads out of it. Blocking
/// calls run on threads of our own. Thread-safe.
public final class WorkspaceDirectory: Sendable {
    let path: String
    let owner: FileOwner?

    /// - Parameters:
    ///   - path: The directory, whose own path is trusted.
    ///   - owner: Who is to own what is created; `nil` for whoever runs us.
    public init(path: String, owner: FileOwner?) {
        self.path = path
        self.owner = owner
    }
}
