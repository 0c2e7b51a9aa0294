import Testing

@testable import SandboxRuntime

@Suite struct ControlGroupPlanTests {
    private let limits = ResourceLimits(cpuCores: 0.5, memoryBytes: 1 << 28, maxProcesses: 99)

    private func plan(
        _ version: ControlGroupLayout.Version,
        separate: Bool,
        limits: ResourceLimits? = nil
    ) -> ControlGroupPlan {
        var layout = ControlGroupLayout()
        for controller in ControlGroupLayout.Controller.allCases {
            layout.places[controller] = .init(version: version, directory: separate ? "/cg/\(controller)" : "/cg")
        }
        return ControlGroupPlan(
            layout: layout,
            instance: "sandbox-1",
            name: "s",
            limits: limits ?? self.limits,
            hostCores: 2
        )
    }

    @Test func setsEachControllerOfVersion1InItsHierarchy() {
        let plan = self.plan(.v1, separate: true)
        #expect(plan.parents == ["/cg/memory/sandbox-1", "/cg/cpu/sandbox-1", "/cg/pids/sandbox-1"])
        #expect(plan.parentSettings.isEmpty)
        #expect(plan.groups == ["/cg/memory/sandbox-1/s", "/cg/cpu/sandbox-1/s", "/cg/pids/sandbox-1/s"])
        #expect(
            plan.settings == [
                .init(path: "/cg/memory/sandbox-1/s/memory.limit_in_bytes", value: "268435456"),
                .init(path: "/cg/memory/sandbox-1/s/memory.memsw.limit_in_bytes", value: "268435456", isOptional: true),
                .init(path: "/cg/cpu/sandbox-1/s/cpu.cfs_period_us", value: "100000"),
                .init(path: "/cg/cpu/sandbox-1/s/cpu.cfs_quota_us", value: "50000"),
                .init(path: "/cg/pids/sandbox-1/s/pids.max", value: "99"),
            ]
        )
        #expect(plan.memoryEvents == "/cg/memory/sandbox-1/s/memory.oom_control")
        #expect(plan.enforcement == [.memory: .cgroupV1, .cpu: .cgroupV1, .pids: .cgroupV1])
    }

    @Test func setsAllControllersOfVersion2InOneGroup() {
        let plan = self.plan(.v2, separate: false)
        #expect(plan.parents == ["/cg/sandbox-1"])
        #expect(plan.groups == ["/cg/sandbox-1/s"])
        #expect(
            plan.parentSettings.map { "\($0.path) \($0.value)" } == [
                "/cg/cgroup.subtree_control +memory", "/cg/sandbox-1/cgroup.subtree_control +memory",
                "/cg/cgroup.subtree_control +cpu", "/cg/sandbox-1/cgroup.subtree_control +cpu",
                "/cg/cgroup.subtree_control +pids", "/cg/sandbox-1/cgroup.subtree_control +pids",
            ]
        )
        #expect(
            plan.settings == [
                .init(path: "/cg/sandbox-1/s/memory.max", value: "268435456"),
                .init(path: "/cg/sandbox-1/s/memory.swap.max", value: "0", isOptional: true),
                .init(path: "/cg/sandbox-1/s/cpu.max", value: "50000 100000"),
                .init(path: "/cg/sandbox-1/s/pids.max", value: "99"),
            ]
        )
        #expect(plan.memoryEvents == "/cg/sandbox-1/s/memory.events")
    }

    @Test(arguments: [(2.0, "-1", "max"), (8, "-1", "max"), (1.99, "199000", "199000"), (0.01, "1000", "1000")])
    func limitsProcessorsBelowThoseOfTheHost(_ cores: Double, _ v1: String, _ v2: String) {
        let limits = ResourceLimits(cpuCores: cores)
        let old = self.plan(.v1, separate: true, limits: limits).settings.first { $0.path.hasSuffix("quota_us") }
        #expect(old?.value == v1)
        let new = self.plan(.v2, separate: false, limits: limits).settings.first { $0.path.hasSuffix("cpu.max") }
        #expect(new?.value == "\(v2) 100000")
    }

    @Test(arguments: [
        ("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", 3), ("low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\n", 1), ("", 0),
        ("oom_kill x\n", 0),
    ])
    func readsTheCountOfKills(_ text: String, _ count: Int) {
        #expect(ControlGroupPlan.killCount(in: text) == count)
    }
}
