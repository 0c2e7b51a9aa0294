/// The program of a Node.js process: it starts up, rehearses, and waits on descriptor 3 for its one execution.
enum NodeProgram {
    static let text = #"""
        'use strict';
        const fs = require('fs');
        const Module = require('module');
        const FILE = process.cwd() + '/main.js';
        const HANDLER = Symbol('handler');
        const [read, write] = [fs.readSync, fs.writeSync];
        const exit = process.exit.bind(process);
        const stringify = JSON.stringify;

        function load(code) {
          const main = new Module(FILE, null);
          main.filename = FILE;
          main.paths = Module._nodeModulePaths(process.cwd());
          main[HANDLER] = undefined;
          const tail = '\n;module[Object.getOwnPropertySymbols(module).find((s) => s.description === "handler")] ='
            + ' typeof handler === "undefined" ? undefined : handler;';
          main._compile(code + tail, FILE);
          const found = main[HANDLER] || (main.exports && main.exports.handler);
          return typeof found === 'function' ? found : undefined;
        }

        function receive(length) {
          const bytes = Buffer.allocUnsafe(length);
          for (let at = 0; at < length;) {
            const count = read(3, bytes, at, length - at, null);
            if (count === 0) exit(0);
            at += count;
          }
          return bytes;
        }

        let isAnswered = false;
        function answer(kind, status, payload) {
          if (isAnswered) return;
          isAnswered = true;
          const bytes = Buffer.alloc(25 + payload.length);
          bytes.writeUInt32LE(21 + payload.length, 0);
          bytes[4] = kind.charCodeAt(0);
          bytes.writeUInt32LE(status, 5);
          bytes.writeUInt32LE(cpuBefore, 9);
          payload.copy(bytes, 25);
          for (let at = 0; at < bytes.length;) at += write(3, bytes, at);
          // The agent looks at what was used and ends this process.
          try { read(3, Buffer.alloc(1), 0, 1, null); } catch { /* The channel is closed: the process ends by itself. */ }
        }

        function summary(error) {
          let line;
          try { line = error instanceof Error ? `${error.name}: ${error.message}` : String(error); } catch { line = 'Error'; }
          return Buffer.from(line.split('\n')[0].slice(0, 1000));
        }

        let failure;
        function fail(error) {
          if (process.listenerCount('uncaughtException') > 0) throw error;
          failure = error;
          let text;
          try {
            text = error instanceof Error && typeof error.stack === 'string' ? error.stack : 'Uncaught ' + String(error);
          } catch { text = 'Uncaught error'; }
          const ours = /^\s+at .*(\[eval\]|node:internal\/(modules|process|vm|main))/;
          process.stderr.write(text.split('\n').filter((line) => !ours.test(line)).join('\n') + '\n');
          exit(1);
        }

        function rehearse() {
          const handler = load('exports.handler = (event) => ({ sum: event.a + event.b });');
          stringify(handler(JSON.parse('{"a":1,"b":2}')));
        }

        rehearse();
        const order = receive(receive(4).readUInt32LE(0));
        const cpu = process.cpuUsage();
        const cpuBefore = cpu.user + cpu.system;
        let position = 0;
        function next() {
          const length = order.readUInt32LE(position);
          const section = order.toString('utf8', position + 4, position + 4 + length);
          position += 4 + length;
          return section;
        }
        const [code, event, executionId, seconds, limit] = [next(), next(), next(), Number(next()), Number(next())];
        while (position < order.length) { const name = next(); process.env[name] = next(); }
        process.argv.splice(1, Infinity, FILE);
        process.on('uncaughtExceptionMonitor', (error) => { if (process.listenerCount('uncaughtException') === 0) fail(error); });
        process.on('exit', (status) => { if (failure !== undefined && status !== 0) answer('E', status, summary(failure)); });

        const end = Date.now() + seconds * 1000;
        const context = {
          functionName: 'handler',
          executionId,
          awsRequestId: executionId,
          getRemainingTimeInMillis: () => Math.max(0, end - Date.now()),
        };

        async function run(handler) {
          const value = await handler(event === '' ? {} : JSON.parse(event), context);
          let text;
          try {
            text = stringify(value === undefined ? null : value);
            if (text === undefined) throw new TypeError(`a ${typeof value} has no JSON form`);
          } catch (error) {
            const problem = new TypeError('the return value of handler is not JSON: ' + error.message);
            problem.stack = `${problem.name}: ${problem.message}`;
            throw problem;
          }
          const bytes = Buffer.from(text);
          if (bytes.length > limit) {
            const message = `RangeError: the return value of handler has ${bytes.length} bytes of JSON, ${limit} are allowed`;
            process.stderr.write(message + '\n');
            answer('L', 1, Buffer.from(message));
            return exit(1);
          }
          process.once('exit', (status) => answer('R', status, bytes));
          exit(process.exitCode || 0);
        }

        try {
          const handler = load(code);
          if (handler) run(handler).catch(fail);
        } catch (error) { fail(error); }
        """#
}
