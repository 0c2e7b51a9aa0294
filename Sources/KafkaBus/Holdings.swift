/// The partitions that a member owns, and how far it is in them.
///
/// Of what it does not own it tells the group nothing. A member that stood still for too long has been put out of its
/// group; until it is in again, a broker takes what it commits for the word of a second process of the same name, and
/// fences it for good.
struct Holdings: Sendable, Equatable {
    private var owned: Set<Int> = []
    private var notes: [PartitionList.Entry: Int64] = [:]

    func owns(_ partition: Int) -> Bool { self.owned.contains(partition) }

    mutating func gain(_ partitions: [Int]) { self.owned.formUnion(partitions) }

    mutating func drop(_ partitions: [Int]) {
        self.owned.subtract(partitions)
        self.notes = self.notes.filter { self.owned.contains($0.key.partition) }
    }

    /// Everything before `next` is consumed. Work on a partition may end after it is gone: that is not noted.
    mutating func note(_ next: Int64, of topic: String, partition: Int) {
        guard self.owned.contains(partition) else { return }
        self.notes[PartitionList.Entry(topic: topic, partition: partition)] = next
    }

    /// What was noted since the last call, as entries with offsets.
    mutating func takeNotes() -> [PartitionList.Entry] {
        defer { self.notes = [:] }
        return self.notes.map {
            PartitionList.Entry(topic: $0.key.topic, partition: $0.key.partition, offset: $0.value)
        }
    }
}
