import Testing

@testable import SandboxRuntime

@Suite struct BubblewrapArgumentsTests {
    private var arguments = BubblewrapArguments(
        root: [.directory(source: "/usr", name: "usr"), .link(target: "usr/bin", name: "bin")],
        etc: "/state/etc",
        visible: [("/stage/x", "/opt/x")],
        hidden: ["/usr/local"],
        empty: "/state/empty",
        workspace: "/s/workspace",
        temporary: "/s/tmp",
        agent: "/a",
        hasNetwork: false
    )

    @Test func isolatesEverything() {
        let list = self.arguments.list
        for flag in [
            "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--as-pid-1",
            "--new-session",
        ] {
            #expect(list.contains(flag), "\(flag)")
        }
        // Killed while it starts, bwrap would leave a child behind that waits for it for ever.
        #expect(!list.contains("--die-with-parent"))
        let text = list.joined(separator: " ")
        #expect(text.contains("--uid 1000 --gid 1000") && text.contains("--cap-drop ALL"))
        #expect(text.contains("--ro-bind /usr /usr --symlink usr/bin /bin --ro-bind /state/empty /usr/local"))
        #expect(text.contains("--ro-bind /stage/x /opt/x --ro-bind /state/etc /etc"))
        #expect(text.contains("--bind /s/tmp /dev/shm --remount-ro /dev"))
        #expect(text.contains("--bind /s/tmp /tmp --bind /s/workspace /workspace --remount-ro /"))
        #expect(text.hasSuffix("-- /.sandbox/agent --fd 3"))
    }

    @Test mutating func sharesTheNetworkOnlyWhenTold() {
        self.arguments.hasNetwork = true
        #expect(!self.arguments.list.contains("--unshare-net"))
        #expect(self.arguments.list.contains("/etc/resolv.conf"))
    }

    @Test mutating func letsAnImageKeepItsOwnFiles() {
        self.arguments.etc = nil
        #expect(!self.arguments.list.contains("/etc"))
    }
}
