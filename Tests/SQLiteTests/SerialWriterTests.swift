import Dispatch
import Foundation
import SQLite
import ServiceKit
import Testing

@Suite(.timeLimit(.minutes(10))) struct SerialWriterTests {
    let folder: TemporaryFolder

    init() throws { self.folder = try TemporaryFolder() }

    private func open() async throws -> SerialWriter {
        try await SerialWriter.open(path: self.folder.database) { connection in
            try connection.run("CREATE TABLE IF NOT EXISTS t (id INTEGER PRIMARY KEY, value)")
        }
    }

    private func rows(_ writer: SerialWriter) async throws -> [Int] {
        try await writer.write { try $0.query("SELECT id FROM t ORDER BY id") { $0.int(0) } }
    }

    private static func insert(_ id: Int) -> @Sendable (Connection) throws -> Void {
        { try $0.execute("INSERT INTO t (id) VALUES (?)", [.int(id)]) }
    }

    /// Queues what `body` queues while the thread is busy, so that it is one group.
    private func together(_ writer: SerialWriter, _ body: () -> Void) {
        let (isBusy, mayGoOn) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        writer.enqueue { _ in
            isBusy.signal()
            mayGoOn.wait()
        } completion: { _ in
        }
        isBusy.wait()
        body()
        mayGoOn.signal()
    }

    @Test func commitsTogetherWhatArrivedTogetherAndUndoesWhatThrows() async throws {
        let writer = try await self.open()
        let before = writer.commits
        var tasks: [Task<Void, any Error>] = []
        self.together(writer) {
            tasks = [1, 2, 3].map { id in
                Task.immediate {
                    try await writer.write { connection in
                        try Self.insert(id)(connection)
                        if id == 2 { throw CancellationError() }
                    }
                }
            }
        }
        try await tasks[0].value
        await #expect(throws: CancellationError.self) { try await tasks[1].value }
        try await tasks[2].value
        #expect(writer.commits - before == 2)
        #expect(try await self.rows(writer) == [1, 3])
        await writer.close()
    }

    @Test func flushesAGroupThatHoldsOneFlushedWrite() async throws {
        let writer = try await self.open()
        let read: @Sendable (Connection) throws -> Int? = { try $0.first("PRAGMA synchronous") { $0.int(0) } }
        #expect(try await writer.write(durability: .relaxed, read) == 1)
        #expect(try await writer.write(durability: .flushed, read) == 2)
        let (seen, answered) = (Locked<[Int?]>([]), Signal())
        self.together(writer) {
            for durability in [SerialWriter.Durability.relaxed, .flushed, .relaxed] {
                writer.enqueue(durability: durability, read) { result in
                    let count = seen.withLock { seen in
                        seen.append(try? result.get())
                        return seen.count
                    }
                    if count == 3 { answered.fire() }
                }
            }
        }
        try await answered.wait()
        #expect(seen.withLock { $0 } == [2, 2, 2])
        await writer.close()
    }

    @Test func completesOnTheWritersThreadAfterTheCommit() async throws {
        let writer = try await self.open()
        let thread = try await writer.write { _ in pthread_self() }
        let path = self.folder.database
        let (isSame, isVisible) = try await withCheckedThrowingContinuation {
            (caller: CheckedContinuation<(Bool, Bool), any Error>) in
            writer.enqueue(Self.insert(1)) { _ in
                let isSame = pthread_equal(thread, pthread_self()) != 0
                caller.resume(
                    with: Result {
                        let reader = try Connection(path: path, access: .readOnly)
                        return (isSame, try reader.first("SELECT count(*) FROM t") { $0.int(0) } == 1)
                    }
                )
            }
        }
        #expect(isSame && isVisible)
        await writer.close()
    }

    @Test func failsCleanlyOnAFullDiskAndGoesOn() async throws {
        let writer = try await self.open()
        try await writer.write(Self.insert(1))
        try await writer.write { connection in
            let pages = try connection.first("PRAGMA page_count") { $0.int(0) } ?? 0
            try connection.run("PRAGMA max_page_count=\(pages + 2)")
        }
        let error = await #expect(throws: SQLiteError.self) {
            try await writer.write { try $0.execute("INSERT INTO t VALUES (2, zeroblob(1000000))") }
        }
        #expect(error?.code == .full)
        #expect(error?.isRetriable == true)
        try await writer.write { try $0.run("PRAGMA max_page_count=1000000") }
        try await writer.write { try $0.execute("INSERT INTO t VALUES (3, zeroblob(1000000))") }
        #expect(try await self.rows(writer) == [1, 3])
        await writer.close()
    }

    @Test func failsAllOfAGroupWhoseTransactionEnds() async throws {
        let writer = try await self.open()
        var tasks: [Task<Void, any Error>] = []
        let undone = Locked(0)
        self.together(writer) {
            tasks = [1, 2, 3].map { id in
                Task.immediate {
                    try await writer.write { connection in
                        connection.afterRollback { undone.withLock { $0 += 1 } }
                        try Self.insert(id)(connection)
                        // As SQLite itself may do on an error of the disk.
                        if id == 2 { try connection.run("ROLLBACK") }
                    }
                }
            }
        }
        for task in tasks { await #expect(throws: SQLiteError.self) { try await task.value } }
        // The third never ran.
        #expect(undone.withLock { $0 } == 2)
        try await writer.write(Self.insert(4))
        #expect(try await self.rows(writer) == [4])
        await writer.close()
    }

    @Test func commitsWhatWasQueuedBeforeClosingAndRefusesTheRest() async throws {
        let writer = try await self.open()
        var queued: Task<Void, any Error>?
        self.together(writer) { queued = Task.immediate { try await writer.write(Self.insert(1)) } }
        await writer.close()
        try await queued?.value
        let error = await #expect(throws: SQLiteError.self) { try await writer.write(Self.insert(2)) }
        #expect(error?.code == .closed)
        await writer.close()
        let again = try await self.open()
        #expect(try await self.rows(again) == [1])
        await again.close()
    }

    @Test func reportsWhyItCannotOpen() async throws {
        let error = await #expect(throws: SQLiteError.self) { _ = try await SerialWriter.open(path: "/nonexistent/x") }
        #expect(error?.code == .io)
    }

    @Test func opensAndClosesOverAndOver() async throws {
        for round in 1...100 {
            let writer = try await self.open()
            try await writer.write(durability: .relaxed, Self.insert(round))
            await writer.close()
        }
        let writer = try await self.open()
        #expect(try await self.rows(writer).count == 100)
        await writer.close()
    }

    @Test func emptiesTheWriteAheadLogWhenIdle() async throws {
        let writer = try await SerialWriter.open(path: self.folder.database, idleCheckpointDelay: .milliseconds(1))
        try await writer.write { try $0.run("CREATE TABLE t (id INTEGER PRIMARY KEY, value)") }
        let log = self.folder.database + "-wal"
        // The thread reports nothing: the file is what there is to wait for.
        while try FileManager.default.attributesOfItem(atPath: log)[.size] as? Int != 0 { await Task.yield() }
        try await writer.write(Self.insert(1))
        #expect(try await self.rows(writer) == [1])
        await writer.close()
    }
}
