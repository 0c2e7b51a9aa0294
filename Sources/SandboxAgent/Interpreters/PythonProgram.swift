/// The program of the warm Python interpreter.
///
/// It never runs user code itself: for each order it forks a child, which does a dummy run, so that its pages are
/// copied, and then waits for one execution. What it needs of C (`prctl`, a `clone` that makes the child the agent's and
/// not its own) it calls through `_ctypes` alone, since the `ctypes` package takes milliseconds to import.
enum PythonProgram {
    /// Code given with `-c`: it reads ``text`` from standard input.
    static let loader = "import posix;exec(posix.read(0,1<<17))"

    /// Descriptor 3 is the control channel: a byte with three descriptors (channel, stdout, stderr) asks for a child, the
    /// answer is its pid in 8 bytes, or a negative `errno`.
    static let text = #"""
        import gc
        gc.disable()
        import sys, os, json, marshal, builtins, atexit, io, time, _socket, _ctypes, _sitebuiltins

        class Long(_ctypes._SimpleCData):
            _type_ = 'l'

        class Call(_ctypes.CFuncPtr):
            _flags_ = 5
            _restype_ = Long

        class Pair(_ctypes.Array):
            _type_ = Long
            _length_ = 2

        libc = _ctypes.dlopen(None, 2)
        prctl, syscall, getrlimit, setrlimit, before_fork, after_in_child, after_in_parent = [
            Call(_ctypes.dlsym(libc, name)) for name in
            ('prctl', 'syscall', 'getrlimit', 'setrlimit', 'PyOS_BeforeFork', 'PyOS_AfterFork_Child', 'PyOS_AfterFork_Parent')]
        prctl(4, 0, 0, 0, 0)

        CLONE = {'x86_64': 56, 'aarch64': 220}.get(os.uname().machine)
        MAIN = os.getcwd() + '/main.py'
        CHANNEL = min(1000, os.sysconf('SC_OPEN_MAX') - 1)
        encode, decode = json.JSONEncoder(allow_nan=False).encode, json.loads
        Module, monotonic, cpu_time = type(sys), time.monotonic, time.process_time_ns
        WRITERS = io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom

        async def awaiting(value):
            return await value

        pending = awaiting(None)
        SUSPENDED = type(pending), type(_ for _ in ())
        pending.close()

        def fork():
            tid = Long(0)
            if CLONE is None or prctl(40, _ctypes.byref(tid), 0, 0, 0) != 0:
                return fork_twice()
            before_fork()
            flags, address = Long(0x01208000 | 17), Long(tid.value)
            if CLONE == 56:
                pid = syscall(Long(CLONE), flags, Long(0), Long(0), address, Long(0))
            else:
                pid = syscall(Long(CLONE), flags, Long(0), Long(0), Long(0), address)
            (after_in_parent if pid else after_in_child)()
            if pid < 0:
                raise OSError(11, 'no process')
            return pid

        def fork_twice():
            ours, theirs = os.pipe()
            middle = os.fork()
            if middle == 0:
                pid = os.fork()
                if pid:
                    os.write(theirs, pid.to_bytes(8, 'little'))
                    os._exit(0)
                os.close(ours)
                os.close(theirs)
                return 0
            os.close(theirs)
            answer = os.read(ours, 8)
            os.close(ours)
            os.waitpid(middle, 0)
            if not answer:
                raise OSError(11, 'no process')
            return int.from_bytes(answer, 'little')

        class Context:
            def __init__(self, execution_id, seconds):
                self._clock, self._end = monotonic, monotonic() + seconds
                self.function_name = 'handler'
                self.execution_id = self.aws_request_id = execution_id

            def get_remaining_time_in_millis(self):
                return max(0, int((self._end - self._clock()) * 1000))

            def __repr__(self):
                return f'Context(execution_id={self.execution_id!r})'

        def takes_context(handler):
            seen = 0
            while hasattr(handler, '__wrapped__') and seen < 100:
                handler, seen = handler.__wrapped__, seen + 1
            bound = hasattr(handler, '__self__')
            code = getattr(getattr(handler, '__func__', handler), '__code__', None)
            if code is None:
                method = getattr(type(handler), '__call__', None)
                bound, code = True, getattr(method, '__code__', None)
            return code is not None and code.co_argcount - bound >= 2

        class Loader:
            def __init__(self, code):
                self.code = code

