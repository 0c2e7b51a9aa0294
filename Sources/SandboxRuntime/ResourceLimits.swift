/// Ceilings of one sandbox. Which of them are in force on a host is answered by ``RuntimeCapabilities``.
public struct ResourceLimits: Sendable, Equatable {
    /// Cores of processor time per second. As many as the host has, or more, means no limit. Defaults to 1.
    public var cpuCores: Double
    /// Bytes of memory of all processes together. Defaults to 512 MiB.
    public var memoryBytes: Int64
    /// Bytes of a single file, and what ``WorkspaceDirectory/usage(limit:)`` is compared with. Defaults to 1 GiB.
    public var diskBytes: Int64
    /// Processes and threads at the same time, the agent's and warm interpreters' included. Defaults to 256.
    public var maxProcesses: Int
    /// Descriptors of one process. Defaults to 1024.
    public var maxOpenFiles: Int

    public init(
        cpuCores: Double = 1,
        memoryBytes: Int64 = 512 << 20,
        diskBytes: Int64 = 1 << 30,
        maxProcesses: Int = 256,
        maxOpenFiles: Int = 1024
    ) {
        self.cpuCores = cpuCores
        self.memoryBytes = memoryBytes
        self.diskBytes = diskBytes
        self.maxProcesses = maxProcesses
        self.maxOpenFiles = maxOpenFiles
    }

    /// Refuses what no host could mean.
    ///
    /// - Throws: ``RuntimeError/Code/invalidSpec`` naming the field.
    package func validate() throws(RuntimeError) {
        func require(_ isValid: Bool, _ problem: String) throws(RuntimeError) {
            guard isValid else { throw RuntimeError(.invalidSpec, problem) }
        }
        try require(self.cpuCores.isFinite && self.cpuCores >= 0.01, "cpuCores must be 0.01 or more")
        try require(self.memoryBytes >= 16 << 20, "memoryBytes must be 16 MiB or more")
        try require(self.diskBytes >= 1 << 20, "diskBytes must be 1 MiB or more")
        try require(self.maxProcesses >= 8, "maxProcesses must be 8 or more")
        try require(self.maxOpenFiles >= 32, "maxOpenFiles must be 32 or more")
    }
}
