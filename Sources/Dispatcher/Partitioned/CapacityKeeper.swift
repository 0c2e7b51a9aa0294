internal import Coordination
internal import Messages
internal import ServiceKit

/// Reserves room on nodes together with the other dispatchers, so that two of them do not give the same place away.
///
/// What it keeps is a help: a node refuses what it has no room for, and is then followed by another. So without Redis, or
/// with one that has forgotten everything, a dispatcher goes by what nodes report.
struct CapacityKeeper: Sendable {
    /// A place on a node for a session.
    struct Place: Sendable, Hashable {
        var session: SessionID
        var node: NodeID
    }

    /// A node that nobody speaks for is forgotten, with its reservations, after this.
    private static let lifetime: Duration = .seconds(60)
    /// Reservations of sessions that ended unseen go when a node's name in the ledger changes.
    private static let era: Int64 = 600 * 1_000_000
    /// What one call carries.
    private static let batch = 500

    let ledger: any CapacityLedger
    let logger: Logger

    private func name(_ node: NodeID, _ now: Timestamp) -> String { "\(node)@\(now.microseconds / Self.era)" }

    /// The places that are taken by others already.
    func refused(_ places: [Place], now: Timestamp) async -> [Place] {
        let requests = places.map {
            CapacityRequest(node: self.name($0.node, now), holder: $0.session.rawValue, amount: 1)
        }
        do throws(CoordinationError) {
            let answers = try await self.ledger.reserve(requests)
            return zip(places, answers).filter { $0.1 == .full }.map(\.0)
        } catch {
            return []
        }
    }

    func release(_ places: [Place], now: Timestamp) async {
        let holders = places.map { CapacityHolder(node: self.name($0.node, now), name: $0.session.rawValue) }
        // What stays reserved goes with the era.
        do throws(CoordinationError) { try await self.ledger.release(holders) } catch { return }
    }

    /// Tells the ledger what nodes have room for and which places are ours, so that it is right again soon after it has
    /// forgotten everything.
    func refresh(_ nodes: [NodeID: Int], _ places: [Place], now: Timestamp) async {
        do throws(CoordinationError) {
            for (node, capacity) in nodes {
                try await self.ledger.setCapacity(capacity, of: self.name(node, now), lifetime: Self.lifetime)
            }
            var rest = places[...]
            while !rest.isEmpty {
                _ = try await self.ledger.reserve(
                    rest.prefix(Self.batch).map {
                        CapacityRequest(node: self.name($0.node, now), holder: $0.session.rawValue, amount: 1)
                    }
                )
                rest = rest.dropFirst(Self.batch)
            }
        } catch {
            self.logger.debug("Capacity cannot be kept now", metadata: ["error": "\(error)"])
        }
    }
}
