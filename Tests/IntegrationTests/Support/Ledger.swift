import Foundation
import HTTPClient
import JSON
import ServiceKit
import Synchronization
import TestProcesses
import Testing

/// What clients have submitted to a cluster, and were told.
final class Ledger: Sendable {
    struct Accepted: Sendable {
        var number: Int
        var id: String
        var session: API.Session
    }

    private struct State {
        var accepted: [Accepted] = []
        var refusals: [String: Int] = [:]
    }

    private let state = Locked(State())
    /// Shared by all ledgers: sessions may, too.
    private static let next = Atomic(0)

    var accepted: [Accepted] { self.state.withLock { $0.accepted } }
    /// Answers that were no 201, as `status code`, and `no answer`.
    var refusals: [String: Int] { self.state.withLock { $0.refusals } }

    /// Leaves a line with its number and its id in the session's file `ran`, and returns the number.
    private static let code = """
        import time
        def handler(event, context):
            with open("ran", "a") as log:
                log.write(f"{event['n']} {context.execution_id}\\n")
            time.sleep(event["seconds"])
            return event["n"]
        """

    /// Submits one more execution. Its number is never used again, accepted or not.
    ///
    /// - Returns: Whether it was accepted.
    @discardableResult
    func submit(to session: API.Session, through api: API, seconds: Double = 0) async -> Bool {
        let number = Self.next.wrappingAdd(1, ordering: .relaxed).newValue
        let event = "{\"n\": \(number), \"seconds\": \(seconds)}"
        let answer: API.Answer
        do {
            answer = try await api.call(
                "POST",
                "/executions/sessions/\(session.id)/execute",
                API.request(Self.code, event: event)
            )
        } catch {
            self.refused("no answer")
            return false
        }
        guard answer.status == 201, let id = try? answer.body.string("execution_id") else {
            self.refused("\(answer.status) \(answer.code)")
            return false
        }
        self.state.withLock { $0.accepted.append(Accepted(number: number, id: id, session: session)) }
        return true
    }

    private func refused(_ reason: String) { self.state.withLock { $0.refusals[reason, default: 0] += 1 } }

    /// `clients` at once, over all sessions and gateways, until `count` more are accepted and `isDone` says so; each asks
    /// again shortly after a refusal.
    func submit(
        _ count: Int,
        clients: Int = 16,
        sessions: [API.Session],
        apis: [API],
        seconds: Double = 0,
        isDone: @escaping @Sendable () -> Bool = { true }
    ) async {
        let goal = self.accepted.count + count
        await withTaskGroup(of: Void.self) { group in
            for client in 0..<clients {
                group.addTask {
                    var turn = client
                    while !Task.isCancelled {
                        let accepted = self.accepted.count
                        if accepted >= goal + 2000 || (accepted >= goal && isDone()) { return }
                        let session = sessions[turn % sessions.count]
                        let isAccepted = await self.submit(
                            to: session,
                            through: apis[(turn / sessions.count) % apis.count],
                            seconds: seconds
                        )
                        turn += clients + 1
                        // A client that is told to come again. Cancellation is looked at above.
                        if !isAccepted { try? await Task.sleep(for: .milliseconds(20)) }
                    }
                }
            }
        }
    }

    /// Waits for the end of everything accepted, asking every gateway: they must tell the same.
    ///
    /// - Returns: The answers by id.
    func ends(_ apis: [API]) async throws -> [String: JSONObjectReader] {
        try await withThrowingTaskGroup(of: (String, JSONObjectReader).self) { group in
            var ends: [String: JSONObjectReader] = [:]
            var waiting = self.accepted[...]
            func addNext() {
                guard let next = waiting.popFirst() else { return }
                group.addTask { (next.id, try await Self.end(next.id, apis)) }
            }
            for _ in 0..<16 { addNext() }
            while let (id, end) = try await group.next() {
                ends[id] = end
                addNext()
            }
            return ends
        }
    }

    private static func end(_ id: String, _ apis: [API]) async throws -> JSONObjectReader {
        let first = try await apis[0].endedPatiently(id)
        for api in apis.dropFirst() {
            let other = try await api.endedPatiently(id)
            #expect(other.bytes == first.bytes, "gateways tell different ends of \(id)")
        }
        return first
    }

    /// Waits for all ends and compares them with what the code has left in its session: nothing ran twice, what is
    /// `completed` ran.
    ///
    /// - Returns: How many there are of each status.
    @discardableResult
    func judge(_ apis: [API]) async throws -> [String: Int] {
        let ends = try await self.ends(apis)
        var statuses: [String: Int] = [:]
        for (session, accepted) in Dictionary(grouping: self.accepted, by: \.session) {
            let text = try await apis[0].download(session, "ran") ?? ""
            let lines = text.split(separator: "\n").map { $0.split(separator: " ") }
            let ran = lines.compactMap { $0.first.flatMap { Int($0) } }
            let ids = lines.compactMap(\.last)
            #expect(ran.count == lines.count)
            #expect(Set(ids).count == ids.count, "something of \(session.id) ran twice: \(text)")
            #expect(Set(ran).count == ran.count, "something of \(session.id) was submitted twice: \(text)")
            for execution in accepted {
                let end = try #require(ends[execution.id])
                let status = try end.string("status")
                statuses[status, default: 0] += 1
                switch status {
                case "completed":
                    #expect(ran.contains(execution.number), "\(execution) is completed and never ran")
                    #expect(try end.int("return_value") == execution.number)
                case "crashed": #expect(try end.optionalString("error_message") != nil)
                default:
                    Issue.record("\(execution) is \(status): \(String(decoding: end.bytes, as: UTF8.self).suffix(600))")
                }
            }
        }
        return statuses
    }
}
