import DockerRuntime
import ServiceKit
import Testing

@Suite struct DockerConfigurationTests {
    @Test func readsEveryKey() throws {
        let reader = ConfigurationReader([
            "DOCKER_HOST": "unix:///d/s", "SANDBOX_AGENT_PATH": "/a", "SANDBOX_PYTHON_PATH": "/p",
            "SANDBOX_NODE_PATH": "/n", "SANDBOX_DOCKER_IMAGES": "one, two*", "SANDBOX_DOCKER_PULL": "no",
            "SANDBOX_DOCKER_PULL_TIMEOUT_SECONDS": "7", "SANDBOX_DOCKER_NETWORK": "net",
            "SANDBOX_START_TIMEOUT_SECONDS": "3", "SANDBOX_DOCKER_TIMEOUT_SECONDS": "4",
            "SANDBOX_DOCKER_ORPHAN_TIMEOUT_SECONDS": "5", "SANDBOX_FIRST_USER": "300000", "SANDBOX_USER_COUNT": "10",
        ])
        let read = try DockerConfiguration(reader: reader, stateDirectory: "/s", agentPath: "/default")
        var expected = DockerConfiguration(stateDirectory: "/s", agentPath: "/a")
        expected.host = try #require(DockerHost("unix:///d/s"))
        expected.pythonPath = "/p"
        expected.nodePath = "/n"
        expected.allowedImages = ["one", "two*"]
        expected.pullsImages = false
        expected.pullTimeout = .seconds(7)
        expected.network = "net"
        expected.startTimeout = .seconds(3)
        expected.requestTimeout = .seconds(4)
        expected.orphanTimeout = .seconds(5)
        expected.firstUser = 300_000
        expected.userCount = 10
        #expect(read == expected)
        #expect(reader.unknownKeys() == [])
        #expect(reader.keys.count == 13)
    }

    @Test func hasDefaults() throws {
        let read = try DockerConfiguration(
            reader: ConfigurationReader([:]),
            stateDirectory: "/s",
            agentPath: "/default"
        )
        #expect(read == DockerConfiguration(stateDirectory: "/s", agentPath: "/default"))
        #expect(read.host.socketPath == "/var/run/docker.sock" && read.network == nil)
    }

    @Test(arguments: [
        ("DOCKER_HOST", "tcp://127.0.0.1:2375"), ("DOCKER_HOST", "unix://relative"), ("DOCKER_HOST", "unix:///"),
        ("SANDBOX_AGENT_PATH", "relative"), ("SANDBOX_PYTHON_PATH", "x"), ("SANDBOX_NODE_PATH", "x"),
        ("SANDBOX_DOCKER_PULL", "maybe"), ("SANDBOX_DOCKER_TIMEOUT_SECONDS", "0"), ("SANDBOX_FIRST_USER", "0"),
        ("SANDBOX_USER_COUNT", "0"), ("SANDBOX_START_TIMEOUT_SECONDS", "soon"),
        ("SANDBOX_DOCKER_ORPHAN_TIMEOUT_SECONDS", "0.5"), ("SANDBOX_DOCKER_PULL_TIMEOUT_SECONDS", "-1"),
    ])
    func namesTheKeyOfABadValue(_ key: String, _ value: String) {
        let error = #expect(throws: ConfigurationError.self) {
            _ = try DockerConfiguration(
                reader: ConfigurationReader([key: value]),
                stateDirectory: "/s",
                agentPath: "/a"
            )
        }
        #expect(error?.key == key)
    }
}
