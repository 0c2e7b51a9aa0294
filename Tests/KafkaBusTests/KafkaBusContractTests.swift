import KafkaBus
import ServiceKit
import TestKit
import Testing

/// The promises of a bus, kept by a real broker.
@Suite(.enabled(if: SharedKafka.missing == nil, "needs a Kafka broker: see KAFKA_HOME"))
struct KafkaBusContractTests {
    @Test(.timeLimit(.minutes(10)), arguments: MessageBusContract.allCases)
    func honours(_ clause: MessageBusContract) async throws {
        let bus = try await SharedKafka.bus(clause.rawValue)
        let reopened = Locked<KafkaBus?>(nil)
        let outcome: Result<Void, any Error>
        do {
            try await clause.verify(bus) { bus in
                await bus.close()
                let again = try await SharedKafka.bus(clause.rawValue)
                reopened.withLock { $0 = again }
                return again
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        await bus.close()
        await reopened.withLock { $0 }?.close()
        try outcome.get()
    }
}
