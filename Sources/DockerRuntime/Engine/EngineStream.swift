internal import Foundation
import HTTPClient

/// An answer of one JSON object after the other, as they come.
final class EngineStream: Sendable {
    private let stream: HTTPClientStream
    private let host: DockerHost

    init(stream: HTTPClientStream, host: DockerHost) {
        self.stream = stream
        self.host = host
    }

    /// Hands over each object until the stream ends, the task is cancelled, or `take` returns `false`.
    func forEach<Item: Decodable>(
        _ type: Item.Type,
        _ take: (Item) async -> Bool
    ) async throws(EngineError) {
        var line: [UInt8] = []
        while let piece = try await self.next() {
            for byte in piece {
                guard byte == UInt8(ascii: "\n") else {
                    line.append(byte)
                    continue
                }
                defer { line.removeAll(keepingCapacity: true) }
                guard !line.allSatisfy({ $0 == UInt8(ascii: "\r") }) else { continue }
                guard try await take(Self.decode(line)) else { return }
            }
            guard line.count < 1 << 20 else { throw EngineError(.notUnderstood, "a line without an end") }
        }
    }

    private func next() async throws(EngineError) -> [UInt8]? {
        do throws(HTTPClientError) {
            return try await self.stream.next()
        } catch {
            throw EngineError(error, host: self.host)
        }
    }

    private static func decode<Item: Decodable>(_ line: [UInt8]) throws(EngineError) -> Item {
        do {
            return try JSONDecoder().decode(Item.self, from: Data(line))
        } catch {
            throw EngineError(.notUnderstood, "a message of the Docker daemon is not understood", cause: error)
        }
    }
}
