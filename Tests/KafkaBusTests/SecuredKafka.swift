import Foundation
import KafkaBus
import ServiceKit
import TestServers
import TestSpawn

/// A broker that is spoken to over TLS only, by anybody at one port and by who has a password at another.
struct SecuredKafka: Sendable {
    let folder: String
    let tlsServers: String
    let saslServers: String
    private let broker: RealKafka

    static let user = "sandbox"
    static let password = "not-to-be-seen"
    private static let storePassword = "changeit"

    /// The certificate of the broker, which is its own authority.
    var caPath: String { self.folder + "/broker.pem" }
    /// A certificate of nobody that the broker has to do with.
    var otherCAPath: String { self.folder + "/other.pem" }

    static func start() async throws -> SecuredKafka {
        let folder = NSTemporaryDirectory() + "secured-kafka-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for name in ["broker", "other"] { try await Self.makeCertificate(name, in: folder) }
        let (port, secured) = (try LoopbackPorts.take(), try LoopbackPorts.take())
        let listeners = "SSL://127.0.0.1:\(secured),SASL_SSL://127.0.0.1:\(secured + 1)"
        let plain = "PLAINTEXT://127.0.0.1:\(port)"
        let broker = try await RealKafka.start(
            folder: folder + "/data",
            port: port,
            settings: [
                "listeners=\(plain),CONTROLLER://127.0.0.1:\(port + 1),\(listeners)",
                "advertised.listeners=\(plain),\(listeners)",
                "ssl.keystore.type=PKCS12", "ssl.keystore.location=\(folder)/broker.p12",
                "ssl.keystore.password=\(Self.storePassword)", "ssl.key.password=\(Self.storePassword)",
                "sasl.enabled.mechanisms=PLAIN",
                "listener.name.sasl_ssl.plain.sasl.jaas.config="
                    + "org.apache.kafka.common.security.plain.PlainLoginModule required user_\(Self.user)=\"\(Self.password)\";",
            ]
        )
        return SecuredKafka(
            folder: folder,
            tlsServers: "127.0.0.1:\(secured)",
            saslServers: "127.0.0.1:\(secured + 1)",
            broker: broker
        )
    }

    func stop() async throws {
        try await self.broker.stop()
        try FileManager.default.removeItem(atPath: self.folder)
    }

    private static func makeCertificate(_ name: String, in folder: String) async throws {
        let store = ["-keystore", "\(folder)/\(name).p12", "-storepass", Self.storePassword, "-alias", "a"]
        try await self.keytool(
            ["-genkeypair", "-keyalg", "EC", "-dname", "CN=\(name)", "-ext", "SAN=IP:127.0.0.1", "-validity", "2"]
                + ["-storetype", "PKCS12"] + store
        )
        try await self.keytool(["-exportcert", "-rfc", "-file", "\(folder)/\(name).pem"] + store)
    }

    /// Comes with Java, which the broker needs anyway.
    private static func keytool(_ arguments: [String]) async throws {
        try await SpawnedProgram.output(of: "/usr/bin/keytool", arguments)
    }
}
