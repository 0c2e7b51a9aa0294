import Glibc

/// Reads a request's body for libcurl, from any place of it: a dead connection makes libcurl start again.
struct BodySource {
    private let segments: [HTTPClientRequest.Segment]
    private var position = 0
    let count: Int

    init(_ segments: [HTTPClientRequest.Segment]) {
        self.segments = segments
        self.count = segments.reduce(0) { $0 + $1.count }
    }

    mutating func seek(to position: Int) { self.position = position }

    /// Fills the front of `buffer`. Returns how many bytes, 0 at the end, and `nil` when a file cannot be read.
    mutating func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
        var start = 0
        for segment in self.segments {
            let end = start + segment.count
            guard self.position < end else {
                start = end
                continue
            }
            let offset = self.position - start
            let wanted = min(buffer.count, end - self.position)
            switch segment {
            case .bytes(let bytes):
                bytes.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[offset..<offset + wanted])) }
                self.position += wanted
                return wanted
            case .file(let descriptor, let base, _):
                let got = pread(descriptor, buffer.baseAddress, wanted, off_t(base + offset))
                // A file that has become shorter cannot keep the promised length.
                guard got > 0 else { return nil }
                self.position += got
                return got
            }
        }
        return 0
    }
}
