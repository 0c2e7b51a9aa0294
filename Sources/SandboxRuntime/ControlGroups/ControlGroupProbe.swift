import Glibc

/// Which controllers may really be used here, found by making a group for each.
struct ControlGroupProbe: Sendable {
    /// Only the controllers that work.
    var layout = ControlGroupLayout()
    /// Why the others do not.
    var problems: [ControlGroupLayout.Controller: String] = [:]

    /// - Parameter isWanted: If not, no controller works.
    init(instance: String, hostCores: Int, isWanted: Bool) {
        guard isWanted else {
            for controller in ControlGroupLayout.Controller.allCases {
                self.problems[controller] = "control groups are switched off"
            }
            return
        }
        let found = ControlGroupLayout(
            mounts: TextFile.read("/proc/self/mountinfo") ?? "",
            membership: TextFile.read("/proc/self/cgroup") ?? "",
            v2Controllers: { TextFile.read("\($0)/cgroup.controllers") }
        )
        for controller in ControlGroupLayout.Controller.allCases {
            guard let place = found.places[controller] else {
                self.problems[controller] = "no hierarchy with the controller is mounted"
                continue
            }
            if place.version == .v2 { Self.vacate(place.directory) }
            var one = ControlGroupLayout()
            one.places[controller] = place
            let plan = ControlGroupPlan(
                layout: one,
                instance: instance,
                name: "probe",
                limits: ResourceLimits(cpuCores: 0.5),
                hostCores: max(1, hostCores)
            )
            do throws(RuntimeError) {
                _ = try ControlGroup.create(plan).remove()
                self.layout.places[controller] = place
            } catch {
                self.problems[controller] = "\(error)"
            }
        }
    }

    /// A v2 group that hands controllers on may hold no process itself, unless it is the root. Where we are alone in
    /// ours, as in a service of systemd with `Delegate=yes`, we move to a leaf.
    private static func vacate(_ directory: String) {
        guard let type = TextFile.read("\(directory)/cgroup.type"), type.hasPrefix("domain") else { return }
        let members = (TextFile.read("\(directory)/cgroup.procs") ?? "").split(separator: "\n")
        guard members == [Substring("\(getpid())")] else { return }
        let leaf = "\(directory)/server"
        guard mkdir(leaf, 0o755) == 0 || errno == EEXIST else { return }
        let number = Glibc.open("\(leaf)/cgroup.procs", O_WRONLY | O_CLOEXEC)
        guard number >= 0 else { return }
        let file = FileDescriptor(number)
        // If it fails, so does the probe, and tells why.
        _ = Glibc.write(file.number, "0", 1)
    }
}
