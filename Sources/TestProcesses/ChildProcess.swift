import Dispatch
import Glibc
import ServiceKit
public import TestSpawn

/// A program that was started, with all that it prints.
///
/// Reading and waiting happen on threads of its own; nothing here blocks the caller.
public final class ChildProcess: Sendable {
    private struct State {
        var output: [UInt8] = []
        var errors: [UInt8] = []
        var end: ProgramEnd?
        var watchers: [(text: String, found: Signal)] = []
    }

    public let pid: Int32
    private let state = Locked(State())
    /// Fires when the process is gone and both of its streams have been read to their ends.
    private let ended = Signal()

    /// - Parameter input: What it finds on standard input.
    public init(
        _ program: String,
        _ arguments: [String],
        environment: [String: String] = [:],
        input: String? = nil,
        directory: String? = nil
    ) throws {
        let (output, errors) = (try DescriptorPair(), try DescriptorPair())
        let stdin = try input.map { _ in try DescriptorPair() }
        let started = Result {
            try SpawnedProgram(
                program,
                arguments,
                environment: Programs.environment.merging(environment) { $1 },
                directory: directory,
                input: stdin?.reading,
                output: output.writing,
                errors: errors.writing
            )
        }
        close(output.writing)
        close(errors.writing)
        if let stdin, let input {
            // Small texts: the pipe takes them whole.
            _ = Array(input.utf8).withUnsafeBytes { write(stdin.writing, $0.baseAddress, $0.count) }
            stdin.close()
        }
        let process = try started.get()
        self.pid = process.pid
        let outputEnd = try self.read(output.reading, into: \.output)
        let errorsEnd = try self.read(errors.reading, into: \.errors)
        try DedicatedThread.start(name: "child-end") { [state, ended] in
            outputEnd.wait()
            errorsEnd.wait()
            let end = process.wait()
            let watchers = state.withLock { state in
                state.end = end
                return state.watchers
            }
            for watcher in watchers { watcher.found.fire() }
            ended.fire()
        }
    }

    private func read(
        _ descriptor: Int32,
        into stream: any (WritableKeyPath<State, [UInt8]> & Sendable)
    ) throws -> DispatchSemaphore {
        let end = DispatchSemaphore(value: 0)
        try DedicatedThread.start(name: "child-output") { [state] in
            while case let chunk = DescriptorPair.read(descriptor), !chunk.isEmpty {
                let found = state.withLock { state in
                    state[keyPath: stream] += chunk
                    guard !state.watchers.isEmpty else { return [(text: String, found: Signal)]() }
                    let text = String(decoding: state.errors, as: UTF8.self)
                    defer { state.watchers.removeAll { text.contains($0.text) } }
                    return state.watchers.filter { text.contains($0.text) }
                }
                for watcher in found { watcher.found.fire() }
            }
            close(descriptor)
            end.signal()
        }
        return end
    }

    public var output: String { self.state.withLock { String(decoding: $0.output, as: UTF8.self) } }
    public var errors: String { self.state.withLock { String(decoding: $0.errors, as: UTF8.self) } }
    public var isRunning: Bool { !self.ended.isFired }

    public func send(_ signal: Int32) { if self.isRunning { kill(self.pid, signal) } }

    /// Waits until it is gone.
    @discardableResult
    public func end() async throws -> ProgramEnd {
        try await self.ended.wait()
        guard let end = self.state.withLock({ $0.end }) else { throw Unexpected("an end without a status") }
        return end
    }

    /// Waits until it has printed the text to standard error.
    ///
    /// - Throws: ``Unexpected`` if it ends without.
    public func prints(_ text: String) async throws {
        let found = Signal()
        let isThere = self.state.withLock { state in
            if String(decoding: state.errors, as: UTF8.self).contains(text) { return true }
            state.watchers.append((text, found))
            return false
        }
        if !isThere, self.isRunning { try await found.wait() }
        guard self.errors.contains(text) else {
            throw Unexpected("it ended, and never printed \"\(text)\" but: \(self.errors)")
        }
    }
}

/// What happened instead of what a test needed.
public struct Unexpected: Error, CustomStringConvertible {
    public var description: String
    public init(_ description: String) { self.description = description }
}
