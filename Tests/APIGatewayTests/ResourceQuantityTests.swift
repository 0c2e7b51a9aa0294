import Testing

@testable import APIGateway

@Suite struct ResourceQuantityTests {
    @Test(
        arguments: [
            ("1", 1000), ("0.5", 500), ("500m", 500), ("64", 64_000), ("0.0004", 1), ("0", nil), ("1000", 1_000_000),
            ("65537", nil),
            ("-1", nil), ("1e1", nil), (".5", nil), ("1.", nil), ("0x1", nil), ("inf", nil), ("", nil), ("1.2.3", nil),
        ] as [(String, Int?)]
    )
    func cores(_ text: String, _ millis: Int?) {
        #expect(ResourceQuantity.cpuMillis(text) == millis)
    }

    @Test(
        arguments: [
            ("512Mi", 536_870_912), ("1Gi", 1_073_741_824), ("2G", 2_000_000_000), ("1048576", 1_048_576),
            ("1.5Gi", 1_610_612_736), ("2048Ki", 2_097_152), ("1048575", nil), ("17Ti", 18_691_697_672_192),
            ("512MB", nil),
            ("Mi", nil),
            ("", nil), ("1 Gi", nil), ("9999999999999999999Gi", nil),
        ] as [(String, Int?)]
    )
    func bytes(_ text: String, _ bytes: Int?) {
        #expect(ResourceQuantity.bytes(text) == bytes)
    }
}