            def get_source(self, name):
                return self.code

            def is_package(self, name):
                return False

        def run(code, event, execution_id, seconds):
            main = Module('__main__')
            scope = main.__dict__
            scope['__builtins__'] = builtins
            scope['__file__'] = MAIN
            scope['__loader__'] = Loader(code)
            sys.modules['__main__'] = main
            exec(compile(code, MAIN, 'exec', 0, True), scope)
            handler = scope.get('handler')
            if not callable(handler):
                return False, None
            event = decode(event) if event else {}
            if takes_context(handler):
                value = handler(event, Context(execution_id, seconds))
            else:
                value = handler(event)
            if hasattr(value, '__await__'):
                import asyncio
                if not asyncio.iscoroutine(value):
                    value = awaiting(value)
                value = asyncio.run(value)
            return True, value

        def remember(code):
            lines = code.splitlines(True)
            sys.modules['linecache'].cache[MAIN] = (len(code), None, lines, MAIN)
            return lines

        def describe(error, code):
            import traceback, linecache
            lines = remember(code)
            trace = error.__traceback__
            while trace and trace.tb_frame.f_globals is globals():
                trace = trace.tb_next
            error.__traceback__ = trace
            if isinstance(error, SyntaxError) and error.filename == MAIN and not error.text and error.lineno:
                error.text = ''.join(lines[error.lineno - 1:error.lineno])
            if sys.excepthook is not sys.__excepthook__:
                sys.excepthook(type(error), error, trace)
            shown = traceback.TracebackException(type(error), error, trace, compact=True)
            if trace is None:
                shown.stack = None
            if sys.excepthook is sys.__excepthook__:
                sys.stderr.write(''.join(shown.format()))
            return ''.join(traceback.format_exception_only(type(error), error)[-1:]).strip()

        def finish():
            threading = sys.modules.get('threading')
            if threading is not None:
                threading._shutdown()
            atexit._run_exitfuncs()
            sys.modules.pop('__main__', None)
            files, is_needed = [], False
            for thing in gc.get_objects():
                kind = type(thing)
                if issubclass(kind, WRITERS):
                    files.append(thing)
                elif hasattr(kind, '__del__') or kind in SUSPENDED:
                    is_needed = True
            if is_needed:
                # Destructors have the program's names until they have run.
                thing = None
                gc.collect()
            for file in files:
                try:
                    file.flush()
                except Exception:
                    pass
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                try:
                    stream.flush()
                except Exception:
                    pass

        def limit(kind, value):
            if value >= 0:
                pair = Pair()
                getrlimit(kind, _ctypes.byref(pair))
                value = int(value) if pair[1] < 0 else min(int(value), pair[1])
                setrlimit(kind, _ctypes.byref(Pair(value, value)))

        def perform(code, event, environment, execution_id, seconds, most, before):
            kind, status, payload, text = b'N', 0, b'', ''
            if environment:
                os.environ.update(environment)
                if 'PYTHONPATH' in environment:
                    sys.path[1:1] = [p for p in environment['PYTHONPATH'].split(':') if p]
                if 'TZ' in environment:
                    time.tzset()
            try:
                try:
                    text = code.decode()
                    if 'linecache' in sys.modules:
                        remember(text)
                    answered, value = run(text, event, execution_id, seconds)
                except UnicodeDecodeError as error:
                    raise SyntaxError('the code is not UTF-8: ' + str(error)) from None
                if answered:
                    try:
                        payload = encode(value).encode('ascii')
                    except (TypeError, ValueError, RecursionError) as error:
                        message = f'{type(error).__name__}: the return value of handler is not JSON: {error}'
                        sys.stderr.write(message + '\n')
                        kind, status, payload = b'E', 1, message.encode('utf-8', 'replace')
                    else:
                        kind = b'R'
                        if len(payload) > most:
                            message = f'ValueError: the return value of handler has {len(payload)} bytes of JSON, {most} are allowed'
                            sys.stderr.write(message + '\n')
                            kind, status, payload = b'L', 1, message.encode()
                    value = None
            except SystemExit as error:
                code = error.code
                if code is None:
                    code = 0
                if not isinstance(code, int):
                    sys.stderr.write(f'{code}\n')
                    payload, code = str(code).encode('utf-8', 'replace')[:1000], 1
                kind, status = b'E' if code & 255 else b'N', code & 255
                error = None
            except BaseException as error:
                kind, status = b'E', 1
                try:
                    payload = describe(error, text).encode('utf-8', 'replace')[:1000]
                except BaseException:
                    payload = type(error).__name__.encode()
                    sys.stderr.write(type(error).__name__ + '\n')
                error = None
            try:
                finish()
            except BaseException as error:
                if kind != b'E':
                    kind, status = b'E', 1
                    payload = (type(error).__name__ + ' at the end of the program').encode()
            times = os.times()
            spent = int((times[2] + times[3]) * 1000000)
            return status, b''.join((
                (len(payload) + 21).to_bytes(4, 'little'), kind, status.to_bytes(4, 'little'),
                before.to_bytes(8, 'little'), spent.to_bytes(8, 'little'), payload))

