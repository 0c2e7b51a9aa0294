internal import Glibc
internal import KafkaBus
internal import MessageBus
internal import SQLite
internal import ServiceKit

/// A process of the cluster: reads its settings, runs its services until it is told to stop, and says what went wrong.
struct ClusterProcess: Sendable {
    let name: String
    let summary: String
    let discussion: String
    /// Reads every setting, and gives what is to be run with them.
    let prepare: @Sendable (ClusterSettings) throws -> @Sendable () async throws -> Void

    func command(environment: [String: String]) -> ServiceKit.Command {
        Command(
            self.name,
            summary: self.summary,
            discussion: """
                \(self.discussion)

                Everything is set by the environment; "\(self.name) --settings" lists it with the defaults. SIGTERM or Ctrl-C \
                stops the process when what it does has ended; a second one stops it at once.
                """,
            examples: [
                Command.Example(
                    "KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 \(self.name)",
                    "run with everything else at its default"
                )
            ],
            options: [Option("settings", help: "list the settings of the environment, and return")],
            version: ClusterVersion.current,
            action: { arguments in
                if arguments.flag("settings") { return self.listSettings(environment) }
                return await self.run(environment)
            }
        )
    }

    /// Also where a required setting is missing: that is what one wants to look up.
    private func listSettings(_ environment: [String: String]) -> Int32 {
        var complete = environment
        for (key, value) in Self.examples where complete[key] == nil { complete[key] = value }
        do {
            let settings = try ClusterSettings(complete, label: self.name)
            _ = try self.prepare(settings)
            for key in settings.reader.keys {
                let value = Self.examples[key.name] == nil ? key.defaultValue ?? "-" : "(required)"
                print("\(key.name)\t\(value)\t\(key.kind)\t\(key.help)")
            }
            return 0
        } catch {
            return self.fail(error)
        }
    }

    private static let examples = [
        "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092", "INTERNAL_TOKEN": "0123456789abcdef",
    ]

    private func run(_ environment: [String: String]) async -> Int32 {
        do {
            let settings = try ClusterSettings(environment, label: self.name)
            let body = try self.prepare(settings)
            settings.warnOfUnknownKeys()
            let lock = try settings.openDataFolder()
            let outcome = await Self.result(of: body)
            lock.release()
            settings.logger.flush()
            try outcome.get()
            return 0
        } catch {
            return self.fail(error)
        }
    }

    private static func result(of body: () async throws -> Void) async -> Result<Void, any Error> {
        do { return .success(try await body()) } catch { return .failure(error) }
    }

    private func fail(_ error: any Error) -> Int32 {
        LogSink.standardError.flush()
        let text = "\(self.name): \(error)\n"
        _ = text.withCString { write(2, $0, strlen($0)) }
        return error is ConfigurationError ? Command.usageStatus : 1
    }
}

/// What `--version` tells.
enum ClusterVersion {
    static let current = "2.1.0"
}
