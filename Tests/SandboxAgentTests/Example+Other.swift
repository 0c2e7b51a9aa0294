import AgentProtocol

extension Example {
    static let node: [Example] = [
        Example(
            name: "handler",
            language: .javascript,
            code: "function handler(e) { return e.a + e.b }",
            event: "{\"a\":1,\"b\":2}",
            value: "3"
        ),
        Example(
            name: "async export",
            language: .javascript,
            code:
                "exports.handler = async (e, c) => [c.executionId, await new Promise(r => setTimeout(() => r(4), 5))]",
            value: "[\"e\",4]"
        ),
        Example(
            name: "module export",
            language: .javascript,
            code: "module.exports = { handler: () => undefined }",
            value: "null"
        ),
        Example(
            name: "script",
            language: .javascript,
            code: "console.log(require('path').join('a', 'b')); setTimeout(() => console.error('late'), 5)",
            out: "a/b\n",
            err: "late\n"
        ),
        Example(
            name: "exception",
            language: .javascript,
            code: "\nexports.handler = () => {\n  throw new TypeError('bad')\n}",
            reason: .exited(code: 1),
            err: "TypeError: bad\n    at exports.handler (/workspace/main.js:3:9)\n",
            summary: "TypeError: bad"
        ),
        Example(
            name: "rejection",
            language: .javascript,
            code: "Promise.reject(new Error('left'))",
            reason: .exited(code: 1),
            err: "/workspace/main.js:1",
            summary: "Error: left"
        ),
        Example(
            name: "syntax error",
            language: .javascript,
            code: "let x = 1\nlet y = ;",
            reason: .exited(code: 1),
            err: "/workspace/main.js:2\nlet y = ;",
            summary: "SyntaxError: Unexpected token ';'"
        ),
        Example(name: "exit", language: .javascript, code: "process.exit(4)", reason: .exited(code: 4)),
        Example(
            name: "not JSON",
            language: .javascript,
            code: "exports.handler = () => 1n",
            reason: .exited(code: 1),
            err: "the return value of handler is not JSON",
            summary: "TypeError: the return value of handler is not JSON: Do not know how to serialize a BigInt"
        ),
    ]

    static let shell: [Example] = [
        Example(
            name: "event",
            language: .shell,
            code: "cat; echo; pwd",
            event: "{\"a\":1}",
            out: "{\"a\":1}\n/workspace\n"
        ),
        Example(name: "exit code", language: .shell, code: "echo a; exit 3", reason: .exited(code: 3), out: "a\n"),
        Example(
            name: "unknown command",
            language: .shell,
            code: "\nnosuch",
            reason: .exited(code: 127),
            err: "main.sh: line 2: nosuch: command not found\n"
        ),
        Example(name: "signal", language: .shell, code: "kill -15 $$", reason: .signaled(15)),
        Example(
            name: "a long script",
            language: .shell,
            code: String(repeating: "# a comment\n", count: 20000) + "echo end",
            out: "end\n"
        ),
        Example(
            name: "environment",
            language: .shell,
            code: "env | grep -v -e ^PWD -e ^SHLVL -e ^_= -e ^OLDPWD | sort",
            out: "HOME=/workspace\nLANG=C.UTF-8\nPATH=/usr/local/bin:/usr/bin:/bin\nTMPDIR=/tmp\n"
        ),
    ]
}
