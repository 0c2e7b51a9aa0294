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

func executable(_ name: String, _ folder: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(
        name: name,
        dependencies: dependencies,
        path: "Sources/Executables/\(folder)",
        swiftSettings: defaultSwiftSettings
    )
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: "\(name)Tests", dependencies: dependencies, swiftSettings: defaultSwiftSettings)
}

let package = Package(
    name: "sandbox",
    products: [
        .executable(name: "sandbox", targets: ["SandboxMain"]),
        .executable(name: "sandbox-agent", targets: ["SandboxAgentMain"]),
        .executable(name: "APIGateway", targets: ["APIGatewayMain"]),
        .executable(name: "Dispatcher", targets: ["DispatcherMain"]),
        .executable(name: "WorkerNode", targets: ["WorkerNodeMain"]),
    ],
    targets: [
        // C libraries, each with the little that Swift does not import of it.
        .systemLibrary(name: "CSQLite", providers: [.apt(["libsqlite3-dev"])]),
        .systemLibrary(name: "CMicrohttpd", providers: [.apt(["libmicrohttpd-dev"])]),
        .systemLibrary(name: "CCurl", providers: [.apt(["libcurl4-openssl-dev"])]),
        .systemLibrary(name: "COpenSSL", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CRDKafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CHiredis", providers: [.apt(["libhiredis-dev"])]),
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
        library("Coordination", ["ServiceKit"]),
        library("KafkaBus", ["MessageBus", "CRDKafka", "ServiceKit"]),
        library("RedisCoordination", ["Coordination", "CHiredis", "Crypto", "ServiceKit"]),
        library("StateStore", ["SQLite", "Messages", "ServiceKit"]),
        library("SandboxRuntime", ["AgentProtocol", "CSystem", "ServiceKit"]),
        library("DockerRuntime", ["SandboxRuntime", "AgentProtocol", "HTTPClient", "CSystem", "ServiceKit"]),
        .target(
            name: "SandboxAgent",
            dependencies: ["AgentProtocol", "CSystem"],
            swiftSettings: defaultSwiftSettings + staticAgentSettings
        ),

        library("DataPlane", ["SandboxRuntime", "HTTPServer", "HTTPClient", "Messages", "Crypto", "ServiceKit"]),

        // Services: they meet in Messages and never import one another.
        library(
            "APIGateway",
            [
                "HTTPServer", "MessageBus", "Messages", "StateStore", "SandboxRuntime", "SQLite", "Crypto", "JSON",
                "Coordination",
                "ServiceKit",
            ]
        ),
        library("Dispatcher", ["Coordination", "MessageBus", "Messages", "StateStore", "SQLite", "ServiceKit"]),
        library(
            "WorkerNode",
            ["Coordination", "SandboxRuntime", "MessageBus", "Messages", "SQLite", "JSON", "ServiceKit"]
        ),
        library(
            "SandboxCLI",
            [
                "APIGateway", "Dispatcher", "WorkerNode", "MessageBus", "Messages", "StateStore", "SandboxRuntime",
                "DockerRuntime", "SQLite",
                "HTTPServer", "HTTPClient", "JSON", "ServiceKit",
            ]
        ),
        library(
            "Cluster",
            [
                "APIGateway", "Dispatcher", "WorkerNode", "DataPlane", "KafkaBus", "RedisCoordination", "Coordination",
                "DockerRuntime", "SandboxRuntime", "MessageBus", "Messages", "SQLite", "HTTPServer", "HTTPClient",
                "ServiceKit",
            ]
        ),
        library("TestKit", ["Coordination", "MessageBus", "Messages", "SandboxRuntime", "ServiceKit"]),
        // Starts other programs, for whoever tests.
        library("TestSpawn", ["CSystem", "ServiceKit"]),
        // Starts the real servers that tests and benchmarks need.
        library("TestServers", ["HTTPClient", "TestSpawn", "ServiceKit"]),

        // Runs our programs as processes, and speaks to them as a client would.
        library("TestProcesses", ["HTTPClient", "JSON", "TestSpawn", "ServiceKit"]),

        // Executables.
        .executableTarget(
            name: "SandboxMain",
            dependencies: ["SandboxCLI", "ServiceKit"],
            path: "Sources/Executables/sandbox",
            swiftSettings: defaultSwiftSettings
        ),
        executable("APIGatewayMain", "api-gateway", ["Cluster", "ServiceKit"]),
        executable("DispatcherMain", "dispatcher", ["Cluster", "ServiceKit"]),
        executable("WorkerNodeMain", "worker-node", ["Cluster", "ServiceKit"]),
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
        .executableTarget(
            name: "dispatcher-benchmark",
            dependencies: ["Dispatcher", "MessageBus", "Messages", "ServiceKit"],
            path: "Benchmarks/Dispatcher",
            swiftSettings: defaultSwiftSettings
        ),
        .executableTarget(
            name: "kafka-bus-benchmark",
            dependencies: ["KafkaBus", "MessageBus", "ServiceKit"],
            path: "Benchmarks/KafkaBus",
            swiftSettings: defaultSwiftSettings
        ),
        .executableTarget(
            name: "coordination-benchmark",
            dependencies: ["RedisCoordination", "Coordination", "TestServers", "ServiceKit"],
            path: "Benchmarks/Coordination",
            swiftSettings: defaultSwiftSettings
        ),
        .executableTarget(
            name: "docker-benchmark",
            dependencies: ["DockerRuntime", "SandboxRuntime", "TestServers", "HTTPClient", "ServiceKit"],
            path: "Benchmarks/Docker",
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
        tests("KafkaBus", ["KafkaBus", "CRDKafka", "MessageBus", "TestKit", "TestServers", "TestSpawn", "ServiceKit"]),
        tests("JSON", ["JSON", "TestSpawn"]),
        tests("Messages", ["Messages"]),
        tests("ServiceKit", ["ServiceKit"]),
        tests("Crypto", ["Crypto"]),
        tests("HTTPClient", ["HTTPClient", "ServiceKit"]),
        tests("SandboxAgent", ["SandboxAgent", "SandboxAgentMain", "AgentProtocol", "CSystem"]),
        tests("SQLite", ["SQLite", "ServiceKit"]),
        tests("HTTPServer", ["HTTPServer", "ServiceKit"]),
        tests("MessageBus", ["MessageBus", "SQLite", "TestKit", "TestSpawn", "ServiceKit", "bus-burst"]),
        tests("Coordination", ["Coordination", "TestKit", "ServiceKit"]),
        tests("RedisCoordination", ["RedisCoordination", "Coordination", "TestServers", "TestKit", "ServiceKit"]),
        tests("StateStore", ["StateStore", "Messages", "SQLite"]),
        tests(
            "SandboxRuntime",
            ["SandboxRuntime", "CSystem", "AgentProtocol", "SandboxAgentMain", "TestKit", "ServiceKit"]
        ),
        tests("DataPlane", ["DataPlane", "HTTPClient", "HTTPServer", "SandboxRuntime", "ServiceKit"]),
        tests(
            "DockerRuntime",
            [
                "DockerRuntime", "SandboxRuntime", "SandboxAgentMain", "AgentProtocol", "HTTPServer", "HTTPClient",
                "Crypto", "TestKit", "TestServers", "ServiceKit",
            ]
        ),
        tests("Dispatcher", ["Dispatcher", "MessageBus", "Messages", "StateStore", "SQLite", "TestKit", "ServiceKit"]),
        tests(
            "APIGateway",
            [
                "APIGateway", "Coordination", "HTTPServer", "HTTPClient", "MessageBus", "Messages", "StateStore",
                "SandboxRuntime",
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
        tests("Cluster", ["Cluster", "ServiceKit"]),
        tests("SandboxCLI", ["SandboxCLI", "ServiceKit"]),
        tests("System", ["SandboxCLI", "SandboxAgentMain", "HTTPClient", "JSON", "ServiceKit"]),
        tests(
            "Process",
            ["TestProcesses", "TestSpawn", "HTTPClient", "JSON", "ServiceKit", "SandboxMain", "SandboxAgentMain"]
        ),
        tests(
            "Integration",
            [
                "TestProcesses", "TestServers", "TestSpawn", "HTTPClient", "JSON", "ServiceKit", "APIGatewayMain",
                "DispatcherMain",
                "WorkerNodeMain", "SandboxAgentMain",
            ]
        ),
    ],
    swiftLanguageModes: [.v6]
)
