internal import AgentProtocol
public import SandboxRuntime
import ServiceKit

extension DockerRuntime {
    public func capabilities() async -> RuntimeCapabilities {
        let (known, trial) = self.state.withLock { state in
            state.trials += 1
            return (state.capabilities, state.trials)
        }
        if var known {
            known.images = self.images.names
            return known
        }
        let found = await self.tryOut(number: trial)
        // What failed is tried again by the next caller: it may have been repaired.
        if found.problem == nil { self.state.withLock { $0.capabilities = found } }
        return found
    }

    /// Starts a sandbox and looks around in it.
    private func tryOut(number: Int) async -> RuntimeCapabilities {
        var found = self.expectation
        let directory = "\(self.files.directory)/trial-\(number)"
        do throws(RuntimeError) {
            guard let image = self.trialImage else {
                throw RuntimeError(.unavailable, "the Docker daemon has no image: build some with images/build.sh")
            }
            let spec = SandboxSpec(
                id: try SandboxID("trial-\(number)"),
                image: image,
                warmLanguages: [],
                directory: directory
            )
            let (sandbox, ready) = try await self.launch(spec)
            for support in ready.languages {
                found.languages[CodeLanguage(support.language)] =
                    support.problem.map { .missing(reason: $0) } ?? .available
            }
            await self.lookAround(in: sandbox, &found)
            await sandbox.stop()
        } catch {
            found.problem = error.message
        }
        let trial = SandboxDirectory(path: directory)
        // What stays is removed by the next trial's `create`, or seen in the state directory.
        _ = try? await self.threads.run { () throws(RuntimeError) in try trial.remove() }
        return found
    }

    private func lookAround(in sandbox: DockerSandbox, _ found: inout RuntimeCapabilities) async {
        // In an image without a shell the network mode is believed.
        guard found.languages[.shell] == .available else {
            found.isolatesNetwork = true
            return
        }
        let code = "while read name rest; do case $name in *:) echo $name;; esac; done < /proc/net/dev"
        let order = ExecutionOrder(
            id: OrderID("trial"),
            language: .shell,
            code: Array(code.utf8),
            timeout: .seconds(5)
        )
        do throws(RuntimeError) {
            let report = try await sandbox.execute(order)
            found.isolatesNetwork = String(decoding: report.stdout.bytes, as: UTF8.self).trimmed == "lo:"
        } catch {
            found.problem = "the trial sandbox ran nothing: \(error)"
        }
    }

    /// One of ours if there is one.
    private var trialImage: String? {
        let names = self.images.names
        return names.first { $0.contains("python-basic") } ?? names.first { $0.hasPrefix("sandbox-") } ?? names.first
    }

    /// What should hold, before a sandbox was seen.
    private var expectation: RuntimeCapabilities {
        func limit(_ holds: Bool, _ what: String) -> RuntimeCapabilities.Limit {
            holds
                ? RuntimeCapabilities.Limit(.engine)
                : RuntimeCapabilities.Limit(.none, note: "the Docker daemon's host cannot limit \(what)")
        }
        return RuntimeCapabilities(
            memory: limit(self.info.limitsMemory, "memory"),
            cpu: limit(self.info.limitsCPU, "the processor"),
            processes: self.info.limitsProcesses
                ? RuntimeCapabilities.Limit(.engine)
                : RuntimeCapabilities.Limit(.processLimit, note: "the Docker daemon's host cannot count processes"),
            disk: RuntimeCapabilities.Limit(
                .processLimit,
                note: "of each file; the sum is measured, and judged by who starts the sandbox"
            ),
            isolatesNetwork: false,
            isolatesUsers: self.isRoot,
            languages: [:],
            survivesRestart: true,
            images: self.images.names
        )
    }
}
