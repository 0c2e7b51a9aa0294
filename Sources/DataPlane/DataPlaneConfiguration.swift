public import HTTPServer
public import ServiceKit

/// Where a node offers its files, and who may ask.
public struct DataPlaneConfiguration: Sendable {
    public var http: HTTPServerConfiguration
    /// What gateways present.
    public var token: Secret
    /// Bytes of one uploaded file. Defaults to 1 TiB: the gateways have their own, lower limit.
    public var maxUploadBytes: Int

    public init(http: HTTPServerConfiguration, token: Secret, maxUploadBytes: Int = 1 << 40) {
        self.http = http
        self.token = token
        self.maxUploadBytes = maxUploadBytes
    }
}
