import SandboxRuntime
import Testing

@Suite struct WorkspacePathTests {
    @Test(arguments: [
        ("a", ["a"]), ("a/b.txt", ["a", "b.txt"]), ("a//b/", ["a", "b"]), ("./a", ["a"]), ("..a", ["..a"]),
        ("a..b", ["a..b"]), (".hidden", [".hidden"]), ("é/日本", ["é", "日本"]), ("a b", ["a b"]), ("a\\b", ["a\\b"]),
        // A combining mark after the slash is no reason to see one component.
        ("a/\u{301}b", ["a", "\u{301}b"]),
    ])
    func acceptsRelativePaths(_ path: String, _ components: [String]) throws {
        let parsed = try WorkspacePath(path)
        #expect(parsed.components.map { Array($0.utf8) } == components.map { Array($0.utf8) })
        #expect(parsed.name == components.last)
    }

    @Test(arguments: [
        "", "/", "/etc/passwd", "..", "../a", "a/../b", "a/..", "./..", ".", "./.", "a\0b", "a\nb", "a\u{7f}",
        "a\u{85}b",
        String(repeating: "a", count: 256), String(repeating: "a/", count: 513),
        // Absolute by its bytes, whatever the mark that follows.
        "/\u{301}etc", "..\u{2f}x",
    ])
    func refusesOtherPaths(_ path: String) {
        let error = #expect(throws: RuntimeError.self) { _ = try WorkspacePath(path) }
        #expect(error?.code == .invalidPath)
        #expect(error?.message.isEmpty == false)
    }
}
