/// Finds what somebody most likely meant.
enum Spelling {
    /// The closest candidate, if it is close: two edits, or one for short words, or the start of the word.
    static func nearest(to word: String, among candidates: [String]) -> String? {
        let scored = candidates.map { (name: $0, distance: Self.distance(word, $0)) }
        let best = scored.min { $0.distance < $1.distance }
        if let best, best.distance <= (word.count <= 3 ? 1 : 2) { return best.name }
        guard word.count >= 2 else { return nil }
        return candidates.first { $0.hasPrefix(word) }
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one into the other.
    static func distance(_ left: String, _ right: String) -> Int {
        let (left, right) = (Array(left), Array(right))
        var before: [Int] = []
        var previous = Array(0...right.count)
        for (row, character) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                let replacement = previous[column] + (character == other ? 0 : 1)
                var best = min(replacement, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            (before, previous) = (previous, current)
        }
        return previous[right.count]
    }
}
