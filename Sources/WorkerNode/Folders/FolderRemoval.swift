import Glibc

/// Removes trees that hostile code may have made: of any depth, with any modes, links included.
///
/// Directories below the first level are moved up to it, one by one, so that neither descriptors nor memory grow with the
/// depth, and no path is ever longer than a name. Links are unlinked, never followed.
enum FolderRemoval {
    /// Removes `name` in the directory `parent`; nothing is wrong if it is not there.
    ///
    /// - Throws: ``WorkerNodeError/Code/folderFailed``; what is left can be removed by another call.
    static func remove(_ name: String, in parent: String) throws(WorkerNodeError) {
        let root = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard root >= 0 else { throw SandboxFolders.failure("open", parent) }
        defer { close(root) }
        guard let top = try self.openDirectory(name, in: root) else { return }
        defer { close(top) }
        var moved = 0
        while true {
            let directories = try self.unlinkFiles(in: top)
            if directories.isEmpty { break }
            for directory in directories {
                guard let child = try self.openDirectory(directory, in: top) else { continue }
                defer { close(child) }
                for grandchild in try self.unlinkFiles(in: child) {
                    moved += 1
                    guard renameat(child, grandchild, top, "moved.\(moved)") == 0 || errno == ENOENT else {
                        // The name is taken: by the tree itself, which then loses it in this round or the next.
                        if errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR { continue }
                        throw SandboxFolders.failure("move a directory of", name)
                    }
                }
                guard unlinkat(top, directory, Int32(AT_REMOVEDIR)) == 0 || errno == ENOENT || errno == ENOTEMPTY else {
                    throw SandboxFolders.failure("remove a directory of", name)
                }
            }
        }
        guard unlinkat(root, name, Int32(AT_REMOVEDIR)) == 0 || errno == ENOENT else {
            throw SandboxFolders.failure("remove", name)
        }
    }

    /// Opens a directory to empty it, and makes that allowed. `nil` if it is gone.
    private static func openDirectory(_ name: String, in parent: Int32) throws(WorkerNodeError) -> Int32? {
        let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
        var descriptor = openat(parent, name, flags)
        if descriptor < 0, errno == EACCES {
            // An owner who is not root may not read what has no such mode.
            guard fchmodat(parent, name, 0o700, 0) == 0 else { throw SandboxFolders.failure("open", name) }
            descriptor = openat(parent, name, flags)
        }
        if descriptor < 0, errno == ENOENT { return nil }
        guard descriptor >= 0 else { throw SandboxFolders.failure("open", name) }
        // Without it an owner who is not root can remove nothing inside. Root needs no mode: failing is harmless.
        _ = fchmod(descriptor, 0o700)
        return descriptor
    }

    /// Unlinks everything but directories, and removes the empty ones. Returns some of those that are left, none if there
    /// are none.
    private static func unlinkFiles(in directory: Int32) throws(WorkerNodeError) -> [String] {
        // `fdopendir` takes the descriptor it is given.
        let copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0, let stream = fdopendir(copy) else {
            if copy >= 0 { close(copy) }
            throw SandboxFolders.failure("list", "a directory")
        }
        defer { closedir(stream) }
        var directories: [String] = []
        while directories.count < 1024, let entry = readdir(stream) {
            // Names are bytes, and not always UTF-8: the system gets them back as they are.
            let failure: Int32 = withUnsafeBytes(of: entry.pointee.d_name) { bytes in
                guard let name = bytes.bindMemory(to: CChar.self).baseAddress else { return 0 }
                if strcmp(name, ".") == 0 || strcmp(name, "..") == 0 { return 0 }
                if unlinkat(directory, name, 0) == 0 || errno == ENOENT { return 0 }
                guard errno == EISDIR || errno == EPERM else { return errno }
                if unlinkat(directory, name, Int32(AT_REMOVEDIR)) == 0 || errno == ENOENT { return 0 }
                guard errno == ENOTEMPTY || errno == EEXIST || errno == EACCES else { return errno }
                if let text = String(validatingCString: name) {
                    directories.append(text)
                    return 0
                }
                return self.giveReadableName(name, in: directory, &directories)
            }
            guard failure == 0 else {
                errno = failure
                throw SandboxFolders.failure("remove a file in", "a directory")
            }
        }
        return directories
    }

    /// Renames a directory whose name is not UTF-8, so that it can be named here.
    private static func giveReadableName(
        _ name: UnsafePointer<CChar>,
        in directory: Int32,
        _ directories: inout [String]
    ) -> Int32 {
        for number in 0..<1024 {
            let readable = "renamed.\(number)"
            if renameat(directory, name, directory, readable) == 0 {
                directories.append(readable)
                return 0
            }
            guard errno == ENOTEMPTY || errno == EEXIST || errno == ENOTDIR else { return errno }
        }
        return EEXIST
    }
}
