// swift-tools-version: 6.2
import PackageDescription

let defaultSwiftSettings: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
]

/// The agent is PID 1 of every sandbox, whatever the image holds: in a release it needs no file but itself.
let staticAgentSettings: [SwiftSetting] = [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
let staticAgentLinking: [LinkerSetting] = [
    .unsafeFlags(["-static-executable", "-Xlinker", "-s"], .when(configuration: .release))
]

func library(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: defaultSwiftSettings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: defaultSwiftSettings)
}

let package = Package(
    name: "sandbox",
    products: [
        .executable(name: "sandbox", targets: ["SandboxMain"]),
        .executable(name: "sandbox-agent", targets: ["SandboxAgentMain"]),
    ],
    targets: [
        // C libraries, each with the little that Swift does not import of it.
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .target(name: "CSystem"),

        // Bottom: nothing of ours below.
        library("JSON"),
        library("Messages"),
        library("ServiceKit"),
        library("AgentProtocol"),

        // Wrappers: one C library each.
        library("SQLite", ["CSQLite", "ServiceKit"]),
        library("HTTPServer", ["CMicrohttpd", "ServiceKit"]),
        library("HTTPClient", ["CCurl", "ServiceKit"]),
        library("Crypto", ["COpenSSL"]),

        // Abilities: protocols with their in-process implementation.
        library("MessageBus", ["SQLite", "ServiceKit"]),
        library("StateStore", ["SQLite", "Messages", "ServiceKit"]),
        library("SandboxRuntime", ["AgentProtocol", "CSystem", "ServiceKit"]),
        .target(
            name: "SandboxAgent",
            dependencies: ["AgentProtocol", "CSystem"],
            swiftSettings: defaultSwiftSettings + staticAgentSettings
        ),

        // Services: they meet in Messages and never import one another.
        library(
            "APIGateway",
            [
                "HTTPServer", "MessageBus", "Messages", "StateStore", "SandboxRuntime", "SQLite", "Crypto", "JSON",
                "ServiceKit",
            ]
        ),
        library("Dispatcher", ["MessageBus", "Messages", "StateStore", "SQLite", "ServiceKit"]),
        library("WorkerNode", ["SandboxRuntime", "MessageBus", "Messages", "JSON", "ServiceKit"]),
        library(
            "SandboxCLI",
            [
                "APIGateway", "Dispatcher", "WorkerNode", "MessageBus", "Messages", "StateStore", "SandboxRuntime",
                "SQLite",
                "HTTPServer", "HTTPClient", "JSON", "ServiceKit",
            ]
        ),
        library("TestKit", ["MessageBus", "Messages", "SandboxRuntime", "ServiceKit"]),

        // Executables.
        .executableTarget(
            name: "SandboxMain",
            dependencies: ["SandboxCLI", "ServiceKit"],
            path: "Sources/Executables/sandbox",
            swiftSettings: defaultSwiftSettings
        ),
        .executableTarget(
            name: "SandboxAgentMain",
            dependencies: ["SandboxAgent"],
            path: "Sources/Executables/sandbox-agent",
            swiftSettings: defaultSwiftSettings + staticAgentSettings,
            linkerSettings: staticAgentLinking
        ),
        .executableTarget(
            name: "message-bus-benchmark",
            dependencies: ["MessageBus", "SQLite", "ServiceKit"],
            path: "Benchmarks/MessageBus",
            swiftSettings: defaultSwiftSettings
        ),
        // Publishes until it is killed; for the tests of the bus.
        .executableTarget(
            name: "bus-burst",
            dependencies: ["MessageBus"],
            path: "Sources/Executables/bus-burst",
            swiftSettings: defaultSwiftSettings
        ),

        // Tests.
        tests("JSON", ["JSON"]),
        tests("Messages", ["Messages"]),
        tests("ServiceKit", ["ServiceKit"]),
        tests("Crypto", ["Crypto"]),
        tests("HTTPClient", ["HTTPClient", "ServiceKit"]),
        tests("SandboxAgent", ["SandboxAgent", "SandboxAgentMain", "AgentProtocol", "CSystem"]),
        tests("SQLite", ["SQLite", "ServiceKit"]),
        tests("HTTPServer", ["HTTPServer", "ServiceKit"]),
        tests("MessageBus", ["MessageBus", "SQLite", "TestKit", "ServiceKit", "bus-burst"]),
        tests("StateStore", ["StateStore", "Messages", "SQLite"]),
        tests(
            "SandboxRuntime",
            ["SandboxRuntime", "CSystem", "AgentProtocol", "SandboxAgentMain", "TestKit", "ServiceKit"]
        ),
        tests("Dispatcher", ["Dispatcher", "MessageBus", "Messages", "StateStore", "SQLite", "TestKit", "ServiceKit"]),
        tests(
            "APIGateway",
            [
                "APIGateway", "HTTPServer", "HTTPClient", "MessageBus", "Messages", "StateStore", "SandboxRuntime",
                "SQLite", "JSON",
                "TestKit", "ServiceKit",
            ]
        ),
        tests(
            "WorkerNode",
            [
                "WorkerNode", "SandboxRuntime", "SandboxAgentMain", "MessageBus", "Messages", "TestKit", "ServiceKit",
            ]
        ),
        tests("SandboxCLI", ["SandboxCLI", "ServiceKit"]),
        tests("System", ["SandboxCLI", "SandboxAgentMain", "HTTPClient", "JSON", "ServiceKit"]),
        tests("Process", ["HTTPClient", "JSON", "ServiceKit", "SandboxMain", "SandboxAgentMain"]),
    ],
    swiftLanguageModes: [.v6]
)
