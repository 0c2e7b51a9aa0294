import Glibc

/// The control groups of one sandbox, as a plan says. All calls block briefly.
struct ControlGroup: Sendable {
    let plan: ControlGroupPlan

    /// Makes the groups with their limits. If it throws, nothing of them is left.
    static func create(_ plan: ControlGroupPlan) throws(RuntimeError) -> ControlGroup {
        let group = ControlGroup(plan: plan)
        for parent in plan.parents { try makeDirectory(parent) }
        for setting in plan.parentSettings { try write(setting) }
        do {
            for directory in plan.groups { try makeDirectory(directory) }
            try group.apply(plan.settings)
        } catch {
            _ = group.remove()
            throw error
        }
        return group
    }

    /// Writes settings; a pair of limits that depend on one another is tried in both orders.
    func apply(_ settings: [ControlGroupPlan.Setting]) throws(RuntimeError) {
        var failed: [ControlGroupPlan.Setting] = []
        for setting in settings {
            do throws(RuntimeError) { try Self.write(setting) } catch { failed.append(setting) }
        }
        for setting in failed.reversed() { try Self.write(setting) }
    }

    /// Descriptors to which a process writes `0` to enter.
    func openForJoining() throws(RuntimeError) -> [FileDescriptor] {
        var descriptors: [FileDescriptor] = []
        for directory in self.plan.groups {
            let path = "\(directory)/cgroup.procs"
            let number = Glibc.open(path, O_WRONLY | O_CLOEXEC)
            guard number >= 0 else {
                throw RuntimeError(.startFailed, "cannot open \(path)", cause: SystemError.last(in: "open"))
            }
            descriptors.append(FileDescriptor(number))
        }
        return descriptors
    }

    /// How often a process in it was killed for want of memory.
    func killCount() -> Int {
        guard !self.plan.memoryEvents.isEmpty else { return 0 }
        return ControlGroupPlan.killCount(in: TextFile.read(self.plan.memoryEvents) ?? "")
    }

    /// Kills what is left in the groups and removes them. What remains is told, and can be tried again.
    func remove() -> LeftoverReport {
        var report = LeftoverReport()
        for directory in self.plan.groups { Self.remove(directory, into: &report) }
        return report
    }

    /// Removes one group with all beneath it.
    static func remove(_ directory: String, into report: inout LeftoverReport) {
        for child in TextFile.directories(in: directory) { Self.remove("\(directory)/\(child)", into: &report) }
        // A process that is being killed keeps its group busy for some microseconds, or milliseconds under load.
        for round in 0..<200 {
            if rmdir(directory) == 0 {
                report.groupsRemoved += 1
                return
            }
            if errno == ENOENT { return }
            let error = SystemError.last(in: "rmdir")
            guard error.number == EBUSY else {
                report.failures.append("\(directory): \(error)")
                return
            }
            for line in (TextFile.read("\(directory)/cgroup.procs") ?? "").split(separator: "\n") {
                guard let pid = pid_t(line), pid > 1 else { continue }
                if kill(pid, SIGKILL) == 0, round == 0 { report.processesKilled += 1 }
            }
            usleep(round < 10 ? 100 : 5000)
        }
        report.failures.append("\(directory): still busy after a second")
    }

    private static func makeDirectory(_ path: String) throws(RuntimeError) {
        guard mkdir(path, 0o755) != 0, errno != EEXIST else { return }
        throw RuntimeError(.startFailed, "cannot make the control group \(path)", cause: SystemError.last(in: "mkdir"))
    }

    private static func write(_ setting: ControlGroupPlan.Setting) throws(RuntimeError) {
        let number = Glibc.open(setting.path, O_WRONLY | O_CLOEXEC)
        if number < 0, setting.isOptional, errno == ENOENT { return }
        guard number >= 0 else {
            throw RuntimeError(.unsupported, "cannot open \(setting.path)", cause: SystemError.last(in: "open"))
        }
        let file = FileDescriptor(number)
        let bytes = Array(setting.value.utf8)
        guard Glibc.write(file.number, bytes, bytes.count) == bytes.count else {
            let error = SystemError.last(in: "write")
            throw RuntimeError(.unsupported, "cannot set \(setting.path) to \(setting.value)", cause: error)
        }
    }
}
