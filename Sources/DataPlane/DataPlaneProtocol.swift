internal import HTTPClient
internal import HTTPServer
internal import SandboxRuntime

/// What a node's files are asked for with: the words that both ends share.
///
/// Plain HTTP between machines that trust one another, each request with the cluster's token.
enum DataPlaneProtocol {
    static let pattern = "/v1/workspaces/{container}"
    static let files = "/files"
    static let file = "/file"
    static let sizeHeader = "X-File-Size"
    static let modifiedHeader = "X-File-Modified"
    static let tagHeader = "X-File-Tag"
    /// Tells which ``RuntimeError/Code`` it is, beside a status that is not 2xx.
    static let errorHeader = "X-Runtime-Error"

    static func path(of container: String, _ suffix: String, _ query: [(name: String, value: String)]) -> String {
        let items = query.map { "\($0.name)=\($0.value.percentEncoded)" }
        return "/v1/workspaces/\(container.percentEncoded)\(suffix)"
            + (items.isEmpty ? "" : "?" + items.joined(separator: "&"))
    }
}
