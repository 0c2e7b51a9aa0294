/// An agent's first message: it is configured and its warm interpreters wait for work.
public struct AgentReady: Sendable, Equatable {
    /// The version of this protocol that this build speaks.
    public static let currentVersion: UInt64 = 1

    public var version: UInt64
    /// One for each language of ``AgentLanguage``.
    public var languages: [LanguageSupport]

    public init(version: UInt64 = Self.currentVersion, languages: [LanguageSupport]) {
        self.version = version
        self.languages = languages
    }
}

/// Whether an agent can run code in a language.
public struct LanguageSupport: Sendable, Equatable {
    public var language: AgentLanguage
    /// `nil` if it can, else what is missing, for users.
    public var problem: String?

    public var isAvailable: Bool { self.problem == nil }

    public init(language: AgentLanguage, problem: String? = nil) {
        self.language = language
        self.problem = problem
    }
}

extension AgentReady {
    private enum Tag {
        static let version: UInt8 = 1
        /// Begins an entry; its problem, if it has one, follows.
        static let language: UInt8 = 2
        static let problem: UInt8 = 3
    }

    func write(to writer: inout FieldWriter) {
        writer.write(Tag.version, self.version)
        for support in self.languages {
            writer.write(Tag.language, UInt64(support.language.rawValue))
            if let problem = support.problem { writer.write(Tag.problem, problem) }
        }
    }

    init(fields: [UInt8]) throws(ProtocolError) {
        self.init(version: 0, languages: [])
        var reader = FieldReader(fields)
        while let field = try reader.next() {
            switch field.tag {
            case Tag.version: self.version = try field.unsigned()
            case Tag.language: self.languages.append(LanguageSupport(language: try AgentLanguage(field: field)))
            case Tag.problem where !self.languages.isEmpty:
                self.languages[self.languages.count - 1].problem = field.string
            default: break
            }
        }
        guard self.version > 0 else { throw ProtocolError(.malformed, "a greeting without a version") }
    }
}
