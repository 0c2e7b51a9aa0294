import AgentProtocol
import CSystem
import Glibc

/// The interpreters of a sandbox, and the rule between them: before user code runs, every waiting process of another
/// language is ended, since that code could signal it or look into it. Only the Python zygote stays: it is shielded by
/// the system call filter and its dumpable flag.
final class Interpreters {
    enum Start {
        case started(RunningExecution)
        /// Its interpreter is on its way.
        case wait
        case impossible(EndReason)
    }

    let configuration: AgentConfiguration
    let python: PythonZygote
    let node: NodeInterpreter
    private let shell: Shell?
    private let support: [LanguageSupport]

    /// Failures in a row after which a warm Python is given up.
    static let patience = 3

    init(configuration: AgentConfiguration) {
        self.configuration = configuration
        self.python = PythonZygote(configuration: configuration)
        self.node = NodeInterpreter(configuration: configuration)
        let shellPath = configuration.shellPaths.first { access($0, X_OK) == 0 }
        self.shell = shellPath.map { Shell(path: $0, configuration: configuration) }
        let python = access(configuration.pythonPath, X_OK) == 0
        let node = access(configuration.nodePath, X_OK) == 0
        let tried = configuration.shellPaths.joined(separator: " or ")
        self.support = [
            LanguageSupport(
                language: .python,
                problem: python ? nil : Self.missing("Python 3.11", configuration.pythonPath)
            ),
            LanguageSupport(
                language: .javascript,
                problem: node ? nil : Self.missing("Node.js", configuration.nodePath)
            ),
            LanguageSupport(language: .shell, problem: shellPath == nil ? Self.missing("a shell", tried) : nil),
        ]
    }

    private static func missing(_ what: String, _ path: String) -> String {
        "this sandbox has no \(what): \(path) is missing or not executable"
    }

    var ready: AgentReady { AgentReady(languages: self.support) }

    private func problem(_ language: AgentLanguage) -> String? {
        self.support.first { $0.language == language }?.problem
    }

    private func isWarm(_ language: AgentLanguage) -> Bool {
        self.configuration.warmLanguages.contains(language) && self.problem(language) == nil
    }

    /// What must survive the end of an execution.
    var warmPIDs: [Int32] { [self.python.pid, self.python.idle?.pid, self.node.idle?.pid].compactMap(\.self) }

    /// Why a Python that is there and was promised will not come, if so.
    var hopelessProblem: String? {
        self.python.failures >= Self.patience ? self.python.lastFailure : nil
    }

    /// Starts what is to be kept warm. Returns whether it is there.
    func warmUp() throws(AgentError) -> Bool {
        guard self.isWarm(.python) else { return try self.warmUpNode() }
        try self.python.prepare()
        return self.python.idle != nil ? try self.warmUpNode() : false
    }

    private func warmUpNode() throws(AgentError) -> Bool {
        if self.isWarm(.javascript) { try self.node.prepare(protecting: [self.python.pid].compactMap(\.self)) }
        return true
    }

    /// Hands the request to an interpreter of its language.
    func start(_ request: ExecuteRequest) -> Start {
        if let problem = self.problem(request.language) { return .impossible(.couldNotStart(problem)) }
        do throws(AgentError) {
            switch request.language {
            case .python: return try self.startPython(request)
            case .javascript:
                // A process whose pid is not known yet could not be ended.
                if self.python.isForking { return .wait }
                self.python.discardIdle()
                let worker = try self.node.take(protecting: self.zygotePIDs, limits: request.limits)
                let order = Order.node(request, environment: request.passableEnvironment)
                return .started(RunningExecution(request: request, worker: worker, order: order))
            case .shell:
                guard let shell = self.shell, !self.python.isForking else { return .wait }
                self.python.discardIdle()
                self.node.discardIdle()
                let worker = try shell.start(request, protecting: self.zygotePIDs)
                return .started(RunningExecution(request: request, worker: worker, order: []))
            }
        } catch {
            return .impossible(.couldNotStart(error.message))
        }
    }

    private var zygotePIDs: [Int32] { [self.python.pid].compactMap(\.self) }

    private func startPython(_ request: ExecuteRequest) throws(AgentError) -> Start {
        self.node.discardIdle()
        guard let worker = self.python.take() else {
            try self.python.prepare()
            return .wait
        }
        let order = Order.python(request, environment: request.passableEnvironment)
        return .started(RunningExecution(request: request, worker: worker, order: order))
    }

    func processEnded(_ pid: Int32) {
        if !self.python.processEnded(pid) { _ = self.node.processEnded(pid) }
    }
}
