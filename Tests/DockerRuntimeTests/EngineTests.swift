import Foundation
import SandboxRuntime
import Testing

@testable import DockerRuntime

@Suite struct EngineTests {
    @Test(arguments: [
        ("1.40", nil), ("1.41", "1.41"), ("1.47", "1.47"), ("1.51", "1.51"), ("1.99", "1.51"), ("2.0", "1.51"),
    ])
    func speaksTheNewestVersionThatBothKnow(_ offered: String, _ expected: String?) throws {
        let version = try #require(EngineVersion(offered))
        #expect(EngineVersion.negotiate(version)?.description == expected)
    }

    @Test(arguments: ["", "1", "1.x", "1.2.3", "one.two"]) func isNoVersion(_ text: String) {
        #expect(EngineVersion(text) == nil)
    }

    @Test(arguments: [
        ("python", "python:latest"), ("python:3.11", "python:3.11"), ("docker.io/library/python", "python:latest"),
        ("library/python", "python:latest"), ("docker.io/team/app:1", "team/app:1"),
        ("host:5000/team/app", "host:5000/team/app:latest"), ("host:5000/app:2", "host:5000/app:2"),
        ("app@sha256:ab", "app@sha256:ab"),
    ])
    func namesOfTheSameImageAreEqual(_ text: String, _ full: String) {
        #expect(ImageName(text)?.description == full)
    }

    @Test(arguments: ["", ":1", "-x", "a b", "a?x=y", "../x", "a/", "x:", "x\n", String(repeating: "a", count: 300)])
    func isNoImageName(_ text: String) {
        #expect(ImageName(text) == nil)
    }

    @Test(arguments: [
        ("app", "app", true), ("app:latest", "app", true), ("app:1", "app", false), ("app:1", "app*", true),
        ("host:5000/app", "host:5000/*", true), ("other/app", "host:5000/*", false), ("x", "*", true),
    ])
    func patternsMeanImages(_ name: String, _ pattern: String, _ matches: Bool) throws {
        #expect(try #require(ImageName(name)).matches(pattern) == matches)
    }

    @Test func readsTheFramesOfALog() {
        let frames: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 3] + Array("out".utf8) + [2, 0, 0, 0, 0, 0, 1, 0]
        #expect(
            LogFrames.text(of: frames + [UInt8](repeating: 0x65, count: 256)) == "out"
                + String(repeating: "e", count: 256)
        )
        // A last frame that was cut is what there is of it.
        #expect(LogFrames.text(of: [1, 0, 0, 0, 0, 0, 0, 9] + Array("half".utf8)) == "half")
        #expect(LogFrames.text(of: [1, 0, 0]) == "")
    }

    @Test func sumsUpWhatAPullHasLoaded() {
        var progress = ImagePull.Progress()
        func message(_ id: String?, _ status: String, _ current: Int64?, _ total: Int64?) -> PullMessage {
            PullMessage(id: id, status: status, detail: PullMessage.Detail(current: current, total: total), error: nil)
        }
        progress.take(message(nil, "Pulling from x", nil, nil))
        progress.take(message("a", "Downloading", 2_000_000, 10_000_000))
        progress.take(message("b", "Downloading", 1_000_000, 2_000_000))
        #expect(progress.description == "3 of 12 MB")
        progress.take(message("b", "Download complete", nil, nil))
        // Unpacking counts again from the beginning.
        progress.take(message("b", "Extracting", 500, 2_000_000))
        progress.take(message("a", "Downloading", 4_000_000, 10_000_000))
        #expect(progress.description == "6 of 12 MB")
    }

    @Test func anEngineErrorSaysWhatToDo() {
        let cases: [(EngineError.Code, String, RuntimeError.Code)] = [
            (.unreachable, "x", .unavailable), (.timedOut, "x", .startTimedOut), (.refused, "x", .startFailed),
            (.failed, "x", .startFailed), (.failed, "write: no space left on device", .diskFull),
        ]
        for (code, message, expected) in cases {
            #expect(RuntimeError(EngineError(code, message), trying: "do").code == expected)
        }
    }

    @Test func aRecordIsReadAsItWasWritten() throws {
        let path = "\(NSTemporaryDirectory())/record-\(UUID().uuidString)"
        let limits = ResourceLimits(
            cpuCores: 0.5,
            memoryBytes: 1 << 26,
            diskBytes: 1 << 21,
            maxProcesses: 9,
            maxOpenFiles: 99
        )
        let record = SandboxRecord(
            container: "c",
            owner: FileOwner(user: 7, group: 8),
            isUserOurs: true,
            limits: limits
        )
        try record.write(to: path)
        #expect(SandboxRecord.read(path) == record)
        #expect(SandboxRecord.read(path)?.limits == limits)
        try Data("{".utf8).write(to: URL(fileURLWithPath: path))
        #expect(SandboxRecord.read(path) == nil)
        #expect(SandboxRecord.read("/none") == nil)
        try FileManager.default.removeItem(atPath: path)
    }
}
