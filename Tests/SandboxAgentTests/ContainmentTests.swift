import AgentProtocol
import Foundation
import Glibc
import Testing

@Suite(.enabled(if: SandboxedAgent.isPossible, Comment(rawValue: SandboxedAgent.withoutReason)), .serialized)
struct ContainmentTests {
    private static let listing =
        "import os\nprint(sorted(int(p) for p in os.listdir('/proc') if p.isdigit() and int(p) != os.getpid()))"

    /// Processes that leave their session and parent, one in each language.
    @Test(
        .timeLimit(.minutes(10)),
        arguments: [
            ExecuteRequest.make(
                .python,
                "import os, time\nfor i in range(5):\n  if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)\nprint('x')"
            ),
            ExecuteRequest.make(.shell, "for i in 1 2 3; do (setsid sleep 1000 >/dev/null 2>&1 &) ; done; echo x"),
        ]
    )
    func nothingOutlivesAnExecution(request: ExecuteRequest) async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let before = try await agent.run(.python, Self.listing).out
        #expect(try await agent.run(request).out == "x\n")
        #expect(try await agent.run(.python, Self.listing).out == before)
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10)), arguments: [AgentLanguage.python, .shell])
    func aTimeoutKillsEverythingAndKeepsTheOutput(language: AgentLanguage) async throws {
        let code = [
            AgentLanguage.python:
                "import subprocess, sys, time\nprint('before')\nsubprocess.Popen(['setsid', 'sleep', '1000'])\nwhile True: pass",
            .shell: "echo before; setsid sleep 1000 & while :; do :; done",
        ]
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let before = try await agent.run(.python, Self.listing).out
        var request = ExecuteRequest.make(language, code[language] ?? "")
        // Long enough for a busy machine to get to the loop.
        request.timeout = .seconds(3)
        let end = try await agent.run(request)
        #expect(end.reason == .timedOut)
        #expect(end.out == "before\n")
        #expect(end.metrics.wall >= .seconds(3))
        #expect(try await agent.run(.python, Self.listing).out == before)
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func aForkBombEndsAndTheSandboxGoesOn() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        var request = ExecuteRequest.make(.python, "import os\nwhile True:\n  try: os.fork()\n  except OSError: pass")
        request.timeout = .milliseconds(500)
        request.limits.maximumProcesses = 60
        #expect(try await agent.run(request).reason == .timedOut)
        #expect(try await agent.run(.python, "print(1)").out == "1\n")
        #expect(try await agent.run(.shell, "echo 2").out == "2\n")
        await agent.stop()
    }

    @Test(.timeLimit(.minutes(10))) func codeCannotReachTheAgentOrTheWarmInterpreter() async throws {
        let agent = try await SandboxedAgent.start()
        _ = try await agent.ready()
        let end = try await agent.run(.python, Self.attack)
        #expect(end.reason == .exited(code: 0), "\(end.err)")
        #expect(end.out == "attacks that worked: []\n")
        // Both are alive: the same interpreter serves the next execution.
        #expect(try await agent.run(.python, Self.listing).out == "[1, 2]\n")
        await agent.stop()
    }

    /// Everything that one process of a user can do to another, aimed at the agent and at the zygote.
    private static let attack = #"""
        import ctypes, fcntl, os, resource
        libc = ctypes.CDLL(None, use_errno=True)
        worked = []

        def attempt(name, action):
            try:
                if action() not in (-1, False): worked.append(name)
            except OSError: pass

        def call(name, *arguments): return lambda: getattr(libc, name)(*arguments)

        for pid in (1, 2):
            for path in ('mem', 'environ', 'maps', 'io'):
                attempt(f'{path} {pid}', lambda: open(f'/proc/{pid}/{path}', 'rb').read(1))
            attempt(f'oom_score_adj {pid}', lambda: open(f'/proc/{pid}/oom_score_adj', 'w').write('1000'))
            attempt(f'fd {pid}', lambda: os.listdir(f'/proc/{pid}/fd'))
            attempt(f'cwd {pid}', lambda: os.readlink(f'/proc/{pid}/cwd'))
            for signal in (9, 19, 34):
                attempt(f'kill {pid}', lambda: os.kill(pid, signal) is None)
                attempt(f'killpg {pid}', lambda: os.killpg(pid, signal) is None)
                attempt(f'tkill {pid}', call('syscall', 200, pid, signal))
                attempt(f'tgkill {pid}', call('syscall', 234, pid, pid, signal))
            attempt(f'pidfd_open {pid}', lambda: os.pidfd_open(pid))
            directory = os.open(f'/proc/{pid}', os.O_DIRECTORY)
            attempt(f'pidfd_send_signal {pid}', call('syscall', 424, directory, 9, None, 0))
            attempt(f'ptrace attach {pid}', call('ptrace', 16, pid, None, None))
            attempt(f'ptrace seize {pid}', call('ptrace', 0x4206, pid, None, None))
            attempt(f'process_vm_readv {pid}', call('syscall', 310, pid, None, 0, None, 0, 0))
            attempt(f'owner {pid}', lambda: fcntl.fcntl(1, fcntl.F_SETOWN, pid) == 0)
            attempt(f'group owner {pid}', lambda: fcntl.fcntl(1, fcntl.F_SETOWN, -pid) == 0)
            attempt(f'nice {pid}', lambda: os.setpriority(os.PRIO_PROCESS, pid, 19) is None)
            attempt(f'affinity {pid}', lambda: os.sched_setaffinity(pid, [0]) is None)
            attempt(f'prlimit {pid}', lambda: resource.prlimit(pid, resource.RLIMIT_NOFILE))
        attempt('owner by pointer', lambda: fcntl.fcntl(1, 15, b'\0\0\0\0\2\0\0\0'))
        attempt('owner by ioctl', lambda: fcntl.ioctl(1, 0x8901, b'\2\0\0\0'))
        attempt('everything', lambda: os.kill(-1, 9) is None)
        attempt('nice for all', lambda: os.setpriority(os.PRIO_USER, 0, 19) is None)
        attempt('user name space', call('unshare', 0x10000000))
        attempt('clone with one', call('syscall', 56, 0x10000000 | 17, None, None, None, None))
        attempt('clone3', call('syscall', 435, None, 0))
        attempt('mount', call('mount', b'none', b'/tmp', b'tmpfs', 0, None))
        attempt('io_uring', call('syscall', 425, 1, None))
        attempt('bpf', call('syscall', 321, 0, None, 0))
        attempt('keys', call('syscall', 250, 0, -3, 0, 0, 0))
        attempt('root', lambda: open('/file', 'w'))
        attempt('capabilities', lambda: int(open('/proc/self/status').read().split('CapEff:')[1].split()[0], 16) != 0)
        print('attacks that worked:', worked)
        """#
}
