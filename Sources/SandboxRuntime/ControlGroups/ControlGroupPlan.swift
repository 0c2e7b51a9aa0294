/// What to write where, so that one sandbox has its limits. Pure.
package struct ControlGroupPlan: Sendable, Equatable {
    typealias Controller = ControlGroupLayout.Controller

    struct Setting: Sendable, Equatable {
        var path: String
        var value: String
        /// Whether its absence is no failure: swap accounting, for one.
        var isOptional = false
    }

    /// Made once, from the outside in, with what is written into them then.
    var parents: [String]
    var parentSettings: [Setting]
    /// The sandbox's own, each to be joined.
    var groups: [String]
    var settings: [Setting]
    /// Counts kills for want of memory; empty if nothing does.
    var memoryEvents: String
    var enforcement: [Controller: RuntimeCapabilities.Enforcement]

    /// - Parameters:
    ///   - instance: Names the parent of all groups of one runtime.
    ///   - hostCores: A processor limit of as many or more is none.
    init(layout: ControlGroupLayout, instance: String, name: String, limits: ResourceLimits, hostCores: Int) {
        self.parents = []
        self.parentSettings = []
        self.groups = []
        self.settings = []
        self.memoryEvents = ""
        self.enforcement = [:]
        for controller in Controller.allCases {
            guard let place = layout.places[controller] else { continue }
            let parent = "\(place.directory)/\(instance)"
            let group = "\(parent)/\(name)"
            if !self.parents.contains(parent) { self.parents.append(parent) }
            if !self.groups.contains(group) { self.groups.append(group) }
            switch place.version {
            case .v1:
                self.enforcement[controller] = .cgroupV1
                self.settings += Self.v1(controller, group: group, limits: limits, hostCores: hostCores)
                if controller == .memory { self.memoryEvents = "\(group)/memory.oom_control" }
            case .v2:
                self.enforcement[controller] = .cgroupV2
                for directory in [place.directory, parent] {
                    let path = "\(directory)/cgroup.subtree_control"
                    self.parentSettings.append(Setting(path: path, value: "+\(controller.rawValue)"))
                }
                self.settings += Self.v2(controller, group: group, limits: limits, hostCores: hostCores)
                if controller == .memory { self.memoryEvents = "\(group)/memory.events" }
            }
        }
    }

    private static let period: Int64 = 100_000

    /// Microseconds of each period; `nil` for no limit.
    private static func quota(_ limits: ResourceLimits, _ hostCores: Int) -> Int64? {
        guard limits.cpuCores < Double(hostCores) else { return nil }
        // Below 1 ms the kernel refuses.
        return max(1000, Int64(limits.cpuCores * Double(Self.period)))
    }

    private static func v1(
        _ controller: Controller,
        group: String,
        limits: ResourceLimits,
        hostCores: Int
    ) -> [Setting] {
        switch controller {
        case .memory:
            // First without, then with swap: the second may never be below the first. To lower both, the executor
            // tries the list again in reverse.
            [
                Setting(path: "\(group)/memory.limit_in_bytes", value: "\(limits.memoryBytes)"),
                Setting(path: "\(group)/memory.memsw.limit_in_bytes", value: "\(limits.memoryBytes)", isOptional: true),
            ]
        case .cpu:
            [
                Setting(path: "\(group)/cpu.cfs_period_us", value: "\(Self.period)"),
                Setting(path: "\(group)/cpu.cfs_quota_us", value: "\(Self.quota(limits, hostCores) ?? -1)"),
            ]
        case .pids:
            [Setting(path: "\(group)/pids.max", value: "\(limits.maxProcesses)")]
        }
    }

    private static func v2(
        _ controller: Controller,
        group: String,
        limits: ResourceLimits,
        hostCores: Int
    ) -> [Setting] {
        switch controller {
        case .memory:
            [
                Setting(path: "\(group)/memory.max", value: "\(limits.memoryBytes)"),
                Setting(path: "\(group)/memory.swap.max", value: "0", isOptional: true),
            ]
        case .cpu:
            [
                Setting(
                    path: "\(group)/cpu.max",
                    value: "\(Self.quota(limits, hostCores).map(String.init) ?? "max") \(Self.period)"
                )
            ]
        case .pids:
            [Setting(path: "\(group)/pids.max", value: "\(limits.maxProcesses)")]
        }
    }

    /// How often a process was killed for want of memory, from the text of ``memoryEvents`` of either version.
    package static func killCount(in events: String) -> Int {
        for line in events.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields.count == 2, fields[0] == "oom_kill" { return Int(fields[1]) ?? 0 }
        }
        return 0
    }
}
