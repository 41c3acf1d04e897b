// Finds compiled modules and reads them into Lean's memory, in the place of Lean's own `findOLeanParts` and `readModuleDataParts` (see wasm.py), and takes
// memory back after a job.
//
// Lean never changes what it read from a module file, and never gives it back. So each module is read once in the life of a process, into an
// area of its own that jobs share. All other memory can then be put back to what it was before a job: nothing of one job is left to the next, neither its
// 200 MB nor what its imports registered (attributes, parsers, "this initializer has run").
//
// olean.py has the layout of a module file. The parts of a module are loaded at the distances that they were written for; every pointer in them moves by the same
// amount, and the loader walks the objects to find the pointers.
'use strict';
const fs = require('fs'), path = require('path');

const BASE = 80, ROOT = 84, OBJECTS = 88; // offsets in a file
const CONSTRUCTOR_MAX = 244, ARRAY = 246, SCALAR_ARRAY = 248, STRING = 249, BIG_NUMBER = 250;
const PAGE = 1 << 16;

// (module (import "" "f" (func (param i32) (result i32))) (export "f" (func 0))): a JavaScript function as one of WebAssembly, for its function table.
const FUNCTION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 6, 1, 0x60, 1, 0x7f, 1, 0x7f, 2, 6, 1, 0, 1, 0x66, 0, 0, 7, 5, 1, 1, 0x66, 0, 0];

function damaged(file, why) { return new Error(`${file} is not a module file of this Lean: ${why}`); }

// Moves every pointer in the objects between two addresses.
function movePointers(words, from, to, distance, file) {
  if (distance === 0) return;
  const move = (at) => { const p = words[at]; if (p !== 0 && (p & 1) === 0) words[at] = p + distance; };
  for (let o = from >>> 2, end = to >>> 2; o < end;) {
    const header = words[o + 1], tag = header >>> 24;
    let size;
    if (tag <= CONSTRUCTOR_MAX) {
      const fields = (header >>> 16) & 255;
      for (let k = o + 2; k < o + 2 + fields; k += 1) { const p = words[k]; if (p !== 0 && (p & 1) === 0) words[k] = p + distance; }
      size = header & 0xffff;
    } else if (tag === ARRAY) {
      for (let k = o + 4, last = k + words[o + 2]; k < last; k += 1) { const p = words[k]; if (p !== 0 && (p & 1) === 0) words[k] = p + distance; }
      size = 16 + 4 * words[o + 3];
    } else if (tag === STRING) size = 20 + words[o + 3];
    else if (tag === SCALAR_ARRAY) size = 16 + ((header >>> 16) & 255) * words[o + 3];
    else if (tag === BIG_NUMBER) { move(o + 4); size = 20 + 4 * Math.abs(words[o + 3] | 0); }
    else throw damaged(file, `an object of the unknown kind ${tag}`);
    o += (size + 3) >>> 2;
  }
}

// Keeps the modules that were read. `lean` is what host.cjs makes of Lean's exports; `areaBytes` is how much memory to set aside for modules: 0 where no
// memory is ever put back, so that they can lie anywhere.
class Oleans {
  constructor(lean, areaBytes) {
    this.lean = lean;
    this.read = new Map(); // by the files' names and states: the roots of the parts
    this.at = areaBytes ? (lean.e.malloc(areaBytes) + PAGE - 1) & -PAGE : 0;
    this.end = this.at + areaBytes - (areaBytes ? PAGE : 0);
    this.start = this.at;
    this.full = false;
    this.total = 0; // bytes of all modules read
    this.search([]);
    const guarded = (method) => (argument) => {
      try { return this.lean.ctor(0, [method.call(this, argument)]); } catch (error) { return this.failure(error); }
    };
    globalThis[Oleans.HOOK] = [guarded(this.parts), guarded(this.find)]; // in the order of wasm.py
  }

  // Where modules are looked for from now on: in the first folder that has anything of the library. `seen`: the modules of which all parts are loaded, where
  // they are there; null: all modules. Importing without `import all` needs the first part alone.
  search(folders, seen = null) {
    this.folders = folders;
    this.seen = seen && new Set(seen);
    this.homes = new Map(); // of libraries
  }

  // `findOLeanParts : Name → IO (Array System.FilePath)`
  find(name) {
    const { lean } = this, parts = [];
    for (let n = name; (n & 1) === 0; n = lean.field(n, 0)) parts.unshift(lean.tag(n) === 1 ? lean.text(lean.field(n, 1)) : String(lean.field(n, 1) >>> 1));
    const library = parts[0];
    if (!this.homes.has(library)) this.homes.set(library, this.folders.find((dir) => fs.existsSync(path.join(dir, library)) || fs.existsSync(path.join(dir, `${library}.olean`))));
    const home = this.homes.get(library), module = parts.join('.');
    if (home === undefined) throw new Error(`unknown module prefix '${library}'\n\nNo directory '${library}' or file '${library}.olean' in the search path entries:\n${this.folders.join('\n')}`);
    const file = `${path.join(home, ...parts)}.olean`;
    if (!fs.existsSync(file)) throw new Error(`object file '${file}' of module ${module} does not exist`);
    const files = [file];
    for (const suffix of !this.seen || this.seen.has(module) ? ['.server', '.private'] : []) {
      if (!fs.existsSync(file + suffix)) break;
      files.push(file + suffix);
    }
    return lean.array(files.map(lean.str));
  }

