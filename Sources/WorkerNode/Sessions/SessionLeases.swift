import Coordination
import Messages
import ServiceKit

/// Holds the lock of every session of this node, so that of two nodes that were told to have a session the earlier one
/// learns that it has it no more.
///
/// A second line of defence, off every path: the dispatcher's word decides. Without Redis nothing is taken away, and locks
/// are established again when it is back.
final class SessionLeases: Sendable {
    /// How long a lock holds without being renewed, and how often it is.
    private static let lease: Duration = .seconds(15)
    private static let interval: Duration = .seconds(5)

    private let locks: any SessionLocks
    private let owner: String
    private let logger: Logger
    private let held = Locked<[Incarnation: (session: SessionID, lock: SessionLock)]>([:])

    /// - Parameter owner: This start of this node.
    init(locks: any SessionLocks, owner: String, logger: Logger) {
        self.locks = locks
        self.owner = owner
        self.logger = logger
    }

    /// Takes the lock from whoever has it.
    func take(_ session: SessionID, _ incarnation: Incarnation) async {
        do throws(CoordinationError) {
            let lock = try await self.locks.acquire(
                session.rawValue,
                owner: self.owner,
                lease: Self.lease,
                takingOver: true
            )
            if let lock { self.held.withLock { $0[incarnation] = (session, lock) } }
        } catch {
            self.logger.debug("A session's lock cannot be had now", metadata: [LogKey.error: "\(error)"])
            // Established by the first renewal that works: its epoch is higher than any before.
            let now = Timestamp.now()
            let lock = SessionLock(name: session.rawValue, owner: self.owner, epoch: now.microseconds)
            self.held.withLock { $0[incarnation] = (session, lock) }
        }
    }

    func giveBack(_ incarnation: Incarnation) async {
        guard let (_, lock) = self.held.withLock({ $0.removeValue(forKey: incarnation) }) else { return }
        // It runs out by itself where this fails.
        do throws(CoordinationError) { try await self.locks.release([lock]) } catch { return }
    }

    /// Renews the locks until the task is cancelled.
    ///
    /// - Parameter lost: Called for a session that another node has by now.
    func keep(_ lost: (Incarnation, SessionID) async -> Void) async {
        while true {
            // Nothing but cancellation is thrown.
            do { try await Task.sleep(for: Self.interval) } catch { return }
            let held = self.held.withLock { Array($0) }
            guard !held.isEmpty else { continue }
            let answers: [LockRenewal]
            do throws(CoordinationError) {
                answers = try await self.locks.renew(held.map(\.value.lock), lease: Self.lease)
            } catch {
                continue
            }
            for (entry, answer) in zip(held, answers) {
                // Released, or run out in a cache that forgot: nobody else has it.
                guard case .lost(to: let owner?) = answer, owner != self.owner else { continue }
                guard self.held.withLock({ $0.removeValue(forKey: entry.key) }) != nil else { continue }
                self.logger.warning(
                    "Another node has a session of ours",
                    metadata: [LogKey.session: entry.value.session.rawValue, LogKey.reason: owner]
                )
                await lost(entry.key, entry.value.session)
            }
        }
    }
}