        def execute(order):
            owner, before = os.getpid(), cpu_time() // 1000
            *order, processes, size, files = order
            limit(6, processes)
            limit(1, size)
            limit(7, files)
            prctl(4, 1, 0, 0, 0)
            gc.enable()
            status, answer = perform(*order, before)
            if os.getpid() != owner:
                # A process that the code forked, and that came back here.
                os._exit(status)
            try:
                while answer:
                    answer = answer[os.write(CHANNEL, answer):]
                # The agent looks at what was used and ends this process.
                os.read(CHANNEL, 1)
            except OSError:
                # The program has closed it: a script needs none.
                if answer[4:5] == b'R':
                    os.write(2, b'OSError: the return value is lost, the program has closed its descriptor\n')
                    status = 1
            os._exit(status)

        def receive():
            data = os.read(CHANNEL, 65536)
            while len(data) >= 4 and len(data) < int.from_bytes(data[:4], 'little') + 4:
                more = os.read(CHANNEL, 1 << 20)
                if not more:
                    os._exit(0)
                data += more
            if len(data) < 4:
                os._exit(0)
            return marshal.loads(memoryview(data)[4:])

        DUMMY = b'import json\ndef handler(event, context=None):\n    return {"sum": event["a"] + event["b"]}\n'

        def rehearse():
            gc.enable()
            prctl(3, 0, 0, 0, 0)
            limit(7, -1.0)
            perform(DUMMY, b'{"a":1,"b":2}', {}, '', 1.0, 100, cpu_time() // 1000)

        def wait(channel, output, errors):
            os.setsid()
            os.dup2(output, 1)
            os.dup2(errors, 2)
            os.dup2(channel, CHANNEL, False)
            for fd in {channel, output, errors}:
                if fd > 2:
                    os.close(fd)
            rehearse()
            execute(receive())

        def serve():
            control = _socket.socket(fileno=3)
            children = 0
            while True:
                data, attached, flags, _ = control.recvmsg(1, 64)
                if not data:
                    os._exit(0)
                given = attached[0][2]
                fds = [int.from_bytes(given[i:i + 4], 'little') for i in (0, 4, 8)]
                if children == 1:
                    # Not before the first code can run: that is not to wait for this.
                    import traceback
                    gc.collect()
                    gc.freeze()
                try:
                    pid = fork()
                except OSError as error:
                    pid = -error.errno
                if pid == 0:
                    control.close()
                    try:
                        wait(*fds)
                    finally:
                        os._exit(70)
                children += 1
                for fd in fds:
                    os.close(fd)
                os.write(3, pid.to_bytes(8, 'little', signed=True))

        for name in ('quit', 'exit'):
            setattr(builtins, name, _sitebuiltins.Quitter(name, 'Ctrl-D (i.e. EOF)'))
        builtins.help = _sitebuiltins._Helper()
        for name in [name for name in os.environ if name.startswith(('LD_', 'MALLOC_'))]:
            del os.environ[name]
        null = os.open('/dev/null', 0)
        os.dup2(null, 0)
        os.close(null)
        sys.path[:0] = ['/workspace']
        sys.path += [p for p in ('/usr/local/lib/python3.11/dist-packages', '/usr/lib/python3/dist-packages') if os.path.isdir(p)]
        sys.argv = [MAIN]
        sys.stdout.reconfigure(line_buffering=True)
        # What is frozen is not looked through at the end of an execution.
        gc.freeze()
        rehearse()
        gc.disable()
        gc.freeze()
        serve()
        """#
}
