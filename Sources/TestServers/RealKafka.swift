import Foundation
public import Glibc
import ServiceKit
import TestSpawn

/// A Kafka broker of a test process's own, on loopback. The kernel ends it with this process.
public final class RealKafka: Sendable {
    public struct Failure: Error, CustomStringConvertible {
        public let description: String
    }

    /// `host:port`.
    public let bootstrapServers: String
    public let pid: pid_t
    private let folder: String
    private let gone: Signal

    private init(bootstrapServers: String, pid: pid_t, folder: String, gone: Signal) {
        self.bootstrapServers = bootstrapServers
        self.pid = pid
        self.folder = folder
        self.gone = gone
    }

    /// Why no broker can be started here; `nil` if one can.
    public static var missing: String? {
        guard let program = Self.program else {
            return "no Kafka here: set KAFKA_HOME to a folder with the script `kafka`"
        }
        guard access("/usr/bin/java", X_OK) == 0 else { return "no Java here to run \(program)" }
        return nil
    }

    /// `$KAFKA_HOME/kafka`, or `shared/kafka/kafka` in or beside a folder above.
    static var program: String? {
        var candidates = ProcessInfo.processInfo.environment["KAFKA_HOME"].map { ["\($0)/kafka"] } ?? []
        var folder = URL(filePath: FileManager.default.currentDirectoryPath)
        for _ in 0..<6 {
            candidates.append(folder.path + "/shared/kafka/kafka")
            folder.deleteLastPathComponent()
        }
        return candidates.first { access($0, X_OK) == 0 }
    }

    /// Starts a broker, and returns when it has said that it runs.
    ///
    /// - Parameters:
    ///   - folder: Its data; `nil` takes a new one, which goes with ``stop()``.
    ///   - host: An address of this machine, where it is found. Its controller stays on loopback.
    ///   - port: `nil` takes a free one.
    ///   - settings: Lines of its configuration, which win over the usual ones.
    public static func start(
        folder: String? = nil,
        host: String = "127.0.0.1",
        port: UInt16? = nil,
        settings: [String] = []
    ) async throws -> RealKafka {
        guard let program = self.program else { throw Failure(description: self.missing ?? "no Kafka") }
        let port = try port ?? LoopbackPorts.take()
        let data = folder ?? NSTemporaryDirectory() + "kafka-\(UUID().uuidString)"
        let gone = Signal()
        let settings =
            [
                "listeners=PLAINTEXT://\(host):\(port),CONTROLLER://127.0.0.1:\(port + 1)",
                "advertised.listeners=PLAINTEXT://\(host):\(port)",
            ] + settings
        let pid = try await withCheckedThrowingContinuation { (started: CheckedContinuation<pid_t, any Error>) in
            do {
                // The kernel ends the broker with the thread that started it: this one stays until then.
                try DedicatedThread.start(name: "test-kafka") {
                    Self.run(program, ["serve", "--data", data, "--port", "\(port)"] + settings, started)
                    gone.fire()
                }
            } catch {
                started.resume(throwing: error)
            }
        }
        return RealKafka(bootstrapServers: "\(host):\(port)", pid: pid, folder: data, gone: gone)
    }

    public var dataFolder: String { self.folder }

    /// Ends the broker and removes its data.
    public func stop() async throws {
        try await self.end(SIGTERM)
        try FileManager.default.removeItem(atPath: self.folder)
    }

    /// Sends a signal that ends it, and returns when it is gone.
    public func end(_ signal: Int32) async throws {
        kill(self.pid, signal)
        try await self.gone.wait()
    }

    private static func run(
        _ program: String,
        _ arguments: [String],
        _ started: CheckedContinuation<pid_t, any Error>
    ) {
        let broker: SpawnedProgram
        let output: Int32
        do {
            (broker, output) = try Self.spawn(program, arguments)
        } catch {
            return started.resume(throwing: error)
        }
        defer { close(output) }
        var text: [UInt8] = []
        var isStarted = false
        // Read to its end, so that the broker never waits for a reader.
        while case let piece = DescriptorPair.read(output), !piece.isEmpty {
            guard !isStarted else { continue }
            text += piece
            if String(decoding: text, as: UTF8.self).contains("Kafka Server started") {
                isStarted = true
                text = []
                started.resume(returning: broker.pid)
            }
        }
        broker.wait()
        if !isStarted {
            let last = String(decoding: text.suffix(2000), as: UTF8.self)
            started.resume(throwing: Failure(description: "Kafka did not start: \(last)"))
        }
    }

    /// - Returns: The broker, and what it prints.
    private static func spawn(_ program: String, _ arguments: [String]) throws -> (SpawnedProgram, Int32) {
        let output = try DescriptorPair()
        defer { close(output.writing) }
        var environment = ProcessInfo.processInfo.environment
        environment["KAFKA_OPTS"] = environment["KAFKA_OPTS"] ?? "-Xmx256m"
        do {
            let broker = try SpawnedProgram(
                program,
                arguments,
                environment: environment,
                output: output.writing,
                errors: output.writing,
                options: .endsWithThread
            )
            return (broker, output.reading)
        } catch {
            close(output.reading)
            throw error
        }
    }
}
