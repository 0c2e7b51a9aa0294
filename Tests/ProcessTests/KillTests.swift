import Foundation
import JSON
import ServiceKit
import TestProcesses
import TestSpawn
import Testing

extension RealProcesses {
    /// The promise, with the whole server killed: what was accepted ends, once, and nothing is left behind.
    @Suite struct KillTests {
        /// What a session's client knows.
        private struct Ledger: Sendable {
            /// Number and id of what was accepted, in order. A number is never used twice, accepted or not.
            var accepted: [(number: Int, id: String)] = []
            var next = 0
            /// The execution that goes on until a file is there, which never is: it is running at the second kill.
            var held: Int?
            /// Ends that were seen, as they were answered.
            var seen: [String: [UInt8]] = [:]

            /// - Returns: `nil` when as many as `limit` are accepted.
            mutating func take(limit: Int) -> (number: Int, isHeld: Bool)? {
                guard self.accepted.count < limit else { return nil }
                let isHeld = self.accepted.count == KillTests.free
                if isHeld { self.held = self.next }
                defer { self.next += 1 }
                return (self.next, isHeld)
            }
        }

        private static let sessions = 10
        private static let perSession = 100
        /// How many of a session are accepted at most before the first kill, and before the one that is held.
        private static let (early, free) = (70, 80)

        private static let code = """
            import os, time
            def handler(event):
                with open("ran", "a") as log:
                    log.write(f"{event['n']}\\n")
                while event["held"] and not os.path.exists("go"):
                    time.sleep(0.01)
                return event["n"]
            """

        @Test(.timeLimit(.minutes(10))) func everythingAcceptedEndsOnceOverKills() async throws {
            try await Server.with { server in
                let api = try server.api
                var sessions: [API.Session] = []
                for number in 0..<Self.sessions {
                    let session = try await api.createSession()
                    try await api.upload(session, "kept", "file of \(number)")
                    sessions.append(session)
                }
                let ledgers = Locked([API.Session: Ledger]())

                // First: while clients submit.
                let isHalf = Signal()
                async let submitting: Void = Self.submitAll(sessions, api, ledgers, limit: Self.early) { count in
                    if count == Self.sessions * Self.perSession / 2 { isHalf.fire() }
                }
                try await isHalf.wait()
                try await server.kill()
                await submitting
                let half = ledgers.withLock { $0.values.reduce(0) { $0 + $1.accepted.count } }
                #expect(half >= Self.sessions * Self.perSession / 2 && half < Self.sessions * Self.early)

                // Second: while executions run, one of each session surely.
                let second = try await server.start()
                await Self.submitAll(sessions, second, ledgers, limit: Self.perSession)
                for session in sessions {
                    let held = try #require(ledgers.withLock { $0[session]?.held })
                    _ = try await eventually("the held one of \(session.id) runs") {
                        try await second.download(session, "ran").flatMap { $0.hasSuffix("\(held)\n") ? true : nil }
                    }
                }
                try await Self.look(second, ledgers)
                #expect(!Leftovers.processes(of: server.folder).isEmpty)
                try await server.kill()

                // Third: while the server starts.
                let third = try server.launch()
                try await third.prints("Worker node runs")
                third.send(SIGKILL)
                #expect(try await third.end() == .signal(SIGKILL))

                let last = try await server.start()
                try await Self.judge(sessions, last, ledgers)
                try await Self.judgeFolder(server, sessions)
                try await server.stop()
                try await server.leavesNoProcess()
                #expect(Leftovers.controlGroups(of: server.folder).isEmpty)
            }
        }

        /// A child of bwrap that waits for its parent must not wait for ever when both lose the server.
        @Test(.timeLimit(.minutes(10))) func sandboxesThatStartDieWithTheServer() async throws {
            try await Server.with(environment: ["WARM_POOL_SIZE": "12"]) { server in
                try await server.stop()
                for round in 0..<20 {
                    let process = try server.launch()
                    try await process.prints("Worker node runs")
                    // Other moments in each round: the starts take some 10 ms each.
                    try await Task.sleep(for: .milliseconds(3 * round))
                    process.send(SIGKILL)
                    #expect(try await process.end() == .signal(SIGKILL))
                    try await server.leavesNoProcess()
                }
            }
        }

        /// Who does not run cannot see that the server is gone.
        @Test(.timeLimit(.minutes(10))) func aStoppedSandboxDiesWithTheServer() async throws {
            try await Server.with { server in
                let session = try await server.api.createSession()
                let inside = Leftovers.processes(of: session.container)
                #expect(inside.count >= 2)
                for process in inside { Foundation.kill(process.pid, SIGSTOP) }
                try await server.kill()
                try await server.leavesNoProcess()
            }
        }

