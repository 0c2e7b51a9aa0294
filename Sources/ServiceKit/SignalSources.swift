import Dispatch
import Glibc

/// Turns Unix signals into calls of a handler, for as long as a group runs.
struct SignalSources {
    private let sources: [any DispatchSourceSignal]

    /// Returns when each signal is being watched: from then on none ends the process or is lost.
    static func install(_ signals: [Int32], _ handler: @escaping @Sendable (Int32) -> Void) async -> Self {
        let queue = DispatchQueue(label: "signals")
        var sources: [any DispatchSourceSignal] = []
        for signal in signals {
            let source = DispatchSource.makeSignalSource(signal: signal, queue: queue)
            source.setEventHandler { handler(signal) }
            await withCheckedContinuation { registered in
                source.setRegistrationHandler { registered.resume() }
                source.activate()
            }
            sources.append(source)
        }
        return Self(sources: sources)
    }

    func cancel() {
        for source in self.sources { source.cancel() }
    }
}
