/// Where this process may make control groups, read from the kernel's own lists. Pure: it is given their text.
package struct ControlGroupLayout: Sendable, Equatable {
    package enum Version: Sendable, Equatable { case v1, v2 }
    package enum Controller: String, Sendable, CaseIterable { case memory, cpu, pids }

    package struct Place: Sendable, Equatable {
        package var version: Version
        /// Directory of our own group, beneath which ours go: limits on us hold for them too.
        package var directory: String
    }

    package var places: [Controller: Place] = [:]

    /// - Parameters:
    ///   - mounts: `/proc/self/mountinfo`.
    ///   - membership: `/proc/self/cgroup`.
    ///   - v2Controllers: What `cgroup.controllers` of a v2 directory holds.
    package init(mounts: String, membership: String, v2Controllers: (String) -> String?) {
        var memberships: [(controllers: [Substring], path: Substring)] = []
        for line in membership.split(separator: "\n") {
            let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
            guard fields.count == 3 else { continue }
            memberships.append((fields[1].split(separator: ","), fields[2]))
        }
        for line in mounts.split(separator: "\n") {
            guard let mount = Mount(line) else { continue }
            switch mount.type {
            case "cgroup":
                let controllers = mount.options.split(separator: ",")
                for controller in Controller.allCases where controllers.contains(Substring(controller.rawValue)) {
                    let own = memberships.first { $0.controllers.contains(Substring(controller.rawValue)) }
                    guard let own, let directory = mount.directory(of: String(own.path)) else { continue }
                    self.places[controller] = Place(version: .v1, directory: directory)
                }
            case "cgroup2":
                guard let own = memberships.first(where: { $0.controllers.isEmpty }),
                    let directory = mount.directory(of: String(own.path)),
                    let offered = v2Controllers(directory)?.split(whereSeparator: \.isWhitespace)
                else { continue }
                for controller in Controller.allCases where offered.contains(Substring(controller.rawValue)) {
                    if self.places[controller] == nil {
                        self.places[controller] = Place(version: .v2, directory: directory)
                    }
                }
            default: break
            }
        }
    }

    init() {}

    private struct Mount {
        let root: String
        let point: String
        let type: Substring
        let options: Substring

        init?(_ line: Substring) {
            let halves = line.split(separator: " - ", maxSplits: 1)
            guard halves.count == 2 else { return nil }
            let front = halves[0].split(separator: " ")
            let back = halves[1].split(separator: " ")
            guard front.count >= 5, back.count >= 3 else { return nil }
            self.root = String(front[3])
            self.point = String(front[4])
            self.type = back[0]
            self.options = back[2]
        }

        /// A mount may show a part of the hierarchy only, as in a container; `nil` if `path` is not in it.
        func directory(of path: String) -> String? {
            if self.root == "/" { return path == "/" ? self.point : self.point + path }
            if path == self.root { return self.point }
            if path.hasPrefix(self.root + "/") { return self.point + path.dropFirst(self.root.count) }
            // In a cgroup namespace the path is relative to its root already.
            return path == "/" ? self.point : nil
        }
    }
}
