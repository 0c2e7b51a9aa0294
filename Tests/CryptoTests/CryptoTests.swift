import Crypto
import Testing

@Suite struct CryptoTests {
    /// From FIPS 180-4 and its examples.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    ])
    func digestsAsTheStandardSays(_ text: String, _ digest: String) throws {
        #expect(Hexadecimal.encode(try SHA256.digest(of: Array(text.utf8))) == digest)
    }

    @Test func piecesGiveTheDigestOfTheWhole() throws {
        let bytes = (0..<1000).map { UInt8(truncatingIfNeeded: $0) }
        let hash = try SHA256()
        for start in stride(from: 0, to: 1000, by: 100) { try hash.update(Array(bytes[start..<start + 100])) }
        try bytes[0..<0].withUnsafeBytes { try hash.update($0) }
        #expect(try hash.finish() == SHA256.digest(of: bytes))
    }

    /// From RFC 4231.
    @Test(arguments: [
        (
            [UInt8](repeating: 0x0B, count: 20), "Hi There",
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), "what do ya want for nothing?",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131), "Test Using Larger Than Block-Size Key - Hash Key First",
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        ([], "", "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"),
    ])
    func authenticatesAsTheStandardSays(_ key: [UInt8], _ text: String, _ code: String) throws {
        #expect(Hexadecimal.encode(try HMACSHA256.code(for: Array(text.utf8), key: key)) == code)
        #expect(try HMACSHA256.isValid(Hexadecimal.decode(code) ?? [], for: Array(text.utf8), key: key))
        #expect(try !HMACSHA256.isValid(Hexadecimal.decode(code) ?? [], for: Array((text + "x").utf8), key: key))
    }

    @Test(
        arguments: [([], [], true), ([1], [1], true), ([1], [2], false), ([1], [1, 2], false), ([], [1], false)]
            as [([UInt8], [UInt8], Bool)]
    )
    func comparesBytes(_ left: [UInt8], _ right: [UInt8], _ isEqual: Bool) {
        #expect(ConstantTime.areEqual(left, right) == isEqual)
    }

    @Test func randomBytesDiffer() throws {
        let samples = try (0..<100).map { _ in try SecureRandom.bytes(16) }
        #expect(Set(samples).count == 100)
        #expect(samples.allSatisfy { $0.count == 16 })
        #expect(try SecureRandom.bytes(0).isEmpty)
    }

    @Test(
        arguments: [("", []), ("00ff10", [0, 255, 16]), ("ABcd", [0xAB, 0xCD]), ("0", nil), ("0g", nil), ("é0", nil)]
            as [(String, [UInt8]?)]
    )
    func readsHexadecimal(_ text: String, _ bytes: [UInt8]?) {
        #expect(Hexadecimal.decode(text) == bytes)
        if let bytes { #expect(Hexadecimal.encode(bytes) == text.lowercased()) }
    }
}
