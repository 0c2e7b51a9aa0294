extension Array {
    /// The array in parts, so that one command does not keep the server from others for long.
    func batches(of size: Int = 256) -> [ArraySlice<Element>] {
        stride(from: 0, to: self.count, by: size).map { self[$0..<Swift.min($0 + size, self.count)] }
    }
}
