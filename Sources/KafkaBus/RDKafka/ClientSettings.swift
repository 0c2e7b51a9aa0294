internal import ServiceKit

/// Settings in librdkafka's own names.
struct ClientSettings: Sendable {
    private(set) var values: [(name: String, value: String)] = []

    mutating func set(_ name: String, _ value: String) { self.values.append((name, value)) }
    mutating func set(_ name: String, _ value: Int) { self.set(name, "\(value)") }

    /// What every client of a cluster has in common.
    init(_ configuration: KafkaBusConfiguration) {
        self.set("bootstrap.servers", configuration.bootstrapServers)
        self.set("client.id", "sandbox")
        self.set("security.protocol", configuration.security.rawValue)
        if configuration.security.usesSASL {
            self.set("sasl.mechanisms", configuration.saslMechanism)
            self.set("sasl.username", configuration.saslUser)
            if let password = configuration.saslPassword { self.set("sasl.password", password.reveal()) }
        }
        if let path = configuration.caPath { self.set("ssl.ca.location", path) }
        if let path = configuration.certificatePath { self.set("ssl.certificate.location", path) }
        if let path = configuration.keyPath { self.set("ssl.key.location", path) }
        self.set("socket.nagle.disable", "true")
        self.set("socket.keepalive.enable", "true")
        self.set("reconnect.backoff.ms", 20)
        self.set("reconnect.backoff.max.ms", 1000)
        // Broker addresses that are gone are not worth a line each.
        self.set("log.connection.close", "false")
    }

    static func producer(_ configuration: KafkaBusConfiguration) -> ClientSettings {
        var settings = ClientSettings(configuration)
        settings.set("enable.idempotence", "true")
        settings.set("acks", "all")
        // A leader that knows nothing of us yet accepts any number of ours as the first. With a second request under way
        // behind one that was turned away, it would take the second, and call the first a duplicate when it comes again:
        // confirmed, and in no log. See docs/decisions/0011.
        settings.set("max.in.flight.requests.per.connection", 1)
        // What waits while a request is under way goes out with the next; nothing waits for company.
        settings.set("linger.ms", 0)
        settings.set("retry.backoff.ms", 20)
        settings.set("message.timeout.ms", Int(configuration.messageTimeout / .milliseconds(1)))
        settings.set("message.max.bytes", configuration.maxMessageBytes)
        settings.set("queue.buffering.max.kbytes", max(1, configuration.queueBytes / 1024))
        settings.set("queue.buffering.max.messages", 1_000_000)
        return settings
    }

    /// - Parameter group: Of which it is a member; one of its own for a reader of assigned partitions.
    static func consumer(_ configuration: KafkaBusConfiguration, group: String) -> ClientSettings {
        var settings = ClientSettings(configuration)
        settings.set("group.id", group)
        settings.set("enable.auto.commit", "false")
        settings.set("enable.auto.offset.store", "false")
        settings.set("enable.partition.eof", "true")
        settings.set("auto.offset.reset", "earliest")
        settings.set("fetch.min.bytes", 1)
        settings.set("fetch.error.backoff.ms", 20)
        settings.set("fetch.message.max.bytes", configuration.maxMessageBytes)
        settings.set("receive.message.max.bytes", configuration.maxMessageBytes * 2 + 1024)
        settings.set("fetch.max.bytes", configuration.maxMessageBytes * 2)
        settings.set("queued.max.messages.kbytes", 32_768)
        return settings
    }

    /// As ``consumer(_:group:)``, for one that shares a group with others.
    static func member(_ configuration: KafkaBusConfiguration, group: String, instance: String?) -> ClientSettings {
        var settings = Self.consumer(configuration, group: group)
        settings.set("session.timeout.ms", Int(configuration.sessionTimeout / .milliseconds(1)))
        settings.set("heartbeat.interval.ms", max(500, Int(configuration.sessionTimeout / .milliseconds(4))))
        // Only what moves is taken away; who stays is not disturbed.
        settings.set("partition.assignment.strategy", "cooperative-sticky")
        if let instance { settings.set("group.instance.id", instance) }
        return settings
    }
}
