import TestProcesses
import Testing

/// Whole clusters whose parts are killed, paused and cut off. One after another: each has the machine to itself.
@Suite(.serialized, .enabled(if: Cluster.obstacle == nil, "\(Cluster.obstacle ?? "")")) enum ClusterUnderFire {}