  // What cannot be given back in this process, in bytes.
  get bytes() { return this.full ? 2 ** 31 : this.at - this.start; }

  // `readModuleDataParts : @& Array System.FilePath → IO (Array (ModuleData × CompactedRegion))`
  parts(fileNames) {
    const { lean } = this, files = [];
    for (let k = 0; k < lean.word(fileNames + 8); k += 1) files.push(lean.text(lean.word(fileNames + 16 + 4 * k)));
    const key = files.map((file) => { const { ino, size, mtimeMs } = fs.statSync(file); return `${file} ${ino} ${size} ${mtimeMs}`; }).join('\n');
    let roots = this.read.get(key);
    if (!roots) {
      roots = this.load(files);
      if (!this.full) this.read.set(key, roots);
    }
    const noRegion = lean.ctor(0, [], [0, 0, 0, 0]);
    const pairs = roots.map((root, k) => { if (k) lean.keep(noRegion); return lean.ctor(0, [root, noRegion]); });
    return lean.array(pairs);
  }

  load(files) {
    const opened = files.map((file) => ({ file, fd: fs.openSync(file, 'r') }));
    try {
      const header = Buffer.alloc(OBJECTS);
      for (const part of opened) {
        if (fs.readSync(part.fd, header, 0, OBJECTS, 0) < OBJECTS || header.toString('latin1', 0, 5) !== 'olean' || header[5] !== 2) throw damaged(part.file, 'a wrong header');
        Object.assign(part, { base: header.readUInt32LE(BASE), root: header.readUInt32LE(ROOT), size: fs.fstatSync(part.fd).size });
      }
      const first = opened[0].base, last = opened[opened.length - 1];
      const address = this.room(last.base + last.size - first);
      const bytes = new Uint8Array(globalThis.wasmMemory.buffer), words = new Uint32Array(globalThis.wasmMemory.buffer);
      const distance = address - first;
      return opened.map(({ file, fd, base, root, size }) => {
        const start = base + distance;
        for (let done = 0; done < size;) {
          const got = fs.readSync(fd, bytes, start + done, size - done, done);
          if (got === 0) throw damaged(file, 'cut short');
          done += got;
        }
        movePointers(words, start + OBJECTS, start + size, distance, file);
        return root + distance;
      });
    } finally {
      for (const { fd } of opened) fs.closeSync(fd);
    }
  }

  // Memory for a module: in the area, or, where that is full, with the memory of the job.
  room(size) {
    this.total += size;
    if (this.at + size > this.end) {
      this.full = this.end > this.start;
      const address = this.lean.e.malloc(size + 16);
      if (address === 0) throw new Error(`these imports do not fit into the 2 GiB that a 32-bit Lean has: their modules alone take more than ${this.total >> 20} MB; import the modules that are needed in the place of all`);
      return (address + 15) & -16;
    }
    const address = this.at;
    this.at += (size + 15) & -16;
    return address;
  }

  failure(error) {
    const { lean } = this;
    return lean.ctor(1, [lean.e.lean_mk_io_user_error(lean.str(error.message))]);
  }
}
Oleans.HOOK = Symbol('hooks');

// Puts into the function table what lean.wasm calls in the place of its own functions. Must come before all else that makes the table longer.
Oleans.connect = (exports) => {
  const module = new WebAssembly.Module(new Uint8Array(FUNCTION)), table = exports.__indirect_function_table;
  for (const n of [0, 1]) {
    const { f } = new WebAssembly.Instance(module, { '': { f: (argument) => globalThis[Oleans.HOOK][n](argument) } }).exports;
    table.set(table.grow(1), f);
  }
};

// Remembers all memory but the modules and Lean's stack, on which nothing lies between jobs. Returns a function that puts it back.
Oleans.checkpoint = (oleans, stack) => {
  const { lean } = oleans;
  const top = () => lean.word(lean.e.emscripten_get_sbrk_ptr());
  const left = [stack, { from: oleans.start, to: oleans.end }].sort((a, b) => a.from - b.from);
  const kept = [];
  let from = 0;
  for (const gap of [...left, { from: top() }]) {
    if (gap.from > from) kept.push({ from, bytes: new Uint8Array(globalThis.wasmMemory.buffer).slice(from, gap.from) });
    from = gap.to;
  }
  const end = top();
  return () => {
    const memory = new Uint8Array(globalThis.wasmMemory.buffer);
    memory.fill(0, end, top());
    for (const { from: at, bytes } of kept) memory.set(bytes, at);
  };
};

module.exports = Oleans;
