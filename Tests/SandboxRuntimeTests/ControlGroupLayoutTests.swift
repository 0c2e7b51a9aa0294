import Testing

@testable import SandboxRuntime

@Suite struct ControlGroupLayoutTests {
    @Test func findsVersion1InSeparateHierarchies() {
        let layout = ControlGroupLayout(
            mounts: """
                24 20 0:21 / /sys/fs/cgroup rw - tmpfs tmpfs rw,mode=755
                31 24 0:27 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
                32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
                33 24 0:29 / /sys/fs/cgroup/pids rw,relatime - cgroup cgroup rw,pids
                34 24 0:30 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup rw
                """,
            membership: "8:pids:/\n4:memory:/service/one\n2:cpu,cpuacct:/\n0::/\n",
            v2Controllers: { _ in "" }
        )
        #expect(
            layout.places == [
                .memory: .init(version: .v1, directory: "/sys/fs/cgroup/memory/service/one"),
                .cpu: .init(version: .v1, directory: "/sys/fs/cgroup/cpu,cpuacct"),
                .pids: .init(version: .v1, directory: "/sys/fs/cgroup/pids"),
            ]
        )
    }

    @Test func findsVersion2WithTheControllersThatAreHandedOn() {
        let layout = ControlGroupLayout(
            mounts: "29 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n",
            membership: "0::/system.slice/sandbox.service\n",
            v2Controllers: { $0 == "/sys/fs/cgroup/system.slice/sandbox.service" ? "cpuset cpu memory\n" : nil }
        )
        let place = ControlGroupLayout.Place(
            version: .v2,
            directory: "/sys/fs/cgroup/system.slice/sandbox.service"
        )
        #expect(layout.places == [.cpu: place, .memory: place])
    }

    @Test(arguments: [
        // A container that sees its own part only.
        ("/docker/abc", "/docker/abc", "/sys/fs/cgroup/memory"),
        ("/docker/abc", "/docker/abc/inner", "/sys/fs/cgroup/memory/inner"),
        // A control group namespace.
        ("/docker/abc", "/", "/sys/fs/cgroup/memory"),
    ])
    func findsItsPlaceInAContainer(_ root: String, _ own: String, _ expected: String) {
        let layout = ControlGroupLayout(
            mounts: "31 24 0:27 \(root) /sys/fs/cgroup/memory ro - cgroup cgroup rw,memory",
            membership: "4:memory:\(own)",
            v2Controllers: { _ in nil }
        )
        #expect(layout.places[.memory]?.directory == expected)
    }

    @Test func findsNothingInNonsense() {
        let layout = ControlGroupLayout(
            mounts: "x - y\n\n - cgroup\n1 2 3",
            membership: "a:b",
            v2Controllers: { _ in nil }
        )
        #expect(layout.places.isEmpty)
    }
}
