// Runs the embedded Lean: loads the WebAssembly module, calls the functions that it exports, and stands between
// Lean code and the outside world.
//
//   node host.cjs '{"home": DIR, "leanPath": [DIR, ...], "mode": "server" | "frontend", "imports": ["LemmaForge"], "seen": null}'
//
// The third mode, "program", is told in program.cjs.
//
// Two threads. The main thread owns standard input and the clock; it is never busy, so it can always end the process
// or interrupt a step that runs too long. The other thread runs Lean, with a stack of its own size (a deep proof term needs
// hundreds of megabytes), and blocks while it waits for a line.
//
// The token that marks our own lines (docs/protocol.md, "Framing") stays on the JavaScript side: no Lean code can reach it.
'use strict';
const fs = require('fs'), path = require('path'), vm = require('vm');
const threads = require('worker_threads');
const v8 = require('v8');
const invokeWithoutJavaScript = require('./invoke.cjs');
const Oleans = require('./oleans.cjs');
const program = require('./program.cjs');
const { FALSE, TRUE, box, unbox, valuesOf } = require('./values.cjs');

const LEAN_STACK = 256 << 20; // Lean's own stack inside WebAssembly memory, bytes
const STACK_RESERVE = 1 << 20; // where Lean's stack counts as full, bytes before its end
const MODULES_AREA = 768 << 20; // memory that a front end keeps modules in, bytes
const THREAD_STACK_MB = 400; // the machine stack under it: a WebAssembly frame takes more of this one
const POLL_MS = 20; // how often deadlines are looked at
const FATAL = 70; // exit code when the runtime is beyond repair (EX_SOFTWARE)

// A function of lean.wasm is validated when it is first called, not all 200,000 of them at every start.
v8.setFlagsFromString('--wasm-lazy-validation');

if (threads.isMainThread) begin(JSON.parse(process.argv[2]));
else if (threads.workerData.config.mode === 'program') runProgram(threads.workerData);
else runLean(threads.workerData);

function begin(config) {
  if (config.mode === 'program') program.attend(startLean({ config, argv: process.argv.slice(3) }), config);
  else ownTheProcess(config);
}

function startLean(workerData, transferList = []) {
  const lean = new threads.Worker(__filename, {
    workerData, transferList, resourceLimits: { stackSizeMb: THREAD_STACK_MB, maxOldGenerationSizeMb: 1024 },
  });
  lean.on('error', (error) => { process.stderr.write(`lemmaforge host: ${error.message}\n`); process.exit(FATAL); });
  return lean;
}

// ---------------------------------------------------------------- main thread: input, clock, end of the process

function ownTheProcess(config) {
  const turns = new Int32Array(new SharedArrayBuffer(4)); // how many lines were handed over
  const { port1: port, port2: leanEnd } = new threads.MessageChannel();
  const lean = startLean({ config, turns, port: leanEnd }, [leanEnd]);
  lean.on('exit', (code) => process.exit(code));

  const waiting = []; // {line, id, cancelled}
  let idle = false, running = null;
  const handOver = () => {
    if (!idle || !waiting.length) return;
    const next = waiting.shift();
    idle = false;
    running = next;
    port.postMessage(next);
    Atomics.add(turns, 0, 1);
    Atomics.notify(turns, 0);
  };

  let control = null; // where Lean keeps its interrupt switches, once it runs
  const memory = () => new Int32Array(control.memory.buffer);
  const interrupt = () => {
    const token = Atomics.load(memory(), control.token >> 2);
    Atomics.store(memory(), (token + control.switchOffset) >> 2, TRUE);
  };
  const cancel = (id) => {
    const request = waiting.find((one) => one.id === id);
    if (request) request.cancelled = true;
    else if (control && running?.id === id) { Atomics.store(memory(), control.cancelled >> 2, TRUE); interrupt(); }
  };
  port.on('message', (message) => {
    if (message === 'idle') { idle = true; running = null; handOver(); return; }
    control = message;
    setInterval(() => {
      const due = unbox(Atomics.load(memory(), control.deadline >> 2));
      if (due && now() - control.startedAt > due) interrupt();
    }, POLL_MS).unref();
  });

  let rest = [];
  process.stdin.on('data', (chunk) => {
    let from = 0;
    for (let at; (at = chunk.indexOf(10, from)) >= 0; from = at + 1) {
      rest.push(chunk.subarray(from, at));
      const line = Buffer.concat(rest).toString('utf8');
      rest = [];
      const request = parsed(line);
      if (request?.method === 'cancel') cancel(request.params?.request);
      else if (line.trim()) waiting.push({ line, id: request?.id, cancelled: false });
    }
    rest.push(chunk.subarray(from));
    handOver();
  });
  // Nobody is left to read an answer (the client closed the pipe, or died): stop at once, whatever Lean is doing.
  process.stdin.on('end', () => (idle ? process.exit(0) : process.kill(process.pid, 'SIGKILL')));
}

