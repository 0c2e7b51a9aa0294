import Foundation
import Glibc
import Testing

@testable import SandboxRuntime

@Suite struct WorkspaceDirectoryTests {
    static let methods = [BeneathResolver.Method.kernel, .byHand]

    @Test(.timeLimit(.minutes(10)), arguments: methods)
    func writesAndReadsFiles(_ method: BeneathResolver.Method) async throws {
        let fixture = try WorkspaceFixture(method)
        try await fixture.write("a/b/c.txt", "one")
        #expect(try await fixture.read("a/b/c.txt") == "one")
        try await fixture.write("a/b/c.txt", "other")
        #expect(try await fixture.read("a/b/c.txt") == "other")
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(fixture.root)/a/b/c.txt")
        #expect(attributes[.posixPermissions] as? Int == 0o644)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func readsRanges() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("f", "0123456789")
        let file = try await fixture.files.open(WorkspacePath("f"))
        #expect(file.size == 10)
        #expect(try await file.read(at: 3, count: 4) == Array("3456".utf8))
        #expect(try await file.read(at: 8, count: 100) == Array("89".utf8))
        #expect(try await file.read(at: 10, count: 1).isEmpty)
        let tag = file.entityTag
        try await fixture.write("f", "9876543210")
        #expect(try await fixture.files.open(WorkspacePath("f")).entityTag != tag)
        // Who has it open keeps what it was.
        #expect(try await file.read(at: 0, count: 1) == Array("0".utf8))
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func showsNothingOfAnUploadBeforeItsEnd() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("f", "old")
        var upload: WorkspaceUpload? = try await fixture.files.create(WorkspacePath("f"))
        try await upload?.append(Array("new".utf8))
        #expect(upload?.size == 3)
        #expect(try await fixture.read("f") == "old")
        upload = nil
        #expect(try FileManager.default.contentsOfDirectory(atPath: fixture.root) == ["f"])
        #expect(try await fixture.read("f") == "old")
        try await fixture.close()
    }

    @Test(
        .timeLimit(.minutes(10)),
        arguments: methods,
        [
            "out/secret", "out", "absolute", "up/outside/secret", "chain/secret", "loop", "dangling/x",
        ]
    )
    func leavesTheWorkspaceThroughNoLink(_ method: BeneathResolver.Method, _ path: String) async throws {
        let fixture = try WorkspaceFixture(method)
        try fixture.link("out", to: fixture.outside)
        try fixture.link("absolute", to: "\(fixture.outside)/secret")
        try fixture.link("up", to: "..")
        try fixture.link("chain", to: "out")
        try fixture.link("loop", to: "loop")
        try fixture.link("dangling", to: "../outside/made")
        let opened = await #expect(throws: RuntimeError.self) { _ = try await fixture.read(path) }
        #expect(opened?.code == .invalidPath || (method == .byHand && opened?.code == .fileNotFound))
        await #expect(throws: RuntimeError.self) { try await fixture.write(path, "x") }
        await #expect(throws: RuntimeError.self) { try await fixture.write("\(path)/new/deep", "x") }
        await #expect(throws: RuntimeError.self) { _ = try await fixture.files.list(WorkspacePath(path)) }
        #expect(fixture.outsideState == WorkspaceFixture.untouched)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func followsLinksWithinTheWorkspace() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("real/f", "x")
        try fixture.link("d", to: "real")
        try fixture.link("l", to: "real/f")
        #expect(try await fixture.read("d/f") == "x")
        #expect(try await fixture.read("l") == "x")
        try await fixture.write("d/g", "y")
        #expect(try await fixture.read("real/g") == "y")
        // But it does not write through a link, nor in its place.
        let error = await #expect(throws: RuntimeError.self) { try await fixture.write("l", "z") }
        #expect(error?.code == .invalidPath)
        #expect(try await fixture.read("real/f") == "x")
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func neitherOpensNorReplacesSpecialFiles() async throws {
        let fixture = try WorkspaceFixture()
        #expect(mkfifo("\(fixture.root)/pipe", 0o666) == 0)
        try FileManager.default.createDirectory(atPath: "\(fixture.root)/d", withIntermediateDirectories: false)
        for name in ["pipe", "d"] {
            let opened = await #expect(throws: RuntimeError.self) { _ = try await fixture.read(name) }
            #expect(opened?.code == .notARegularFile)
            let created = await #expect(throws: RuntimeError.self) { try await fixture.write(name, "x") }
            #expect(created?.code == .notARegularFile)
        }
        let missing = await #expect(throws: RuntimeError.self) { _ = try await fixture.read("none/x") }
        #expect(missing?.code == .fileNotFound)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func makesNoDirectoryInThePlaceOfAFile() async throws {
        let fixture = try WorkspaceFixture()
        try await fixture.write("f", "x")
        for path in ["f/below", "f/below/deeper"] {
            let error = await #expect(throws: RuntimeError.self) { try await fixture.write(path, "y") }
            #expect(error?.code == .invalidPath)
        }
        #expect(try await fixture.read("f") == "x")
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10))) func refusesWhatCameToBeThereMeanwhile() async throws {
        let fixture = try WorkspaceFixture()
        let upload = try await fixture.files.create(WorkspacePath("f"))
        try await upload.append([1])
        try fixture.link("f", to: "../outside/secret")
        let error = await #expect(throws: RuntimeError.self) { try await upload.commit() }
        #expect(error?.code == .invalidPath)
        #expect(fixture.outsideState == WorkspaceFixture.untouched)
        try await fixture.close()
    }

    /// A thread swaps a directory for a link that leads out while others write and read through it.
    @Test(.timeLimit(.minutes(10)), arguments: methods)
    func staysInsideWhileLinksAreSwapped(_ method: BeneathResolver.Method) async throws {
        let fixture = try WorkspaceFixture(method)
        try await fixture.write("d/secret", "inside")
        try fixture.link("l", to: fixture.outside)
        let root = fixture.root
        let swapper = Task.detached {
            while !Task.isCancelled {
                // RENAME_EXCHANGE by three renames would leave gaps; gaps are welcome here.
                rename("\(root)/d", "\(root)/x")
                rename("\(root)/l", "\(root)/d")
                rename("\(root)/d", "\(root)/l")
                rename("\(root)/x", "\(root)/d")
                await Task.yield()
            }
        }
        for index in 0..<500 {
            // Either is refused or stays inside: which of them, the swapper decides.
            if let text = try? await fixture.read("d/secret") { #expect(text == "inside") }
            try? await fixture.write("d/new\(index % 7)", "x")
        }
        swapper.cancel()
        await swapper.value
        #expect(fixture.outsideState == WorkspaceFixture.untouched)
        try await fixture.close()
    }

    @Test(.timeLimit(.minutes(10)), .enabled(if: geteuid() == 0, "needs root to give files away"))
    func givesWhatItMakesToTheOwner() async throws {
        let fixture = try WorkspaceFixture(owner: FileOwner(user: 234_567, group: 234_568))
        try await fixture.write("a/f", "x")
        for path in ["a", "a/f"] {
            let attributes = try FileManager.default.attributesOfItem(atPath: "\(fixture.root)/\(path)")
            #expect(attributes[.ownerAccountID] as? Int == 234_567)
            #expect(attributes[.groupOwnerAccountID] as? Int == 234_568)
        }
        try await fixture.close()
    }
}
