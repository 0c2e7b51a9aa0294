import SandboxRuntime
import Testing

@Suite struct SandboxIDTests {
    @Test(arguments: ["a", "A-1_b.c", String(repeating: "x", count: 128)])
    func acceptsSafeFileNames(_ text: String) throws {
        #expect(try SandboxID(text).rawValue == text)
    }

    @Test(arguments: ["", ".", "..", ".a", "a/b", "a b", "é", "a\0", String(repeating: "x", count: 129)])
    func refusesOtherNames(_ text: String) {
        let error = #expect(throws: RuntimeError.self) { _ = try SandboxID(text) }
        #expect(error?.code == .invalidSpec)
    }
}
