import Coordination
import Testing

extension CoordinationContract {
    func verifyCapacity(_ ledger: any CapacityLedger, flush: () async throws -> Void) async throws {
        func request(_ holder: String, _ amount: Int, on node: String = "n") -> CapacityRequest {
            CapacityRequest(node: node, holder: holder, amount: amount)
        }
        let isShort = self == .forgetsANodeAfterItsLifetime
        try await ledger.setCapacity(10, of: "n", lifetime: isShort ? short : long)
        switch self {
        case .reservesUpToTheCapacity:
            try await ledger.setCapacity(3, of: "m", lifetime: long)
            let requests = [
                request("a", 6), request("b", 5), request("c", 4), request("d", 1), request("a", 3, on: "m"),
                request("zero", 0),
            ]
            #expect(try await ledger.reserve(requests) == [.reserved, .full, .reserved, .full, .reserved, .reserved])
            let usage = NodeUsage(capacity: 10, reserved: 10, holderCount: 3)
            let other = NodeUsage(capacity: 3, reserved: 3, holderCount: 1)
            #expect(try await ledger.usage(of: ["m", "n"]) == [other, usage])

        case .reservesOncePerHolder:
            #expect(try await ledger.reserve([request("a", 6), request("a", 6)]) == [.reserved, .reserved])
            #expect(try await ledger.reserve([request("a", 9)]) == [.reserved])
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 10, reserved: 6, holderCount: 1)])

        case .releasesOncePerHolder:
            #expect(try await ledger.reserve([request("a", 6), request("b", 4)]) == [.reserved, .reserved])
            let holder = CapacityHolder(node: "n", name: "a")
            try await ledger.release([holder, holder, CapacityHolder(node: "unknown", name: "a")])
            try await ledger.release([holder])
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 10, reserved: 4, holderCount: 1)])
            #expect(try await ledger.reserve([request("c", 7), request("c", 6)]) == [.full, .reserved])

        case .knowsNoNodeBeforeItsCapacity:
            let requests = [request("a", 1, on: "unknown"), request("a", 1)]
            #expect(try await ledger.reserve(requests) == [.unknownNode, .reserved])
            #expect(try await ledger.usage(of: ["unknown"]) == [nil])

        case .forgetsANodeAfterItsLifetime:
            try await until { try await ledger.usage(of: ["n"]) == [nil] }
            #expect(try await ledger.reserve([request("a", 1)]) == [.unknownNode])

        case .forgetsNodesWithAFlush:
            #expect(try await ledger.reserve([request("a", 6)]) == [.reserved])
            try await flush()
            #expect(try await ledger.reserve([request("a", 6)]) == [.unknownNode])
            try await ledger.release([CapacityHolder(node: "n", name: "a")])
            #expect(try await ledger.usage(of: ["n"]) == [nil])

        case .startsAForgottenNodeFromItsHoldings:
            #expect(try await ledger.reserve([request("a", 6)]) == [.reserved])
            // The node is known: what it says that it holds may be older than the ledger.
            try await ledger.setCapacity(10, of: "n", holdings: ["late": 4], lifetime: long)
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 10, reserved: 6, holderCount: 1)])
            try await flush()
            try await ledger.setCapacity(10, of: "n", holdings: ["a": 6, "b": 3], lifetime: long)
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 10, reserved: 9, holderCount: 2)])
            #expect(try await ledger.reserve([request("a", 6), request("c", 2)]) == [.reserved, .full])
            try await ledger.release([CapacityHolder(node: "n", name: "a")])
            #expect(try await ledger.reserve([request("c", 7)]) == [.reserved])

        case .takesNothingWhenTheCapacityIsLowered:
            #expect(try await ledger.reserve([request("a", 6)]) == [.reserved])
            try await ledger.setCapacity(4, of: "n", lifetime: long)
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 4, reserved: 6, holderCount: 1)])
            #expect(try await ledger.reserve([request("b", 1), request("a", 6)]) == [.full, .reserved])

        default:
            let answers = try await withThrowingTaskGroup(of: [CapacityAnswer].self) { group in
                for number in 0..<50 {
                    group.addTask { try await ledger.reserve([request("holder \(number)", 3)]) }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(answers.filter { $0 == .reserved }.count == 3)
            #expect(answers.filter { $0 == .full }.count == 47)
            #expect(try await ledger.usage(of: ["n"]) == [NodeUsage(capacity: 10, reserved: 9, holderCount: 3)])
        }
    }
}
