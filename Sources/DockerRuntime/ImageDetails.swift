/// What an image brings with it, and its containers do not get.
struct ImageDetails: Sendable, Equatable {
    /// `sha256:…`: the same files for ever.
    var id: String
    /// Of the variables that it sets.
    var environmentNames: [String]
    /// Absolute paths of its volumes.
    var volumes: [String]

    init(id: String, environmentNames: [String] = [], volumes: [String] = []) {
        self.id = id
        self.environmentNames = environmentNames
        self.volumes = volumes
    }

    init(_ image: InspectedImage) {
        self.id = image.id
        self.environmentNames = (image.configuration?.environment ?? []).map { String($0.prefix { $0 != "=" }) }
            .sorted()
        self.volumes = (image.configuration?.volumes ?? [:]).keys.filter { $0.hasPrefix("/") }.map { path in
            path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        }.sorted()
    }
}

/// An image's name in full, so that the ways to write one are equal.
struct ImageName: Sendable, Hashable, CustomStringConvertible {
    /// `name` without tag or digest, as the daemon shows it.
    let repository: String
    /// `latest`, or a digest `sha256:…`.
    let reference: String
    let isDigest: Bool

    /// - Parameter text: `name`, `name:tag`, `registry:port/path/name:tag`, `name@sha256:…`; `nil` if it is no name.
    init?(_ text: String) {
        let isPlain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "._-/:@".utf8.contains(byte)
            }
        }
        guard isPlain, (1...256).contains(text.utf8.count), let first = text.first, first.isLetter || first.isNumber
        else { return nil }
        var name = text[...]
        if let at = name.firstIndex(of: "@") {
            self.reference = String(name[name.index(after: at)...])
            self.isDigest = true
            name = name[..<at]
        } else {
            self.isDigest = false
            let slash = name.lastIndex(of: "/") ?? name.startIndex
            if let colon = name[slash...].lastIndex(of: ":") {
                self.reference = String(name[name.index(after: colon)...])
                name = name[..<colon]
            } else {
                self.reference = "latest"
            }
        }
        for prefix in ["docker.io/", "index.docker.io/"] where name.hasPrefix(prefix) {
            name = name.dropFirst(prefix.count)
        }
        if name.hasPrefix("library/") { name = name.dropFirst("library/".count) }
        guard !name.isEmpty, !name.hasSuffix("/"), !self.reference.isEmpty else { return nil }
        self.repository = String(name)
    }

    var description: String { self.repository + (self.isDigest ? "@" : ":") + self.reference }

    /// Whether a pattern means it: a name, or the beginning of one with `*`.
    func matches(_ pattern: String) -> Bool {
        if pattern.hasSuffix("*") { return self.description.hasPrefix(pattern.dropLast()) }
        return ImageName(pattern) == self
    }
}
