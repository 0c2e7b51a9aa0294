import CSystem
import Glibc
import ServiceKit

/// Opens paths beneath a directory while its owner may swap links at any time. All calls block briefly.
struct BeneathResolver: Sendable {
    /// How a path is followed.
    enum Method: Sendable {
        /// The kernel refuses to leave the directory, links within it are followed.
        case kernel
        /// Component by component; any link is refused. For kernels without `openat2`, and sandboxes that forbid it.
        case byHand
    }

    private static let preferred = Locked(Method.kernel)

    let root: FileDescriptor
    private let forced: Method?

    /// - Parameter path: Trusted, but for its last component, which must not be a link.
    init(path: String, method: Method? = nil) throws(RuntimeError) {
        let number = Glibc.open(path, CSR_O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard number >= 0 else { throw Self.failure("the workspace", "open") }
        self.root = FileDescriptor(number)
        self.forced = method
    }

    /// - Throws: ``RuntimeError/Code/invalidPath`` if a link leads out, ``RuntimeError/Code/fileNotFound``,
    ///   ``RuntimeError/Code/fileFailed``.
    func open(_ components: some Collection<String>, flags: Int32) throws(RuntimeError) -> FileDescriptor {
        let path = components.isEmpty ? "." : components.joined(separator: "/")
        switch self.forced ?? Self.preferred.withLock({ $0 }) {
        case .kernel:
            if let descriptor = try self.openByKernel(path, flags: flags) { return descriptor }
            if self.forced == nil { Self.preferred.withLock { $0 = .byHand } }
            return try self.openByHand(components, flags: flags)
        case .byHand:
            return try self.openByHand(components, flags: flags)
        }
    }

    /// `nil` if the kernel does not know how.
    private func openByKernel(_ path: String, flags: Int32) throws(RuntimeError) -> FileDescriptor? {
        let resolve = CSR_RESOLVE_BENEATH | CSR_RESOLVE_NO_MAGICLINKS | CSR_RESOLVE_NO_XDEV
        // Again when something on the way was renamed meanwhile: the kernel cannot tell whether it left.
        for _ in 0..<64 {
            let number = csr_openat2(self.root.number, path, UInt64(flags | O_CLOEXEC), 0, resolve)
            if number >= 0 { return FileDescriptor(number) }
            switch errno {
            case EAGAIN, EINTR: continue
            case ENOSYS, EPERM: return nil
            default: throw Self.failure("the path", "openat2")
            }
        }
        throw RuntimeError(.invalidPath, "the path changes all the time")
    }

    private func openByHand(_ components: some Collection<String>, flags: Int32) throws(RuntimeError) -> FileDescriptor
    {
        var current = self.root
        for (index, component) in components.enumerated() {
            let isLast = index == components.count - 1
            let number = openat(
                current.number,
                component,
                (isLast ? flags : CSR_O_PATH | O_DIRECTORY) | O_NOFOLLOW | O_CLOEXEC
            )
            guard number >= 0 else { throw Self.failure("the path", "openat") }
            current = FileDescriptor(number)
        }
        guard components.isEmpty else { return current }
        let number = openat(self.root.number, ".", flags | O_CLOEXEC)
        guard number >= 0 else { throw Self.failure("the path", "openat") }
        return FileDescriptor(number)
    }

    /// What the last call's `errno` means for whoever gave the path.
    static func failure(_ what: String, _ call: String) -> RuntimeError {
        let error = SystemError.last(in: call)
        return switch error.number {
        case EXDEV: RuntimeError(.invalidPath, "\(what) leads out of the workspace", cause: error)
        case ELOOP: RuntimeError(.invalidPath, "\(what) leads through a link that is not followed", cause: error)
        case ENAMETOOLONG: RuntimeError(.invalidPath, "\(what) is too long", cause: error)
        case ENOENT: RuntimeError(.fileNotFound, "\(what) does not exist", cause: error)
        case ENOTDIR: RuntimeError(.fileNotFound, "\(what) leads through something that is no directory", cause: error)
        case ENXIO, EISDIR: RuntimeError(.notARegularFile, "\(what) is not a regular file", cause: error)
        case ENOSPC, EDQUOT: RuntimeError(.diskFull, "no space is left", cause: error)
        default: RuntimeError(.fileFailed, "\(what) cannot be used", cause: error)
        }
    }
}
