import Foundation
import TestProcesses
import TestSpawn

/// A network within this machine: a bridge, and hosts on it, each a network namespace with a wire that can be cut.
final class BridgedNetwork: Sendable {
    struct Host: Sendable {
        let namespace: String
        /// Its own, on the bridge.
        let address: String
        fileprivate let wire: String

        /// Runs what follows on this host, and with everything else of this machine.
        var prefix: [String] { ["/usr/bin/nsenter", "--net=/run/netns/\(self.namespace)"] }
    }

    /// The bridge's, which every host reaches.
    let address: String
    let hosts: [Host]
    private let bridge: String

    /// Why there cannot be one here; `nil` if there can.
    static let obstacle: String? =
        geteuid() != 0 ? "needs root" : BridgedNetwork.program == nil ? "iproute2 is not installed" : nil
    private static let program = ["/usr/sbin/ip", "/sbin/ip"]
        .first(where: FileManager.default.isExecutableFile(atPath:))

    private init(address: String, hosts: [Host], bridge: String) {
        (self.address, self.hosts, self.bridge) = (address, hosts, bridge)
    }

    /// Gives `body` a network, and afterwards leaves nothing of it, whatever happened.
    static func with(hosts count: Int, _ body: (BridgedNetwork) async throws -> Void) async throws {
        // Names and addresses that nothing else here has; the kernel takes 15 bytes.
        let (tag, subnet) = (String(Int.random(in: 0x1000..<0x10000), radix: 16), Int.random(in: 1..<255))
        let network = BridgedNetwork(
            address: "10.231.\(subnet).1",
            hosts: (0..<count).map {
                Host(namespace: "sbx-\(tag)-\($0)", address: "10.231.\(subnet).\($0 + 2)", wire: "sbx\(tag)w\($0)")
            },
            bridge: "sbx\(tag)"
        )
        let outcome: Result<Void, any Error>
        do {
            try await network.make()
            outcome = .success(try await body(network))
        } catch {
            outcome = .failure(error)
        }
        // In a task of its own: it must happen in a cancelled one, too.
        await Task { await network.remove() }.value
        try outcome.get()
    }

    private func make() async throws {
        try await Self.ip("link add \(self.bridge) type bridge")
        try await Self.ip("addr add \(self.address)/24 dev \(self.bridge)")
        try await Self.ip("link set \(self.bridge) up")
        for host in self.hosts {
            try await Self.ip("netns add \(host.namespace)")
            try await Self.ip("link add \(host.wire) type veth peer name eth0 netns \(host.namespace)")
            try await Self.ip("link set \(host.wire) master \(self.bridge) up")
            try await Self.ip("-n \(host.namespace) addr add \(host.address)/24 dev eth0")
            for device in ["lo", "eth0"] { try await Self.ip("-n \(host.namespace) link set \(device) up") }
        }
    }

    private func remove() async {
        for host in self.hosts {
            // A host's end of the wire goes with it; what was never made is not there.
            await Self.tryIP("link del \(host.wire)")
            await Self.tryIP("netns del \(host.namespace)")
        }
        await Self.tryIP("link del \(self.bridge)")
    }

    /// Nothing gets to the host or from it any more, and nobody is told.
    func cut(_ host: Host) async throws { try await Self.ip("link set \(host.wire) nomaster") }

    func mend(_ host: Host) async throws { try await Self.ip("link set \(host.wire) master \(self.bridge)") }

    private static func ip(_ words: String) async throws {
        guard let program else { throw Unexpected("there is no ip") }
        let process = try ChildProcess(program, words.split(separator: " ").map(String.init))
        let end = try await process.end()
        guard end == .exit(0) else { throw Unexpected("ip \(words): \(process.errors)") }
    }

    /// While cleaning up after a start that failed, half of it is not there.
    private static func tryIP(_ words: String) async { do { try await self.ip(words) } catch {} }
}
