/// Asks again and again until the answer is there. For what other processes do, which nobody tells.
///
/// - Throws: ``Unexpected`` when `patience` is over.
public func eventually<T: Sendable>(
    _ what: @autoclosure () -> String,
    within patience: Duration = .seconds(120),
    _ ask: () async throws -> T?
) async throws -> T {
    let deadline = ContinuousClock.now + patience
    while true {
        if let answer = try await ask() { return answer }
        guard ContinuousClock.now < deadline else { throw Unexpected("not within \(patience): \(what())") }
        try await Task.sleep(for: .milliseconds(10))
    }
}
