import HTTPServer
import JSON

@testable import APIGateway

/// What parsers find wrong, as `place type`.
enum Faults {
    static func request(_ body: String) -> HTTPRequest {
        HTTPRequest(.post, "/", body: .buffered(Array(body.utf8)))
    }

    /// The faults of the 422 that `body` makes; empty if it makes none.
    static func of(_ body: () throws -> Void) -> [String] {
        do {
            try body()
            return []
        } catch {
            let answer = APIError(error)
            guard answer.status == 422 else { return ["status \(answer.status)"] }
            return answer.faults.map { fault in
                let place = fault.path.map { element in
                    switch element {
                    case .key(let key): key
                    case .index(let index): "\(index)"
                    }
                }.joined(separator: ".")
                return "\(place) \(fault.code)"
            }
        }
    }
}
