internal import Glibc
internal import JSON

/// Writes to the terminal.
enum Output {
    static func write(_ bytes: some Collection<UInt8>, to descriptor: Int32 = 1) {
        Array(bytes).withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 && errno != EINTR { return }
                rest = rest.dropFirst(max(count, 0))
            }
        }
    }

    static func line(_ text: String, to descriptor: Int32 = 1) {
        self.write(Array((text + "\n").utf8), to: descriptor)
    }

    /// Rows under a head, each column as wide as its widest entry.
    static func table(_ head: [String], _ rows: [[String]]) {
        let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
        for row in [head] + rows {
            let cells = row.indices.map { index in
                index == row.count - 1
                    ? row[index] : row[index] + String(repeating: " ", count: widths[index] - row[index].count)
            }
            self.line(cells.joined(separator: "  "))
        }
    }
}

extension JSONObjectReader {
    /// A member as text for a person: strings without quotes, everything else as it is, `-` for null and absence.
    func text(_ key: String) -> String {
        // A member of another kind is shown as its JSON.
        if let text = try? self.optionalString(key) { return text }
        guard let raw = self.rawBytes(key) else { return "-" }
        let text = String(decoding: raw, as: UTF8.self)
        return text == "null" ? "-" : text
    }
}
