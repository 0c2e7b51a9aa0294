/// Which owner of a partition a record comes from: a later owner's word counts, an earlier one's does not.
public struct Origin: Sendable, Hashable {
    /// Of the commands, events and state topics.
    public var partition: Int
    /// The offset of the owner's ``Claim`` in the state partition: higher for each later owner.
    public var epoch: Int64

    public init(partition: Int, epoch: Int64) {
        self.partition = partition
        self.epoch = epoch
    }
}
