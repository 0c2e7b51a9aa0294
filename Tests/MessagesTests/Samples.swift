import Messages

/// One value of every kind, with every field set.
enum Samples {
    static let moment = Timestamp(microseconds: 1_764_018_228_123_456)

    static let template = Template(
        id: TemplateID("python-basic"),
        name: "Größe 🐍",
        imageURL: "image:latest",
        runtime: .nodejs20,
        cpuMillis: 1500,
        memoryMB: 256,
        diskMB: 2048,
        timeoutSeconds: 60,
        environment: ["A": "1", "B": ""],
        isActive: true,
        createdAt: moment,
        updatedAt: moment
    )

    static let spec = SessionSpec(
        id: SessionID("s1"),
        incarnation: Incarnation("i1"),
        templateID: template.id,
        image: "image",
        runtime: .python311,
        resources: Resources(
            cpu: "0.5",
            memory: "512Mi",
            disk: "1Gi",
            cpuMillis: 500,
            memoryBytes: 512 << 20,
            diskBytes: 1 << 30,
            maxProcesses: 64
        ),
        templateEnvironment: ["T": "t"],
        environment: ["E": "e"],
        timeoutSeconds: 100,
        event: Array(#"{"a":12345678901234567890123}"#.utf8),
        dependencies: DependencyRequest(
            dependencies: [Dependency(name: "a", version: "==1"), Dependency(name: "b", version: nil)],
            indexURL: "https://index.example/simple/",
            timeoutSeconds: 30,
            failsSession: true,
            allowsConflicts: true
        ),
        createdAt: moment
    )

    static let session = Session(
        spec: spec,
        status: .failed,
        node: NodeID("n"),
        container: ContainerID("c"),
        problem: Problem("code", "message"),
        dependencies: DependencyState(
            status: .failed,
            installed: [
                InstalledDependency(name: "a", version: "1", location: "/x", installedAt: moment, isFromTemplate: true)
            ],
            errorMessage: "a==1",
            startedAt: moment,
            completedAt: moment
        ),
        version: 9,
        updatedAt: moment,
        completedAt: moment,
        lastActivityAt: moment,
        isRestarting: true
    )

    static let executionSpec = ExecutionSpec(
        id: ExecutionID("e1"),
        session: spec.id,
        incarnation: spec.incarnation,
        code: "print('é\\u0000')\n",
        language: .shell,
        timeoutSeconds: 5,
        event: Array("{}".utf8),
        environment: ["X": "y"],
        retries: 2,
        createdAt: moment
    )

    static let outcome = ExecutionOutcome(
        status: .failed,
        exitCode: 0,
        errorMessage: "",
        stdout: [0, 255, 10],
        stderr: [],
        stdoutBytes: 100,
        stderrBytes: 0,
        returnValue: [],
        artifacts: ["a", ""],
        metrics: ExecutionMetrics(wallMicros: 1, cpuMicros: 2, peakMemoryKiB: 3, readBytes: 4, writtenBytes: 5)
    )

    static let reference = SessionReference(
        session: spec.id,
        incarnation: spec.incarnation,
        container: ContainerID("c")
    )
    static let executionReference = ExecutionReference(execution: executionSpec.id, session: spec.id, attempt: 3)

    static var change: TemplateChange {
        var change = TemplateChange(id: template.id)
        change.name = "n"
        change.environment = [:]
        change.isActive = false
        return change
    }

    static let commands: [Command] = [
        .createTemplate(template), .updateTemplate(change), .deleteTemplate(template.id), .createSession(spec),
        .terminateSession(spec.id), .deleteSession(spec.id), .submit(executionSpec), .cancel(executionReference),
        .reconcile,
    ]

    static let nodeCommands: [NodeCommand] = [
        .ensureSession(spec, container: nil), .ensureSession(spec, container: ContainerID("c")), .endSession(reference),
        .execute(executionSpec, attempt: 2), .cancel(executionReference), .resolve(executionReference), .report,
    ]

    static let events: [Event] = [
        .sessionReady(reference, node: NodeID("n")), .sessionFailed(reference, Problem("c", "m")),
        .containerExited(reference, Problem("c", "m")),
        .executionEnded(
            ExecutionEnded(reference: executionReference, outcome: outcome, startedAt: moment, endedAt: moment)
        ),
        .executionLost(ExecutionLost(reference: executionReference, neverStarted: true, problem: Problem("c", "m"))),
        .executionHeartbeat(executionReference),
        .nodeReport(
            NodeReport(
                node: NodeID("n"),
                boot: Incarnation("b"),
                isFirst: true,
                sessions: [reference],
                executions: [executionReference],
                capacity: 10
            )
        ),
    ]

    static let states: [StateRecord] = [
        .template(template), .session(session),
        .execution(
            Execution(
                spec: executionSpec,
                status: .failed,
                attempt: 2,
                startedAt: moment,
                completedAt: moment,
                outcome: outcome,
                version: 4,
                retriesUsed: 1,
                isCancelRequested: true
            )
        ),
        .decision(Decision(command: CommandID("c"), problem: Problem("c", "m"), findings: ["x": 3])),
    ]
}
