// Mode "program" of host.cjs: one command line of `lean`, run by Lean's own `main` on the standard streams of this process.
//
//   node host.cjs '{"home": DIR, "leanPath": [DIR, ...], "mode": "program", "memory": MB | null, "seen": null,
//                   "writable": [DIR, ...], "after": [PROGRAM, ARGUMENT, ...]}' ARGUMENT...
//
// Nothing stands between the program and its streams, and nothing but the user's own program runs: it may read standard input, sees the
// whole file system, and writes below the working folder, that of temporary files, and those of "writable". "after" is a command to run if Lean ends with 0.
'use strict';
const fs = require('fs'), os = require('os'), path = require('path'), tty = require('tty');
const { spawnSync } = require('child_process');
const Oleans = require('./oleans.cjs');

const UNMOUNTED = ['/dev', '/proc', '/sys']; // emscripten has its own, and the last two are not made of files
const DEVICES = 77; // a major number that emscripten does not use
const PATIENCE_MS = 2; // between two looks at a stream that is not ready and does not block

// ---------------------------------------------------------------- main thread: no work but to end the process as Lean ended

function attend(lean, config) {
  lean.on('exit', (code) => {
    if (code === 0 && config.after.length) code = spawnSync(config.after[0], config.after.slice(1), { stdio: ['ignore', 'inherit', 'inherit'] }).status ?? 1;
    process.exit(code);
  });
}

// ---------------------------------------------------------------- Lean's thread

// The variables of this process in place of those that emscripten makes up. A program that looks for Lean's library would start `lean` without LEAN_SYSROOT.
function setEnvironment({ home, leanPath }) {
  const invented = Object.fromEntries(['USER', 'LOGNAME', 'PATH', 'PWD', 'HOME', 'LANG', '_'].map((name) => [name, undefined]));
  Object.assign(globalThis.ENV, invented, process.env, {
    LEAN_SYSROOT: home, LEAN_PATH: [process.env.LEAN_PATH, ...leanPath].filter(Boolean).join(path.delimiter),
    LLVM_PROFILE_FILE: '/dev/null', // this build counts its own calls, and would leave the counts in the working folder
  });
}

// Calls `attempt` until the stream is ready; what else the system says goes to the program as the error number that it knows.
function blocking(attempt) {
  for (;;) {
    try { return attempt(); } catch (error) {
      if (error.code === 'EOF') return 0;
      if (error.code !== 'EAGAIN') throw new globalThis.FS.ErrnoError(globalThis.NODEFS.convertNodeCode(error));
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PATIENCE_MS);
    }
  }
}

// Connects the standard streams, and the devices of their names, to those of this process. Standard output goes out a line at a time, whatever it is.
// Returns a function that tells whether anything was written to standard error.
function connectStreams(e, withoutTrace) {
  const FS = globalThis.FS;
  const read = (_, buffer, offset, length) => {
    e.fflush(0); // what was asked must be seen before the answer is waited for
    const bytes = Buffer.alloc(length), size = blocking(() => fs.readSync(0, bytes, 0, length, null));
    buffer.set(bytes.subarray(0, size), offset);
    return size;
  };
  const put = (fd) => (bytes) => { for (let at = 0; at < bytes.length;) at += blocking(() => fs.writeSync(fd, bytes, at)); };
  const writing = (write) => (_, buffer, offset, length) => { write(Buffer.from(buffer.slice(offset, offset + length))); return length; };
  let complained = false;
  const complain = withoutTrace((bytes) => { complained = true; put(2)(bytes); });
  const close = () => {};
  const operations = [{ read, close }, { write: writing(put(1)), close }, { write: writing(complain), close }];
  ['stdin', 'stdout', 'stderr'].forEach((name, fd) => {
    const device = FS.makedev(DEVICES, fd), stream = FS.streams[fd];
    FS.registerDevice(device, operations[fd]);
    FS.unlink(`/dev/${name}`);
    FS.mkdev(`/dev/${name}`, device);
    stream.stream_ops = operations[fd];
    if (!tty.isatty(fd)) stream.tty = undefined;
  });
  const LINES = 1; // _IOLBF
  e.setvbuf(new Int32Array(globalThis.wasmMemory.buffer)[e.stdout.value >> 2], 0, LINES, 0);
  return () => complained;
}

function mountAll(config, writable) {
  const FS = globalThis.FS;
  for (const dir of [...fs.readdirSync('/').map((entry) => '/' + entry), '/dev/shm']) {
    if (UNMOUNTED.includes(dir) || !fs.statSync(dir, { throwIfNoEntry: false })?.isDirectory()) continue;
    FS.mkdirTree(dir);
    FS.mount(globalThis.NODEFS, { root: fs.realpathSync(dir) }, dir);
  }
  for (const dir of [process.cwd(), os.tmpdir(), ...config.writable]) if (fs.existsSync(dir)) writable.add(fs.realpathSync(dir));
  FS.chmod('/', 0o555); // this folder is in memory alone, where what is written would be lost
  FS.chdir(process.cwd());
}