function now() { return performance.timeOrigin + performance.now(); } // milliseconds that no change of the wall clock moves, the same in both threads

function parsed(line) { try { return JSON.parse(line); } catch { return null; } }

// ---------------------------------------------------------------- Lean's thread

function runLean({ config, turns, port }) {
  const { home, mode } = config;
  let taken = 0;
  const next = () => {
    port.postMessage('idle');
    while (Atomics.load(turns, 0) === taken) Atomics.wait(turns, 0, taken);
    taken += 1;
    return threads.receiveMessageOnPort(port).message;
  };
  const token = parsed(next().line)?.token;
  if (!token) fatal('the first line on standard input must be {"token": ...}');
  const reply = (value) => writeAll(1, `\n${token} ${typeof value === 'string' ? value : JSON.stringify(value)}\n`);

  const writable = new Set();
  loadGlue(home, writable, (stackLimit) => {
    try {
      const lean = openRuntime(home, config, writable, stackLimit);
      if (mode === 'server') serve(lean, config, next, reply, port);
      else frontend(lean, config, next, reply);
    } catch (error) {
      fatal(describe(error));
    }
  });
}

function runProgram({ config, argv }) {
  const writable = new Set();
  loadGlue(config.home, writable, (stackLimit) => {
    try {
      giveStack(globalThis.wasmExports, stackLimit);
      new program.FollowingOleans(valuesOf(globalThis.wasmExports), config.seen);
      program.run(globalThis.wasmExports, config, argv, writable, withoutTrace);
    } catch (error) {
      fatal(describe(error));
    }
  }, () => program.setEnvironment(config));
}

function fatal(what) { fs.writeSync(2, `lemmaforge host: ${what}\n`); process.kill(process.pid, 'SIGABRT'); }

// A C++ exception arrives as the address of the thrown object, with its message (a std::string) four bytes in.
function describe(error) {
  if (error instanceof RangeError) return 'Stack overflow detected. Aborting.'; // what a native Lean says
  if (typeof error !== 'number') return error?.stack ?? String(error);
  const bytes = new Uint8Array(globalThis.wasmMemory.buffer), words = new Uint32Array(globalThis.wasmMemory.buffer);
  const at = error + 4, long = bytes[at + 11] & 0x80;
  const [start, size] = long ? [words[at >> 2], words[(at >> 2) + 1]] : [at, bytes[at + 11]];
  return `uncaught exception in Lean's runtime: ${Buffer.from(bytes.slice(start, start + Math.min(size, 4096))).toString('utf8')}`;
}

function writeAll(fd, data) {
  const bytes = typeof data === 'string' ? Buffer.from(data, 'utf8') : data;
  for (let at = 0; at < bytes.length;) {
    try { at += fs.writeSync(fd, bytes, at); } catch (error) {
      if (error.code === 'EAGAIN') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1); // a full non-blocking pipe
      else if (error.code === 'EPIPE') process.kill(process.pid, 'SIGKILL');
      else throw error;
    }
  }
}

// The file system as Lean's runtime gets it. Lean code sees the folders that are mounted for it, and of those may change only the ones
// in `writable`: never the installation that other processes share.
function guardedFileSystem(writable) {
  const guard = (file) => {
    const parent = path.dirname(path.resolve(String(file)));
    const real = path.join(fs.existsSync(parent) ? fs.realpathSync(parent) : parent, path.basename(String(file)));
    if ([...writable].some((dir) => real === dir || real.startsWith(dir + path.sep))) return;
    throw Object.assign(new Error(`${file} is not to be changed from here`), { code: 'EROFS' });
  };
  const { O_WRONLY, O_RDWR, O_CREAT, O_TRUNC } = fs.constants;
  const guarded = { ...fs };
  guarded.openSync = (file, flags, ...rest) => {
    if (flags & (O_WRONLY | O_RDWR | O_CREAT | O_TRUNC)) guard(file);
    return fs.openSync(file, flags, ...rest);
  };
  for (const name of ['unlinkSync', 'rmdirSync', 'mkdirSync', 'truncateSync', 'chmodSync', 'utimesSync', 'writeFileSync']) {
    guarded[name] = (file, ...rest) => { guard(file); return fs[name](file, ...rest); };
  }
  guarded.renameSync = (from, to) => { guard(from); guard(to); return fs.renameSync(from, to); };
  guarded.symlinkSync = (target, file) => { guard(file); guard(path.resolve(path.dirname(file), target)); return fs.symlinkSync(target, file); };
  return guarded;
}

