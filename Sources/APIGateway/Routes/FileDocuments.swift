import HTTPServer
import JSON
import Messages
import SandboxRuntime

/// What is said about files: answers, headers, types.
enum FileDocuments {
    static let kinds = ["file", "link", "other"]

    private static let types: [String: String] = [
        "txt": "text/plain; charset=utf-8", "log": "text/plain; charset=utf-8", "md": "text/markdown; charset=utf-8",
        "csv": "text/csv; charset=utf-8", "html": "text/html; charset=utf-8", "htm": "text/html; charset=utf-8",
        "css": "text/css; charset=utf-8", "js": "text/javascript; charset=utf-8", "py": "text/x-python; charset=utf-8",
        "sh": "text/x-shellscript; charset=utf-8", "json": "application/json", "xml": "application/xml",
        "yaml": "application/yaml", "yml": "application/yaml", "pdf": "application/pdf", "zip": "application/zip",
        "gz": "application/gzip", "tar": "application/x-tar", "png": "image/png", "jpg": "image/jpeg",
        "jpeg": "image/jpeg", "gif": "image/gif", "svg": "image/svg+xml", "webp": "image/webp", "mp3": "audio/mpeg",
        "mp4": "video/mp4", "wasm": "application/wasm", "parquet": "application/vnd.apache.parquet",
        "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ]

    /// By the name's extension.
    static func contentType(_ name: String) -> String {
        guard let dot = name.lastIndex(of: ".") else { return "application/octet-stream" }
        return self.types[name[name.index(after: dot)...].lowercased()] ?? "application/octet-stream"
    }

    /// RFC 6266: a plain name for old clients, and the real one. Always an attachment: what user code wrote must not
    /// become a page of ours.
    static func disposition(_ name: String) -> String {
        let plain = name.unicodeScalars.map { scalar -> String in
            scalar.isASCII && scalar.value >= 32 && scalar.value != 127 && scalar != "\"" && scalar != "\\"
                ? String(scalar) : "_"
        }.joined()
        var encoded = ""
        for byte in name.utf8 {
            let isPlain =
                (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
                || "!#$&+-.^_`|~".utf8.contains(byte)
            if isPlain {
                encoded.unicodeScalars.append(Unicode.Scalar(byte))
            } else {
                let hex = String(byte, radix: 16, uppercase: true)
                encoded += byte < 16 ? "%0\(hex)" : "%\(hex)"
            }
        }
        return "attachment; filename=\"\(plain)\"; filename*=UTF-8''\(encoded)"
    }

    static func uploaded(_ session: SessionID, path: String, size: Int64) -> [UInt8] {
        var writer = JSONWriter(reserving: 256)
        writer.beginObject()
        writer.field("session_id", session.rawValue)
        writer.field("file_path", path)
        writer.field("size", size)
        writer.endObject()
        return writer.bytes
    }

    static func list(_ session: SessionID, _ entries: [WorkspaceListing.Entry]) -> [UInt8] {
        var writer = JSONWriter(reserving: 128 + 128 * entries.count)
        writer.beginObject()
        writer.field("session_id", session.rawValue)
        writer.array("files", entries) { writer, entry in
            writer.object { writer in
                writer.field("name", entry.name)
                writer.field("size", entry.size)
                let modified = Timestamp(microseconds: entry.modifiedMilliseconds * 1000)
                writer.field("modified_time", modified.description)
                writer.field("type", entry.kind.rawValue)
            }
        }
        writer.field("count", entries.count)
        writer.endObject()
        return writer.bytes
    }
}
