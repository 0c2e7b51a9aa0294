import AgentProtocol
import Testing

@Suite struct MessageCodingTests {
    static let request = ExecuteRequest(
        id: AgentExecutionID("exec-1"),
        language: .javascript,
        code: Array("let ä = 1".utf8),
        event: Array("{\"a\":1}".utf8),
        environment: [EnvironmentVariable(name: "A", value: ""), EnvironmentVariable(name: "B", value: "x=ü")],
        timeout: .milliseconds(1500),
        stdoutLimit: 1,
        stderrLimit: 2,
        resultLimit: 3,
        limits: ProcessLimits(maximumProcesses: 4, maximumFileSize: 5 << 40, maximumOpenFiles: 6)
    )

    static let end = ExecutionEnd(
        id: AgentExecutionID("exec-1"),
        reason: .exited(code: -1),
        returnValue: [],
        isResultTooLarge: true,
        errorSummary: "ValueError: ö",
        stdout: CapturedOutput(bytes: [0, 255], totalByteCount: 1 << 40),
        stderr: CapturedOutput(bytes: [], totalByteCount: 3),
        metrics: ExecutionMetrics(
            wall: .seconds(4000),
            cpu: .microseconds(7),
            peakMemoryKiB: 8,
            ioReadBytes: .max,
            ioWriteBytes: 9
        )
    )

    @Test(
        arguments: [
            .configure(
                AgentConfiguration(warmLanguages: [.shell, .python], pythonPath: "/p", shellPaths: ["/s", "/t"])
            ),
            .execute(request), .cancel(AgentExecutionID("x")), .shutdown,
        ] as [HostMessage]
    )
    func hostMessagesComeBackAsTheyWere(message: HostMessage) throws {
        #expect(try HostMessage(decoding: self.frame(try message.encoded())) == message)
    }

    @Test(
        arguments: [
            .ready(
                AgentReady(languages: [
                    LanguageSupport(language: .python), LanguageSupport(language: .shell, problem: "no"),
                ])
            ),
            .ended(end), .fault("broken"),
        ] as [AgentMessage]
    )
    func agentMessagesComeBackAsTheyWere(message: AgentMessage) throws {
        #expect(try AgentMessage(decoding: self.frame(try message.encoded())) == message)
    }

    @Test(
        arguments: [
            .exited(code: 0), .signaled(11), .timedOut, .cancelled, .interpreterDied, .outOfMemory,
            .couldNotStart("why"),
        ] as [EndReason]
    )
    func reasonsComeBackAsTheyWere(reason: EndReason) throws {
        let message = AgentMessage.ended(ExecutionEnd(id: AgentExecutionID("x"), reason: reason))
        #expect(try AgentMessage(decoding: self.frame(try message.encoded())) == message)
    }

    @Test func fieldsOfANewerSideAreSkipped() throws {
        var frame = try self.frame(try HostMessage.cancel(AgentExecutionID("x")).encoded())
        frame.payload += [99, 2, 0, 0, 0, 1, 2]
        #expect(try HostMessage(decoding: frame) == .cancel(AgentExecutionID("x")))
        var request = try self.frame(try HostMessage.execute(Self.request).encoded())
        request.payload = [99, 0, 0, 0, 0] + request.payload
        #expect(try HostMessage(decoding: request) == .execute(Self.request))
    }

    @Test func everyCutOffFrameIsAnErrorOrShorter() throws {
        let whole = try self.frame(try HostMessage.execute(Self.request).encoded())
        for count in 0..<whole.payload.count {
            let cut = Frame(kind: whole.kind, payload: Array(whole.payload[..<count]))
            if let message = try? HostMessage(decoding: cut) { #expect(message != .execute(Self.request)) }
        }
    }

    @Test func capturesAreBoundedWhateverARequestSays() throws {
        var request = Self.request
        request.stdoutLimit = .max
        request.resultLimit = -5
        let decoded = try HostMessage(decoding: self.frame(try HostMessage.execute(request).encoded()))
        guard case .execute(let bounded) = decoded else { throw ProtocolError(.malformed, "not an execution") }
        #expect(bounded.stdoutLimit == ExecuteRequest.maximumCapture)
        #expect(bounded.resultLimit == 0)
    }

    @Test func aFrameThatIsTooLongIsNotMade() {
        var request = Self.request
        request.code = [UInt8](repeating: 0x20, count: Frame.maximumLength)
        #expect { try HostMessage.execute(request).encoded() } throws: {
            ($0 as? ProtocolError)?.code == .frameTooLong
        }
    }

    @Test(arguments: [Duration.seconds(-1), .zero, .seconds(Int64.max)])
    func extremeDurationsAreCutOffAndNotTrapped(timeout: Duration) throws {
        var request = Self.request
        request.timeout = timeout
        let decoded = try HostMessage(decoding: self.frame(try HostMessage.execute(request).encoded()))
        guard case .execute(let bounded) = decoded else { throw ProtocolError(.malformed, "not an execution") }
        #expect(bounded.timeout >= .zero)
        #expect(timeout > .zero ? bounded.timeout > .seconds(1 << 40) : bounded.timeout == .zero)
    }

    private func frame(_ bytes: [UInt8]) throws -> Frame {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        return try #require(try decoder.next())
    }
}