function loadGlue(home, writable, ready, beforeStart = () => {}) {
  const allowed = { fs: guardedFileSystem(writable), crypto: require('crypto'), os: require('os'), util: require('util'), worker_threads: threads };
  let stackLimit = null; // set before the runtime is ready
  globalThis.Module = {
    noInitialRun: true,
    preRun: [beforeStart],
    locateFile: (file) => path.join(home, file),
    stdin: () => null, // requests are not for the code under test to read
    onRuntimeInitialized: () => ready(stackLimit),
    instantiateWasm(imports, done) {
      const program = new WebAssembly.Module(fs.readFileSync(path.join(home, 'lean.wasm')));
      const connect = invokeWithoutJavaScript(program, imports);
      const instance = new WebAssembly.Instance(program, imports);
      stackLimit = connect(instance.exports);
      Oleans.connect(instance.exports);
      done(instance, program);
    },
    onAbort: (what) => { fs.writeSync(2, `lemmaforge host: Lean's runtime aborted: ${what}\n`); process.kill(process.pid, 'SIGABRT'); },
  };
  console.log = () => {}; // this build of Lean traces its own start-up there
  globalThis.require = (name) => {
    if (!(name in allowed)) throw new Error(`Lean's runtime asks for ${name}, which it does not need`);
    return allowed[name];
  };
  globalThis.__filename = path.join(home, 'lean.js');
  globalThis.__dirname = home;
  vm.runInThisContext(fs.readFileSync(globalThis.__filename, 'utf8'), { filename: globalThis.__filename });
}

// This build of Lean traces its own work on standard error: writes that begin with `[DEBUG:`, each perhaps followed by
// indented ones that belong to it, about files and about `mainModule?`.
function withoutTrace(write) {
  let tracing = false;
  return (bytes) => {
    if (bytes.length === 0) return;
    const start = bytes.toString('latin1', 0, 20);
    tracing = /^\[DEBUG:[A-Z]+\] /.test(start) || (tracing && /^  (- |mainModule\? = )/.test(start));
    if (!tracing) write(bytes);
  };
}

function openRuntime(home, config, writable, stackLimit) {
  const e = globalThis.wasmExports, FS = globalThis.FS;
  for (const fd of [1, 2]) {
    const stream = FS.streams[fd], write = withoutTrace((bytes) => writeAll(fd, bytes));
    stream.stream_ops = {
      ...stream.stream_ops,
      write(_, buffer, offset, length) { write(Buffer.from(buffer.slice(offset, offset + length))); return length; },
    };
  }
  const mounted = new Set();
  const mount = (dir) => {
    const real = path.resolve(dir);
    if ([...mounted].some((top) => real === top || real.startsWith(top + '/'))) return;
    if (!fs.existsSync(real)) return;
    FS.mkdirTree(real);
    FS.mount(globalThis.NODEFS, { root: real }, real);
    mounted.add(real);
  };
  [home, ...config.leanPath].sort((a, b) => a.length - b.length).forEach(mount);
  const mountWritable = (dir) => { mount(dir); writable.add(fs.realpathSync(dir)); };
  if (config.mode === 'frontend') { mountWritable(process.cwd()); FS.chdir(process.cwd()); }

  const lean = { ...valuesOf(e), mount, mountWritable };
  const stack = giveStack(e, stackLimit);
  e.lean_initialize();
  e.lean_init_task_manager_using(1);
  e.lean_io_mark_end_initialization();
  lean.oleans = new Oleans(lean, config.mode === 'frontend' ? MODULES_AREA : 0);
  lean.stack = stack;
  lean.setPath = (dirs, seen) => {
    dirs.forEach(mount);
    lean.value(e.l_Lean_initSearchPath(lean.str(home), lean.list(dirs.map(lean.str))));
    lean.oleans.search([...dirs, path.join(home, 'lib', 'lean')], seen);
  };
  lean.setPath(config.leanPath, config.seen);
  return lean;
}

