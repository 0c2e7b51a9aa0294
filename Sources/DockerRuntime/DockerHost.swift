/// Where a Docker daemon listens, as `DOCKER_HOST` gives it.
public struct DockerHost: Sendable, Hashable, CustomStringConvertible {
    /// Absolute path of its socket on this host.
    public let socketPath: String

    public static let standard = DockerHost(socketPath: "/var/run/docker.sock")

    init(socketPath: String) { self.socketPath = socketPath }

    /// - Parameter text: `unix:///path`. Sandboxes get their files from this host by path, so a daemon elsewhere is of no
    ///   use: `tcp://`, `ssh://` and others are refused.
    public init?(_ text: String) {
        guard text.hasPrefix("unix:///"), text.utf8.count > "unix:///".utf8.count else { return nil }
        self.socketPath = String(text.dropFirst("unix://".count))
    }

    public var description: String { "unix://\(self.socketPath)" }
}
