/// What submitted code is written in.
public enum CodeLanguage: String, CaseIterable, Hashable, Sendable {
    case python
    case javascript
    case shell
}
