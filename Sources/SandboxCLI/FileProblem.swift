internal import Foundation

extension Error {
    /// What is wrong with a file, in a few words that follow a colon: Foundation's own name neither file nor reason.
    var fileReason: String {
        guard let error = self as? CocoaError else { return "\(self)" }
        switch error.code {
        case .fileNoSuchFile, .fileReadNoSuchFile: return "there is no such file or folder"
        case .fileReadNoPermission, .fileWriteNoPermission: return "this user may not"
        case .fileWriteFileExists: return "a file of that name is there"
        case .fileWriteOutOfSpace: return "the disk is full"
        case .fileWriteVolumeReadOnly: return "the file system is read-only"
        default:
            if let cause = error.underlying { return cause.fileReason }
            return "error \(error.code.rawValue)"
        }
    }
}
