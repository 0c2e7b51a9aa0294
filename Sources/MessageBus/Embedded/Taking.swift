/// What a consumer that asks for deliveries is to do.
enum Taking: Sendable {
    case deliveries([Delivery])
    /// The consumer is behind what is in memory: read this, then report it.
    case read(LogRead)
    /// There will be none: stopped or closed.
    case ended
}

/// A part of a partition to be read from the database on behalf of a consumer.
struct LogRead: Sendable, Equatable {
    var partition: Int
    /// The first offset wanted.
    var start: Int64
    /// The first offset not wanted: from here on the messages are in memory, or not committed yet.
    var end: Int64
    var limit: Int
    /// Tells this read from one that was made obsolete.
    var epoch: UInt64
}

/// What a read found.
struct LogChunk: Sendable {
    var deliveries: [Delivery]
    /// Everything before this offset was looked at; what is not in `deliveries` is deleted.
    var end: Int64
}

/// Who takes messages from a topic.
enum ConsumerID: Sendable, Hashable {
    case member(group: Int, id: UInt64)
    case follower(id: UInt64)
}

/// A consumer's call that waits for something to take.
struct Waiter: Sendable {
    var id: UInt64
    var limit: Int
    var continuation: CheckedContinuation<Taking, any Error>
}

/// A waiting call and its answer, to be given outside of the lock.
struct Resumption: Sendable {
    var waiter: Waiter
    var answer: Result<Taking, any Error>

    init(_ waiter: Waiter, _ taking: Taking) {
        self.waiter = waiter
        self.answer = .success(taking)
    }

    func callAsFunction() { self.waiter.continuation.resume(with: self.answer) }
}
