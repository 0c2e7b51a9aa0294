import Glibc

/// How many descriptors the process may have open.
enum DescriptorLimit {
    /// For files, databases and pipes beside the connections.
    static let reserve = 128

    /// Raises the soft limit to `count` if it is lower; it may go up to the hard one.
    static func require(_ count: Int) throws(HTTPServerError) {
        let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        var limit = rlimit()
        guard getrlimit(resource, &limit) == 0, limit.rlim_cur < rlim_t(count) else { return }
        guard limit.rlim_max >= rlim_t(count) else {
            throw HTTPServerError(
                .descriptorLimit,
                "the connection limit needs \(count) open files, and `ulimit -Hn` is \(limit.rlim_max)"
            )
        }
        limit.rlim_cur = rlim_t(count)
        guard setrlimit(resource, &limit) == 0 else {
            throw HTTPServerError(
                .descriptorLimit,
                "cannot raise `ulimit -n` to \(count): \(String(cString: strerror(errno)))"
            )
        }
    }
}
