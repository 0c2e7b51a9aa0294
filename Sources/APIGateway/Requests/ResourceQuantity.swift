/// Amounts as Kubernetes writes them: `"0.5"`, `"500m"`, `"512Mi"`, `"1Gi"`, `"1000000"`.
enum ResourceQuantity {
    private static let units: [(suffix: String, factor: Double)] = [
        ("Ki", 1024), ("Mi", 1_048_576), ("Gi", 1_073_741_824), ("Ti", 1_099_511_627_776),
        ("K", 1e3), ("k", 1e3), ("M", 1e6), ("G", 1e9), ("T", 1e12),
    ]

    /// Thousandths of a core, at least 1; `nil` for what is no amount, not above zero or beyond the limit.
    static func cpuMillis(_ text: String) -> Int? {
        let isMilli = text.hasSuffix("m")
        guard let number = self.number(isMilli ? String(text.dropLast()) : text) else { return nil }
        let millis = isMilli ? number : number * 1000
        guard millis > 0, millis <= Limits.sessionCPU * 1000 else { return nil }
        return max(1, Int(millis.rounded()))
    }

    /// Bytes; `nil` for what is no amount or out of ``Limits/resourceBytes``.
    static func bytes(_ text: String) -> Int? {
        let unit = self.units.first { text.hasSuffix($0.suffix) }
        guard let number = self.number(String(text.dropLast(unit?.suffix.count ?? 0))) else { return nil }
        let bytes = number * (unit?.factor ?? 1)
        guard bytes >= Double(Limits.resourceBytes.lowerBound), bytes <= Double(Limits.resourceBytes.upperBound) else {
            return nil
        }
        return Int(bytes)
    }

    /// Cores as they are written: `1`, `0.5`.
    static func text(cpuMillis: Int) -> String {
        cpuMillis % 1000 == 0 ? "\(cpuMillis / 1000)" : "\(Double(cpuMillis) / 1000)"
    }

    /// Digits with at most one point inside: none of what Swift's numbers allow beside.
    private static func number(_ text: String) -> Double? {
        guard text.utf8.count <= 20, text.utf8.first.map({ (48...57).contains($0) }) == true,
            text.utf8.last.map({ (48...57).contains($0) }) == true,
            text.utf8.allSatisfy({ (48...57).contains($0) || $0 == 46 })
        else { return nil }
        return Double(text)
    }
}
