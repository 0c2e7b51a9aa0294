import Glibc
import SQLite
import Testing

@Suite struct FileLockTests {
    @Test func refusesASecondHolderAndNamesTheFirst() throws {
        let folder = try TemporaryFolder()
        let lock = try FileLock(path: folder.path + "/lock")
        let error = #expect(throws: SQLiteError.self) { _ = try FileLock(path: folder.path + "/lock") }
        #expect(error?.code == .locked)
        #expect(error?.message.contains("process \(getpid());") == true)
        lock.release()
        lock.release()
        _ = try FileLock(path: folder.path + "/lock")
    }

    @Test func isLetGoOfAtTheEndOfItsLife() throws {
        let folder = try TemporaryFolder()
        for _ in 0..<3 { _ = try FileLock(path: folder.path + "/lock") }
    }

    @Test func reportsAFolderThatIsMissing() {
        let error = #expect(throws: SQLiteError.self) { _ = try FileLock(path: "/nonexistent/lock") }
        #expect(error?.code == .io)
    }
}
