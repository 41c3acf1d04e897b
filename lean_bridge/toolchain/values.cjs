// Lean's values in WebAssembly memory: how they are made and read (lean.h has the layout of objects).
'use strict';

const TRUE = 3, FALSE = 1; // boxed Bool
function box(n) { return (n << 1) | 1; }
function unbox(p) { return p >>> 1; }

// Functions that make and read values, with the exports of lean.wasm as `e`.
function valuesOf(e) {
  const words = () => new Int32Array(globalThis.wasmMemory.buffer);
  const bytes = () => new Uint8Array(globalThis.wasmMemory.buffer);
  const header = (o, size, n, tag) => { words()[o >> 2] = 1; const b = bytes(); b[o + 4] = size & 255; b[o + 5] = size >> 8; b[o + 6] = n; b[o + 7] = tag; };
  const field = (o, k) => words()[((o + 8) >> 2) + k];
  const lean = {
    e,
    word: (address) => words()[address >> 2],
    store: (address, value) => { words()[address >> 2] = value; },
    str(s) { const b = Buffer.from(s, 'utf8'), p = e.malloc(b.length + 1); bytes().set(b, p); bytes()[p + b.length] = 0; const r = e.lean_mk_string_from_bytes(p, b.length); e.free(p); return r; },
    text(o) { const size = field(o, 0) - 1; return Buffer.from(bytes().slice(o + 20, o + 20 + size)).toString('utf8'); },
    ctor(tag, fields, scalars = []) {
      const size = (8 + 4 * fields.length + scalars.length + 7) & ~7, o = e.lean_alloc_object(size);
      header(o, size, fields.length, tag);
      fields.forEach((f, k) => { words()[((o + 8) >> 2) + k] = f; });
      scalars.forEach((s, k) => { bytes()[o + 8 + 4 * fields.length + k] = s; });
      return o;
    },
    array(xs) {
      const o = e.lean_alloc_object((16 + 4 * xs.length + 7) & ~7);
      header(o, 0, 0, 246);
      words()[(o + 8) >> 2] = xs.length; words()[(o + 12) >> 2] = xs.length;
      xs.forEach((x, k) => { words()[((o + 16) >> 2) + k] = x; });
      return o;
    },
    list: (xs) => xs.reduceRight((tail, x) => lean.ctor(1, [x, tail]), box(0)),
    name: (s) => s.split('.').reduce((prefix, part) => e.lean_name_mk_string(prefix, lean.str(part)), box(0)),
    some: (x) => lean.ctor(1, [x]),
    field,
    keep: (o) => { words()[o >> 2] += 1; }, // one more owner; only for objects of this thread
    drop: (o) => { if (words()[o >> 2] > 1) words()[o >> 2] -= 1; else e.lean_dec_ref_cold(o); },
    tag: (o) => bytes()[o + 7],
    // The value of an `IO` result; an `IO.Error` is printed and ends the process, as nobody could handle it here.
    value(result) {
      if (lean.tag(result) !== 0) { e.lean_io_result_show_error(result); process.kill(process.pid, 'SIGABRT'); }
      return field(result, 0);
    },
  };
  return lean;
}

module.exports = { FALSE, TRUE, box, unbox, valuesOf };