        /// A client for each session, one request after the other, until all are accepted or the server is gone.
        private static func submitAll(
            _ sessions: [API.Session],
            _ api: API,
            _ ledgers: Locked<[API.Session: Ledger]>,
            limit: Int,
            _ onAccepted: @escaping @Sendable (Int) -> Void = { _ in }
        ) async {
            await withTaskGroup(of: Void.self) { clients in
                for session in sessions {
                    clients.addTask {
                        while true {
                            let order: (number: Int, isHeld: Bool)? = ledgers.withLock { ledgers in
                                ledgers[session, default: Ledger()].take(limit: limit)
                            }
                            guard let (number, isHeld) = order else { return }
                            let event = "{\"n\": \(number), \"held\": \(isHeld)}"
                            let request = API.request(self.code, event: event, timeout: 300)
                            // Whoever gets no answer does not know whether it was accepted: that number is not counted on.
                            guard let id = try? await api.submit(session, request) else { return }
                            let count = ledgers.withLock { ledgers in
                                ledgers[session, default: Ledger()].accepted.append((number, id))
                                return ledgers.values.reduce(0) { $0 + $1.accepted.count }
                            }
                            onAccepted(count)
                        }
                    }
                }
            }
        }

        /// Notes the ends that a client has seen before the next kill.
        private static func look(_ api: API, _ ledgers: Locked<[API.Session: Ledger]>) async throws {
            for (session, ledger) in ledgers.withLock({ $0 }) {
                for (_, id) in ledger.accepted.prefix(10) {
                    let execution = try await api.ended(id)
                    ledgers.withLock { $0[session]?.seen[id] = execution.bytes }
                }
            }
        }

        private static func judge(
            _ sessions: [API.Session],
            _ api: API,
            _ ledgers: Locked<[API.Session: Ledger]>
        ) async throws {
            var statuses: [String: Int] = [:]
            for (index, session) in sessions.enumerated() {
                #expect(try await api.running(session.id) == session)
                #expect(try await api.download(session, "kept") == "file of \(index)")
                let ledger = try #require(ledgers.withLock { $0[session] })
                #expect(ledger.accepted.count == Self.perSession)
                var ends: [Int: String] = [:]
                for (number, id) in ledger.accepted {
                    let execution = try await api.ended(id)
                    ends[number] = try execution.string("status")
                    statuses[ends[number] ?? "", default: 0] += 1
                    #expect(try await api.get("/executions/\(id)/status").bytes == execution.bytes)
                    if let seen = ledger.seen[id] { #expect(execution.bytes == seen) }
                    if ends[number] == "crashed" { #expect(try execution.optionalString("error_message") != nil) }
                }
                #expect(ledger.held.flatMap { ends[$0] } == "crashed")
                #expect(Set(ends.values).isSubset(of: ["completed", "crashed"]), "\(ends)")
                // One at a time: no more can have been under way than there were kills.
                #expect(ends.values.count { $0 == "crashed" } <= 3)

                let ran = try #require(try await api.download(session, "ran")).split(separator: "\n").compactMap {
                    Int($0)
                }
                #expect(Set(ran).count == ran.count, "something of \(session.id) ran twice: \(ran)")
                #expect(ran == ran.sorted(), "\(session.id) did not keep the order: \(ran)")
                for (number, status) in ends where status == "completed" {
                    #expect(ran.contains(number), "\(number) of \(session.id) is completed and never ran")
                }
            }
            print("Over three kills: \(statuses)")
            #expect(statuses.values.reduce(0, +) == Self.sessions * Self.perSession)
        }

        /// Directories and control groups are those of sandboxes that exist: of the sessions, and ready ones.
        private static func judgeFolder(_ server: Server, _ sessions: [API.Session]) async throws {
            let folder = "\(server.folder)/sandboxes"
            let containers = Set(sessions.map(\.container))
            _ = try await eventually(
                "the leftovers of three lives are removed, there is \(Leftovers.contents(of: folder, but: containers))"
            ) {
                let health = try await server.api.get("/health/detailed")
                let worker = try health.object("dependencies").object("worker").stringMap("detail")
                let ready = Int(worker["warm_sandboxes"] ?? "") ?? 0
                let directories = Set(Leftovers.directories(in: folder))
                guard directories.isSuperset(of: containers) else {
                    throw Unexpected("directories of sessions are gone: \(directories)")
                }
                return directories.count == sessions.count + ready ? true : nil
            }
        }
    }
}
