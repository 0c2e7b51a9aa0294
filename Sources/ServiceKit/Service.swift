/// A long-lived part of a process: owns every task and thread that it starts.
public protocol Service: Sendable {
    /// Runs until the work is done, ``gracefulShutdown()`` has been asked and answered, or the task is cancelled.
    ///
    /// Inside a ``ServiceGroup``, returning before being asked, or throwing, stops the whole group.
    func run() async throws
}

enum ShutdownRequest {
    /// Fires when the group asks the service of this task to stop. `nil` outside of a group.
    @TaskLocal static var current: Signal?
}

/// Suspends until the group that runs this task asks its service to stop.
///
/// Outside of a group nobody asks: it then suspends until the task is cancelled.
/// - Throws: `CancellationError` when the task is cancelled first.
public func gracefulShutdown() async throws {
    try await (ShutdownRequest.current ?? Signal()).wait()
}
