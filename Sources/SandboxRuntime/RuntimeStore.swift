import Glibc
import ServiceKit

/// The state directory of one runtime. All calls block briefly.
package final class RuntimeStore: Sendable {
    /// Names our control groups: the same in each process that uses this directory, and no other's.
    package let instance: String
    package let directory: String
    /// Holds the lock.
    private let lock: Locked<FileDescriptor?>

    /// - Throws: ``RuntimeError/Code/unavailable`` if a living process has it, ``RuntimeError/Code/fileFailed``.
    package init(directory: String) throws(RuntimeError) {
        try TextFile.makeDirectories(directory, mode: 0o755)
        guard let real = realpath(directory, nil) else {
            throw RuntimeError(.fileFailed, "cannot find \(directory)", cause: SystemError.last(in: "realpath"))
        }
        defer { free(real) }
        self.directory = String(cString: real)
        // FNV-1a: short, and the same tomorrow.
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in self.directory.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        self.instance = "sandbox-" + String(hash, radix: 16)
        let number = Glibc.open("\(self.directory)/lock", O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard number >= 0 else {
            throw RuntimeError(.fileFailed, "cannot open \(directory)/lock", cause: SystemError.last(in: "open"))
        }
        self.lock = Locked(FileDescriptor(number))
        guard flock(number, LOCK_EX | LOCK_NB) == 0 else {
            throw RuntimeError(.unavailable, "another process uses \(directory)", cause: SystemError.last(in: "flock"))
        }
    }

    /// Notes where our groups are, for a successor whose own group may be another.
    func remember(_ layout: ControlGroupLayout) throws(RuntimeError) {
        let parents = Set(layout.places.values.map { "\($0.directory)/\(self.instance)" }).union(self.remembered)
        let existing = parents.filter { access($0, F_OK) == 0 }
        try TextFile.write(Array(existing.sorted().joined(separator: "\n").utf8), to: "\(self.directory)/groups")
    }

    /// Removes groups of sandboxes that nobody knows, with the processes in them.
    ///
    /// - Parameters:
    ///   - removesParents: Only while no sandbox can start: it makes its group in them.
    ///   - isKnown: Asked after the groups are listed: a sandbox is known before its group is made, so that one which
    ///     starts meanwhile is spared.
    func removeGroups(removesParents: Bool, isKnown: (String) -> Bool) -> LeftoverReport {
        var report = LeftoverReport()
        for parent in self.remembered where parent.hasSuffix("/\(self.instance)") {
            let names = TextFile.directories(in: parent)
            for name in names where !isKnown(name) { ControlGroup.remove("\(parent)/\(name)", into: &report) }
            // Fails while a sandbox has its group in it, as it should.
            if removesParents { rmdir(parent) }
        }
        return report
    }

    /// Lets another process have the directory.
    package func close() {
        self.lock.withLock { lock in
            // Said aloud: a process that is just being started may hold a copy of the descriptor for a moment.
            if let lock { flock(lock.number, LOCK_UN) }
            lock = nil
        }
    }

    private var remembered: [String] {
        (TextFile.read("\(self.directory)/groups") ?? "").split(separator: "\n").map(String.init)
    }
}
