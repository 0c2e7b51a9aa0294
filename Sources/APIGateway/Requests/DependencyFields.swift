import HTTPServer
import JSON
import Messages

/// Reads what a request says about packages.
enum DependencyFields {
    private static let operators = ["===", "==", "!=", "<=", ">=", "~=", "<", ">"]

    /// The fields of `POST /sessions`.
    static func ofSession(_ reader: inout RequestReader) -> DependencyRequest {
        let list = self.list(&reader, required: false, count: Limits.dependencies)
        let installTimeout = reader.optional { json throws(JSONFieldFault) in
            try json.optionalInt("install_timeout", in: Limits.installTimeout)
        }
        let failsSession = reader.optional { json throws(JSONFieldFault) in
            try json.optionalBool("fail_on_dependency_error")
        }
        let allowsConflicts = reader.optional { json throws(JSONFieldFault) in
            try json.optionalBool("allow_version_conflicts")
        }
        let index = self.index(&reader)
        return DependencyRequest(
            dependencies: list ?? [],
            indexURL: index ?? "",
            timeoutSeconds: installTimeout ?? 300,
            failsSession: failsSession ?? true,
            allowsConflicts: allowsConflicts ?? false
        )
    }

    /// The fields of `POST /sessions/{id}/dependencies/install`: packages to add, and the index if it is to change.
    static func ofInstallation(_ request: HTTPRequest) throws -> (dependencies: [Dependency], indexURL: String?) {
        var reader = try RequestReader(request)
        let list = self.list(&reader, required: true, count: Limits.newDependencies)
        let index = self.index(&reader)
        try reader.finish()
        return (list ?? [], index)
    }

    private static func list(
        _ reader: inout RequestReader,
        required: Bool,
        count: ClosedRange<Int>
    ) -> [Dependency]? {
        let items = reader.optional { json throws(JSONFieldFault) in
            required
                ? try json.objects("dependencies", count: count)
                : try json.optionalObjects("dependencies", count: count)
        }
        guard let items else { return nil }
        var dependencies: [Dependency] = []
        for item in items {
            let name = reader.take { _ throws(JSONFieldFault) in try self.name(item) }
            let version = reader.optional { _ throws(JSONFieldFault) in try self.version(item) }
            if let name { dependencies.append(Dependency(name: name, version: version)) }
        }
        return dependencies
    }

    private static func name(_ item: JSONObjectReader) throws(JSONFieldFault) -> String {
        let name = try item.string("name", length: Limits.dependencyName)
        guard Identifiers.isValid(name), self.isAlphanumeric(name.utf8.first), self.isAlphanumeric(name.utf8.last)
        else {
            throw item.fault(
                .value,
                "name",
                "Value error, a package's name is letters, digits, '.', '_' and '-': no path, URL or marker; "
                    + "write the version in its own field, as {\"name\": \"pandas\", \"version\": \"2.3.3\"}"
            )
        }
        if let split = self.versionInside(name) {
            throw item.fault(
                .value,
                "name",
                "Value error, the name holds a version; write it as "
                    + "{\"name\": \"\(split.name)\", \"version\": \"==\(split.version)\"}"
            )
        }
        return name
    }

    /// A letter, digits, a point and a digit: `pandas2.3.3`, but neither `urllib3` nor `zope.interface`.
    static func versionInside(_ name: String) -> (name: String, version: String)? {
        let bytes = Array(name.utf8)
        var start = 0
        while start < bytes.count {
            guard (48...57).contains(bytes[start]) else {
                start += 1
                continue
            }
            var end = start
            while end < bytes.count, (48...57).contains(bytes[end]) { end += 1 }
            let followsLetter = start > 0 && (65...90).contains(bytes[start - 1] & 0xDF)
            if followsLetter, end + 1 < bytes.count, bytes[end] == UInt8(ascii: "."),
                (48...57).contains(bytes[end + 1])
            {
                return (
                    String(decoding: bytes[..<start], as: UTF8.self), String(decoding: bytes[start...], as: UTF8.self)
                )
            }
            start = end
        }
        return nil
    }

    /// With an operator, `nil` for any version.
    private static func version(_ item: JSONObjectReader) throws(JSONFieldFault) -> String? {
        guard let given = try item.optionalString("version", length: Limits.dependencyVersion) else { return nil }
        guard let version = self.specifier(given) else {
            throw item.fault(
                .value,
                "version",
                "Value error, a version is written as '2.3.3', '==2.3.3' or '>=2.0,<3'"
            )
        }
        return version.isEmpty ? nil : version
    }

    /// The specifier with its operators, empty for any version; `nil` if it is none.
    static func specifier(_ text: String) -> String? {
        guard text.contains(where: { $0 != " " }) else { return "" }
        var clauses: [String] = []
        for part in text.split(separator: ",", omittingEmptySubsequences: false) {
            let clause = part.drop { $0 == " " }
            let sign = self.operators.first { clause.hasPrefix($0) } ?? ""
            let padded = clause.dropFirst(sign.count)
            let version = String(padded.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
            guard self.isVersion(version) else { return nil }
            clauses.append((sign.isEmpty ? "==" : sign) + version)
        }
        return clauses.joined(separator: ",")
    }

    private static func isVersion(_ text: String) -> Bool {
        self.isAlphanumeric(text.utf8.first)
            && text.utf8.allSatisfy { self.isAlphanumeric($0) || ".*+!_-".utf8.contains($0) }
    }

    private static func index(_ reader: inout RequestReader) -> String? {
        reader.optional { json throws(JSONFieldFault) in
            guard let url = try json.optionalString("python_package_index_url", length: Limits.indexURL) else {
                return nil
            }
            let isURL = url.hasPrefix("https://") || url.hasPrefix("http://")
            guard url.isEmpty || (isURL && url.utf8.allSatisfy { (33...126).contains($0) }) else {
                throw json.fault(
                    .value,
                    "python_package_index_url",
                    "Value error, must be an http or https URL, or empty for the default"
                )
            }
            return url
        }
    }

    private static func isAlphanumeric(_ byte: UInt8?) -> Bool {
        guard let byte else { return false }
        return (48...57).contains(byte) || (65...90).contains(byte & 0xDF)
    }
}
