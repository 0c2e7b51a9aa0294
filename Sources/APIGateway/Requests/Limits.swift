/// What a request may hold. The parsers and `/openapi.json` both read it from here.
enum Limits {
    // Templates
    static let templateID = 1...64
    static let templateName = 1...255
    static let imageURL = 1...512
    static let cpuCores = 0.1...4.0
    static let memoryMB = 128...8192
    static let diskMB = 256...51_200
    static let templateTimeout = 60...3600

    // Sessions
    static let sessionID = 1...64
    static let sessionTimeout = 1...3600
    static let dependencies = 0...50
    static let newDependencies = 1...50
    static let dependencyName = 1...128
    static let dependencyVersion = 0...64
    static let installTimeout = 30...1800
    static let indexURL = 0...512
    /// Cores that a session may ask for, above zero.
    static let sessionCPU = 65_536.0
    /// Bytes that `memory` and `disk` may ask for.
    static let resourceBytes = 1_048_576...(1 << 60)
    static let resourceText = 1...32

    // Executions
    static let code = 1...102_400
    static let executionTimeout = 1...3600
    static let pollInterval = 0.1...10.0
    static let syncTimeout = 10.0...3600.0
    static let wait = 0.0...300.0
    static let retries = 0...10
    /// Bytes of `event`.
    static let event = 1_048_576

    // Environments
    static let variables = 1024
    /// Bytes of one variable: the system takes no longer one.
    static let variable = 131_000

    // Lists
    static let page = 1...200

    /// Bytes of a JSON body: code of full length may be six times as long when escaped.
    static let body = 2 * 1_048_576
    /// Objects and arrays inside of one another.
    static let depth = 64
}
