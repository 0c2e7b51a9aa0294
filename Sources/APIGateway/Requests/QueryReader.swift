import HTTPServer
import JSON

/// Reads query parameters by the rules of FastAPI: the last of a name counts, and all faults are told at once.
struct QueryReader {
    private let items: [(name: String, value: String)]
    private var faults: [JSONFieldFault] = []

    init(_ request: HTTPRequest) {
        self.items = request.queryItems
    }

    func text(_ name: String) -> String? { self.items.last { $0.name == name }?.value }

    mutating func int(_ name: String, in range: ClosedRange<Int>, default value: Int) -> Int {
        guard let number = self.whole(name) else { return value }
        return self.check(number, name, range.lowerBound, range.upperBound) ? number : value
    }

    /// `limit`, taken into the allowed range rather than refused.
    mutating func limit() -> Int {
        guard let number = self.whole("limit") else { return 50 }
        return min(max(number, Limits.page.lowerBound), Limits.page.upperBound)
    }

    /// `offset`, 0 by default.
    mutating func offset() -> Int {
        guard let number = self.whole("offset") else { return 0 }
        return self.check(number, "offset", 0, nil) ? number : 0
    }

    mutating func double(_ name: String, in range: ClosedRange<Double>, default value: Double) -> Double {
        guard let text = self.text(name) else { return value }
        guard let number = LaxNumber.double(ofText: text) else {
            self.fault(.floatParsing, name)
            return value
        }
        guard number.isFinite else {
            self.fault(.finiteNumber, name)
            return value
        }
        return self.check(number, name, range.lowerBound, range.upperBound) ? number : value
    }

    mutating func fault(_ code: JSONFieldFault.Code, _ name: String, _ message: String? = nil) {
        self.faults.append(JSONFieldFault(code, at: ["query", .key(name)], message))
    }

    /// - Throws: ``APIError`` with every fault, if there is one.
    func finish() throws(APIError) {
        if !self.faults.isEmpty { throw .invalid(self.faults) }
    }

    private mutating func whole(_ name: String) -> Int? {
        guard let text = self.text(name) else { return nil }
        switch LaxNumber.whole(ofText: text) {
        case .int(let number): return number
        case .tooLarge(let isNegative): return isNegative ? Int.min : Int.max
        case .wrong(let code):
            self.fault(code, name)
            return nil
        }
    }

    private mutating func check<Number: Comparable>(
        _ number: Number,
        _ name: String,
        _ lowest: Number,
        _ highest: Number?
    ) -> Bool {
        if number < lowest {
            self.fault(.greaterThanEqual, name, "Input should be greater than or equal to \(Self.shown(lowest))")
            return false
        }
        if let highest, number > highest {
            self.fault(.lessThanEqual, name, "Input should be less than or equal to \(Self.shown(highest))")
            return false
        }
        return true
    }

    private static func shown(_ bound: some Comparable) -> String {
        guard let number = bound as? Double, number == number.rounded() else { return "\(bound)" }
        return "\(Int(number))"
    }
}
