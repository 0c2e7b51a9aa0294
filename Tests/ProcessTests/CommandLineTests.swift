import Foundation
import JSON
import TestProcesses
import TestSpawn
import Testing

extension RealProcesses {
    /// The client commands, as a person types them.
    @Suite(.timeLimit(.minutes(10))) struct CommandLineTests {
        struct Outcome {
            var status: ProgramEnd
            var output: String
            var errors: String
        }

        /// Where the files lie that are run and copied.
        private let folder: String

        init() throws {
            self.folder = NSTemporaryDirectory() + "process-test-files-\(UUID().uuidString)"
            try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        }

        private func with(_ environment: [String: String] = [:], _ body: (API) async throws -> Void) async throws {
            defer { try? FileManager.default.removeItem(atPath: self.folder) }
            try await Server.with(environment: environment) { try await body(try $0.api) }
        }

        private func file(_ name: String, _ text: String) throws -> String {
            try text.write(toFile: "\(self.folder)/\(name)", atomically: false, encoding: .utf8)
            return name
        }

        private func sandbox(_ base: String, _ words: [String], input: String? = nil) async throws -> Outcome {
            let process = try ChildProcess(
                Programs.sandbox,
                words,
                environment: ["SANDBOX_URL": base],
                input: input,
                directory: self.folder
            )
            let status = try await process.end()
            return Outcome(status: status, output: process.output, errors: process.errors)
        }

        @Test func runEndsAsTheProgramDid() async throws {
            try await self.with { api in
                let hello = try self.file("hello.py", "print('hello')")
                var ran = try await self.sandbox(api.base, ["run", hello])
                #expect(ran.status == .exit(0) && ran.output == "hello\n" && ran.errors == "", "\(ran)")

                let adds = try self.file("add.py", "def handler(event): return event['a'] + event['b']")
                ran = try await self.sandbox(api.base, ["run", adds, "--event", "{\"a\": 40, \"b\": 2}"])
                #expect(ran.status == .exit(0) && ran.output == "42\n", "\(ran)")

                let exits = try self.file(
                    "exits.py",
                    "import sys\nprint('out')\nprint('err', file=sys.stderr)\nsys.exit(7)"
                )
                ran = try await self.sandbox(api.base, ["run", exits])
                #expect(ran.status == .exit(7) && ran.output == "out\n" && ran.errors == "err\n", "\(ran)")

                let raises = try self.file("raises.py", "\nraise ValueError('boom')")
                ran = try await self.sandbox(api.base, ["run", raises])
                #expect(ran.status == .exit(1) && ran.output == "", "\(ran)")
                #expect(ran.errors.contains("line 2") && ran.errors.contains("ValueError: boom"), "\(ran)")

                let wrong = try self.file("wrong.py", "x = 1\ny = = 2")
                ran = try await self.sandbox(api.base, ["run", wrong])
                #expect(ran.status == .exit(1), "\(ran)")
                #expect(ran.errors.contains("SyntaxError") && ran.errors.contains("line 2"), "\(ran)")

                let loops = try self.file("loops.py", "while True: pass")
                ran = try await self.sandbox(api.base, ["run", loops, "--timeout", "1"])
                #expect(ran.status == .exit(124) && ran.errors.contains("--timeout"), "\(ran)")

                let shell = try self.file("job.sh", "echo \"$GREETING\"; exit 3")
                ran = try await self.sandbox(api.base, ["run", shell, "--env", "GREETING=hi"])
                #expect(ran.status == .exit(3) && ran.output == "hi\n", "\(ran)")

                ran = try await self.sandbox(api.base, ["run", "-"], input: "print(6 * 7)")
                #expect(ran.status == .exit(0) && ran.output == "42\n", "\(ran)")

                ran = try await self.sandbox(api.base, ["run", hello, "--json"])
                let answer = try JSONObjectReader(Array(ran.output.utf8))
                #expect(try answer.string("status") == "completed" && answer.string("stdout") == "hello\n")

                // Nothing is left of all that.
                #expect(try await api.get("/sessions").int("total") == 0)
            }
        }

        @Test func whatCannotRunIsSaid() async throws {
            try await self.with(["SANDBOX_NODE_PATH": "/nowhere/node"]) { api in
                let script = try self.file("hello.js", "console.log(1)")
                var ran = try await self.sandbox(api.base, ["run", script])
                #expect(ran.status != .exit(0) && ran.errors.contains("/nowhere/node"), "\(ran)")

                ran = try await self.sandbox(api.base, ["run", "absent.py"])
                #expect(ran.status == .exit(1) && ran.errors.contains("absent.py"), "\(ran)")

                let unknown = try self.file("program.xyz", "1")
                ran = try await self.sandbox(api.base, ["run", unknown])
                #expect(ran.status == .exit(64) && ran.errors.contains("--language"), "\(ran)")

                let hello = try self.file("hello.py", "print('hello')")
                ran = try await self.sandbox(api.base, ["run", hello, "--template", "absent"])
                #expect(ran.status == .exit(1) && ran.errors.contains("absent"), "\(ran)")

                ran = try await self.sandbox(api.base, ["run", hello, "--event", "{"])
                #expect(ran.status == .exit(64) && ran.errors.contains("--event"), "\(ran)")
            }
        }

        @Test func aSessionFromItsBeginningToItsEnd() async throws {
            try await self.with { api in
                func sandbox(_ words: String...) async throws -> String {
                    let ran = try await self.sandbox(api.base, words)
                    #expect(ran.status == .exit(0) && ran.errors == "", "\(words): \(ran)")
                    return ran.output
                }
                #expect(try await sandbox("session", "create", "--id", "build-7") == "build-7\n")
                _ = try await api.running("build-7")
                #expect(try await sandbox("session", "list").contains("build-7"))
                #expect(try await sandbox("session", "get", "build-7").contains("running"))

                let data = try self.file("data.csv", "1,2\n")
                #expect(try await sandbox("files", "upload", "build-7", data, "--to", "in/a.csv").contains("in/a.csv"))
                let code = "open('out.txt', 'w').write(open('in/a.csv').read() * 2)\nprint('done')"
                let job = try self.file("job.py", code)
                #expect(try await sandbox("exec", "run", "build-7", job) == "done\n")
                #expect(try await sandbox("files", "list", "build-7").contains("out.txt"))
                _ = try await sandbox("files", "download", "build-7", "out.txt")
                #expect(try String(contentsOfFile: "\(self.folder)/out.txt", encoding: .utf8) == "1,2\n1,2\n")
                #expect(try await sandbox("files", "download", "build-7", "out.txt", "--to", "-") == "1,2\n1,2\n")

                let id = try await sandbox("exec", "run", "build-7", job, "--detach").trimmingCharacters(in: .newlines)
                #expect(try await sandbox("exec", "result", id, "--wait", "60") == "done\n")
                #expect(try await sandbox("exec", "list", "build-7").contains(id))

                let status = try await self.sandbox(api.base, ["status"])
                #expect(status.status == .exit(0) && status.output.contains("healthy"), "\(status)")
                #expect(try await sandbox("template", "list").contains("python-basic"))
                #expect(try await sandbox("session", "terminate", "build-7").contains("terminated"))
                #expect(try await sandbox("session", "delete", "build-7") == "build-7\n")
                #expect(try await self.sandbox(api.base, ["session", "get", "build-7"]).status == .exit(1))
            }
        }

        @Test(arguments: [["status"], ["run", "-"], ["session", "list"], ["exec", "result", "x"]])
        func withoutAServerItSaysWhatToDo(_ words: [String]) async throws {
            defer { try? FileManager.default.removeItem(atPath: self.folder) }
            // Nobody can listen on port 1 but root, and nobody does.
            let ran = try await self.sandbox("http://127.0.0.1:1", words, input: "")
            #expect(ran.status == .exit(1), "\(ran)")
            #expect(ran.errors.contains("http://127.0.0.1:1") && ran.errors.contains("sandbox serve"), "\(ran)")
        }

        @Test(arguments: [[], ["run"], ["session"], ["session", "create"], ["serve"], ["files"], ["status"]])
        func everyCommandExplainsItself(_ words: [String]) async throws {
            defer { try? FileManager.default.removeItem(atPath: self.folder) }
            let ran = try await self.sandbox("", words + ["--help"])
            #expect(ran.status == .exit(0) && ran.errors == "", "\(ran)")
            #expect(ran.output.contains("Usage: " + (["sandbox"] + words).joined(separator: " ")), "\(ran)")
        }
    }
}