// The built-in stack is 64 KiB, and running past it corrupts the heap without a word.
function giveStack(e, stackLimit) {
  const low = e.malloc(LEAN_STACK);
  e.emscripten_stack_set_limits(low + LEAN_STACK, low);
  globalThis.stackRestore(low + LEAN_STACK);
  stackLimit.value = low + STACK_RESERVE;
  return { from: low, to: low + LEAN_STACK };
}

// ---------------------------------------------------------------- mode "server": LemmaForge.Server over docs/protocol.md

function serve(lean, config, next, reply, port) {
  const { e } = lean;
  const imports = lean.array(config.imports.map((m) => lean.ctor(0, [lean.name(m)], [0, 1, 0]))); // importAll, isExported, isMeta
  const noOptions = box(0);
  e.lean_enable_initializer_execution();
  // importModules imports opts trustLevel plugins leakEnv loadExts level arts
  const env = lean.value(e.l_Lean_importModules(imports, noOptions, 0, lean.array([]), 1, 0, 0, box(1)));
  e.lean_mark_persistent(env);
  const refs = [e.l_IO_CancelToken_new(), box(0), FALSE].map((value) => e.lean_st_mk_ref(value));
  refs.forEach((ref) => e.lean_mark_persistent(ref));
  const [token, deadline, cancelled] = refs;
  const constant = lean.name('LemmaForge.Server.start');
  const found = e.lean_eval_const(env, noOptions, constant);
  if (lean.tag(found) !== 1) throw new Error(lean.text(lean.field(found, 0)));
  // `BaseIO` has no errors, so its actions give their value as it is.
  const handler = e.lean_apply_2(lean.field(found, 0), lean.ctor(0, refs), box(0));
  const call = (line) => {
    lean.keep(handler);
    const answer = e.lean_apply_2(handler, lean.str(line), box(0));
    e.fflush(0); // a line that the code under test left unfinished
    const text = lean.text(answer);
    lean.drop(answer);
    return text;
  };
  port.postMessage({
    memory: globalThis.wasmMemory, startedAt: now(), switchOffset: switchOffset(lean),
    token: token + 8, deadline: deadline + 8, cancelled: cancelled + 8,
  });
  reply(call(''));
  for (;;) {
    const request = next();
    if (request.cancelled) { reply({ id: request.id, error: { kind: 'cancelled', message: 'cancelled before its turn came' } }); continue; }
    lean.store(cancelled + 8, FALSE);
    reply(call(request.line));
  }
}

// Where inside a cancel token its Bool lies, found by setting one.
function switchOffset(lean) {
  const token = lean.e.l_IO_CancelToken_new();
  const before = [8, 12, 16].map((k) => lean.word(token + k));
  lean.keep(token);
  lean.e.l_IO_CancelToken_set(token);
  const k = [8, 12, 16].findIndex((offset, n) => before[n] === FALSE && lean.word(token + offset) === TRUE);
  if (k < 0) throw new Error('this Lean keeps cancel tokens in a form that the host does not know');
  return [8, 12, 16][k];
}

// ---------------------------------------------------------------- mode "frontend": Lean's own front end, a job a line

function frontend(lean, config, next, reply) {
  const { e } = lean;
  const forget = Oleans.checkpoint(lean.oleans, lean.stack);
  for (;;) {
    const job = JSON.parse(next().line);
    e.lean_enable_initializer_execution(); // holds for one import only
    lean.setPath([...(job.leanPath ?? []), ...config.leanPath], job.seen ?? config.seen);
    for (const file of [job.file, job.olean]) if (file) lean.mountWritable(path.dirname(path.resolve(file)));
    if (job.folder) lean.mount(job.folder);
    const optional = (file) => (file ? lean.some(lean.str(path.resolve(file))) : box(0));
    const ofString = 0; // DataValue
    const options = lean.list(Object.entries(job.options ?? {}).map(([name, value]) => lean.ctor(0, [lean.name(name), lean.ctor(ofString, [lean.str(value)])])));
    // runFrontend input opts fileName mainModule trustLevel olean? ilean? json errorOnKinds plugins printStats setup?
    const env = lean.value(e.l_Lean_Elab_runFrontend(
      lean.str(fs.readFileSync(job.file, 'utf8')), options, lean.str(job.name ?? job.file), lean.name(job.module), 0,
      optional(job.olean), box(0), job.json ? 1 : 0, lean.array([]), lean.array([]), 0, box(0)));
    e.fflush(0);
    reply({ done: env === box(0) ? 1 : 0, heapBytes: lean.oleans.bytes });
    forget();
  }
}
