/// Suspends until `condition` holds, for what no event tells of. Ends with the test's time limit.
func until(_ condition: () async throws -> Bool) async throws {
    while try await !condition() {
        try Task.checkCancellation()
        await Task.yield()
    }
}
