import Foundation
import Glibc
import Testing

@testable import SandboxRuntime

@Suite struct WorkspaceTreeTests {
    @Test(.timeLimit(.minutes(10))) func listsByPathWithoutFollowingLinks() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("b/two", "22")
        try await fixture.write("a", "1")
        try fixture.link("c", to: fixture.outside)
        #expect(mkfifo("\(fixture.root)/d", 0o666) == 0)
        let listing = try await fixture.files.list()
        #expect(listing.entries.map(\.name) == ["a", "b", "b/two", "c", "d"])
        #expect(listing.entries.map(\.kind) == [.file, .directory, .file, .link, .other])
        #expect(listing.entries[2].size == 2)
        #expect(abs(listing.entries[2].modifiedMilliseconds - Int64(Date().timeIntervalSince1970 * 1000)) < 60_000)
        #expect(!listing.isTruncated)
        #expect(try await fixture.files.list(WorkspacePath("b")).entries.map(\.name) == ["b/two"])
        let missing = await #expect(throws: RuntimeError.self) { _ = try await fixture.files.list(WorkspacePath("x")) }
        #expect(missing?.code == .fileNotFound)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func boundsAListing() async throws {
        let fixture = try WorkspaceFixture()
        for index in 0..<20 { try await fixture.write("f\(index)", "x") }
        let some = try await fixture.files.list(limit: 5)
        #expect(some.entries.count == 5 && some.isTruncated)
        let all = try await fixture.files.list(limit: 20)
        #expect(all.entries.count == 20 && !all.isTruncated)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func measuresWhatIsOnTheDisk() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("a/f", String(repeating: "x", count: 100_000))
        #expect(truncate("\(fixture.root)/a/f", 100_000) == 0)
        let sparse = open("\(fixture.root)/sparse", O_CREAT | O_WRONLY, 0o600)
        #expect(ftruncate(sparse, 1 << 30) == 0)
        close(sparse)
        let usage = try await fixture.files.usage()
        #expect(usage.entries == 3 && usage.isComplete)
        #expect(usage.bytes >= 100_000 && usage.bytes < 1_000_000)
        try await fixture.close()
    }

    /// Deeper than descriptors, paths and the stack go.
    @Test(.timeLimit(.minutes(10))) func removesAndMeasuresADeepTree() async throws {
        let fixture = try WorkspaceFixture()
        var current = open(fixture.root, O_RDONLY | O_DIRECTORY)
        for _ in 0..<5000 {
            #expect(mkdirat(current, "d", 0o700) == 0)
            let next = openat(current, "d", O_RDONLY | O_DIRECTORY)
            close(current)
            current = next
        }
        close(openat(current, "f", O_CREAT | O_WRONLY, 0o600))
        close(current)
        #expect(try await fixture.files.usage().entries == 5001)
        #expect(try await fixture.files.list().isTruncated)
        try await fixture.close()
        #expect(access(fixture.top, F_OK) != 0)
    }

    @Test(.timeLimit(.minutes(10))) func removesAWideTreeOfAnyModes() async throws {
        let fixture = try WorkspaceFixture()
        for index in 0..<3000 { close(open("\(fixture.root)/f\(index)", O_CREAT | O_WRONLY, 0)) }
        for index in 0..<50 {
            #expect(mkdir("\(fixture.root)/d\(index)", 0o700) == 0)
            close(open("\(fixture.root)/d\(index)/f", O_CREAT | O_WRONLY, 0))
            #expect(chmod("\(fixture.root)/d\(index)", 0) == 0)
        }
        try await fixture.close()
        #expect(access(fixture.top, F_OK) != 0)
    }

    @Test(.timeLimit(.minutes(10))) func removesLinksAndNotWhereTheyLead() async throws {
        let fixture = try WorkspaceFixture()
        try fixture.link("out", to: fixture.outside)
        try fixture.link("secret", to: "\(fixture.outside)/secret")
        try await WorkspaceDirectory.removeFolder(fixture.root)
        #expect(access(fixture.root, F_OK) != 0)
        #expect(fixture.outsideState == WorkspaceFixture.untouched)
        // Again, and through a link: nothing is there to be removed.
        try await WorkspaceDirectory.removeFolder(fixture.root)
        #expect(symlink(fixture.outside, fixture.root) == 0)
        try await WorkspaceDirectory.removeFolder(fixture.root)
        #expect(fixture.outsideState == WorkspaceFixture.untouched)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10)), .enabled(if: geteuid() == 0, "needs root to give files away"))
    func givesATreeAwayWithoutFollowingLinks() async throws {
        let fixture = try WorkspaceFixture()
        try FileManager.default.createDirectory(atPath: "\(fixture.top)/tmp", withIntermediateDirectories: true)
        try await fixture.write("a/b/f", "x")
        try fixture.link("out", to: "\(fixture.outside)/secret")
        let directory = SandboxDirectory(path: fixture.top)
        try directory.give(to: FileOwner(user: 345_678, group: 345_678))
        #expect(directory.user == 345_678)
        for path in ["workspace", "workspace/a/b/f", "workspace/out", "tmp"] {
            var status = stat()
            #expect(lstat("\(fixture.top)/\(path)", &status) == 0 && status.st_uid == 345_678, "\(path)")
        }
        var status = stat()
        #expect(lstat("\(fixture.outside)/secret", &status) == 0 && status.st_uid == 0)
        try await fixture.close()
    }
}