// Looks for modules where Lean itself would: a program may set its search path.
class FollowingOleans extends Oleans {
  constructor(lean, seen) {
    super(lean, 0);
    this.chosen = seen;
  }

  find(name) {
    const { lean } = this, folders = [];
    const reference = lean.word(lean.e.l_Lean_searchPathRef.value);
    for (let list = lean.field(reference, 0); (list & 1) === 0; list = lean.field(list, 1)) folders.push(lean.text(lean.field(list, 0)));
    if (folders.join('\n') !== this.folders.join('\n')) this.search(folders, this.chosen);
    return super.find(name);
  }
}

// Puts a function in the place of another in the table through which C++ makes calls that may throw.
function replaceCall(e, original, types, replacement) {
  const table = e.__indirect_function_table;
  let slot = 1;
  while (table.get(slot) !== original) slot += 1;
  table.set(slot, globalThis.convertJsFunctionToWasm(replacement, types));
}

// Two things are wrong between this build's C++ and `lean_shell_main`, which is written in Lean: it is called with an argument too many, which
// JavaScript let pass and WebAssembly does not, and the exit code that it returns in a box is taken for the box's address.
function mendShell(e, takeCode) {
  const word = (address) => new Int32Array(globalThis.wasmMemory.buffer)[address >> 2];
  replaceCall(e, e.lean_shell_main, 'iiii', (args, options) => {
    giveTasksStreams(e); // which there are from here on
    const result = e.lean_shell_main(args, options);
    const failed = new Uint8Array(globalThis.wasmMemory.buffer)[result + 7] !== 0; // C++ shows the error and ends with 1
    if (!failed) takeCode(word(word(result + 8) + 8));
    return result;
  });
}

// A command is elaborated with its own standard streams, which are the thread's: what it prints becomes a message, and there is nothing to read. A task, such
// as the proof of a theorem, has a thread of its own elsewhere, and so the real streams. Here it runs on the thread that starts it.
function giveTasksStreams(e) {
  const streams = ['stdin', 'stdout', 'stderr'].map((name) => ({ real: e[`lean_get_${name}`](), exchange: e[`lean_get_set_${name}`] }));
  replaceCall(e, e.lean_apply_1, 'iii', (task, unit) => {
    const outer = streams.map(({ real, exchange }) => exchange(real));
    try { return e.lean_apply_1(task, unit); } finally { streams.forEach(({ exchange }, k) => exchange(outer[k])); }
  });
}

function argumentList(e, argv) {
  const strings = argv.map((argument) => {
    const bytes = Buffer.from(argument + '\0', 'utf8'), at = e.malloc(bytes.length);
    new Uint8Array(globalThis.wasmMemory.buffer).set(bytes, at);
    return at;
  });
  const list = e.malloc(4 * (strings.length + 1));
  new Int32Array(globalThis.wasmMemory.buffer).set([...strings, 0], list >> 2);
  return list;
}

// This build does not know how much memory it takes, and would never reach the limit of `--memory`. Refused more, it tries again for ever.
function limitMemory(megabytes) {
  const all = globalThis.getHeapMax();
  globalThis.getHeapMax = () => { // asked before each growth
    if (globalThis.wasmMemory.buffer.byteLength < megabytes << 20) return all;
    fs.writeSync(2, `excessive memory consumption detected: --memory=${megabytes} (megabytes)\n`);
    process.exit(1);
  };
}

// What `main` returned, where it is one. This build's C++ returns an address in place of the code of an option that ended Lean: which answered, as to `--version`,
// or complained.
function exitCode(status, complained) { return status === 0 || status === 1 ? status : Number(complained); }

// Ends with the exit code of `lean ARGUMENT...`.
function run(e, config, argv, writable, withoutTrace) {
  const complained = connectStreams(e, withoutTrace);
  mountAll(config, writable);
  for (const key of Object.keys(globalThis.ASM_CONSTS)) {
    if (globalThis.ASM_CONSTS[key].toString().includes('NODEFS')) globalThis.ASM_CONSTS[key] = () => {}; // mounts as `main` would
  }
  if (config.memory) limitMemory(config.memory);
  globalThis.__filename = path.join(config.home, 'lib', 'lean'); // Lean looks for its library from the folder above that of its program
  let code = null;
  mendShell(e, (returned) => { code = returned; });
  try {
    const status = e.lean_main(argv.length + 1, argumentList(e, ['lean', ...argv]));
    code ??= exitCode(status, complained());
  } catch (error) {
    if (error?.name !== 'ExitStatus') throw error;
    code = error.status;
  }
  e.fflush(0);
  process.exit(code & 255);
}

module.exports = { FollowingOleans, attend, setEnvironment, run };
