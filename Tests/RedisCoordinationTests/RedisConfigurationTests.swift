import RedisCoordination
import ServiceKit
import Testing

@Suite struct RedisConfigurationTests {
    @Test func readsEverySetting() throws {
        let reader = ConfigurationReader(
            [
                "REDIS_URL": "redis://sandbox:p%40ss@redis.example:6380/3",
                "REDIS_KEY_PREFIX": "test:",
                "REDIS_TIMEOUT_SECONDS": "0.25",
                "REDIS_CONNECT_TIMEOUT_SECONDS": "2",
                "REDIS_PENDING_CALLS": "100",
                "REDIS_PENDING_BYTES": "1000",
            ],
            prefixes: ["REDIS_"]
        )
        let configuration = try RedisConfiguration(reader: reader)
        #expect(configuration.endpoint == .tcp(host: "redis.example", port: 6380))
        #expect(configuration.user == "sandbox" && configuration.password?.reveal() == "p@ss")
        #expect(configuration.database == 3 && configuration.keyPrefix == "test:")
        #expect(configuration.callTimeout == .milliseconds(250) && configuration.connectTimeout == .seconds(2))
        #expect(configuration.pendingCallLimit == 100 && configuration.pendingByteLimit == 1000)
        #expect(reader.unknownKeys().isEmpty)
        #expect(!reader.dump().values.contains { $0.contains("p%40ss") })
    }

    @Test func hasDefaults() throws {
        let configuration = try RedisConfiguration(reader: ConfigurationReader([:]))
        #expect(configuration.endpoint == .tcp(host: "127.0.0.1", port: 6379))
        #expect(configuration.user == nil && configuration.password == nil && configuration.database == 0)
        #expect(configuration.keyPrefix == "sandbox:" && configuration.callTimeout == .milliseconds(500))
    }

    @Test(arguments: [
        ("redis://localhost", RedisEndpoint.tcp(host: "localhost", port: 6379), nil, 0),
        ("redis://[::1]:7000/1", .tcp(host: "::1", port: 7000), nil, 1),
        ("redis://:a@b:c@host/", .tcp(host: "host", port: 6379), "a@b:c", 0),
        ("redis+unix:///run/redis.sock", .unix(path: "/run/redis.sock"), nil, 0),
        ("redis+unix://:secret@/run/redis.sock?db=2", .unix(path: "/run/redis.sock"), "secret", 2),
    ])
    func understandsURLs(_ url: String, _ endpoint: RedisEndpoint, _ password: String?, _ database: Int) throws {
        let configuration = try RedisConfiguration(url: url)
        #expect(configuration.endpoint == endpoint && configuration.database == database)
        #expect(configuration.password?.reveal() == password)
    }

    @Test(arguments: [
        "http://host", "rediss://host", "redis://", "redis://host:0", "redis://host:70000", "redis://host/x",
        "redis://user@host", "redis://:%4@host", "redis://::1:6379", "redis://[::1]x", "redis://a b", "redis+unix://",
        "redis+unix://relative", "redis+unix:///path?x=1", "redis+unix:///path?db=-1", "redis://:secret@host:x",
    ])
    func namesTheKeyOfABadURL(_ url: String) throws {
        let error = #expect(throws: ConfigurationError.self) {
            try RedisConfiguration(reader: ConfigurationReader(["REDIS_URL": url]))
        }
        #expect(error?.key == "REDIS_URL")
        #expect(error?.problem.contains("secret") == false)
    }

    @Test(arguments: [
        ("REDIS_KEY_PREFIX", "with space"), ("REDIS_TIMEOUT_SECONDS", "0"), ("REDIS_TIMEOUT_SECONDS", "soon"),
        ("REDIS_CONNECT_TIMEOUT_SECONDS", "-1"), ("REDIS_PENDING_CALLS", "0"), ("REDIS_PENDING_BYTES", "x"),
    ])
    func namesTheKeyOfABadValue(_ key: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            try RedisConfiguration(reader: ConfigurationReader([key: value]))
        }
        #expect(error?.key == key)
    }
}
