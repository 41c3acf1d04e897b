// Calls that may throw a C++ exception, without JavaScript on the way.
//
// Emscripten's C++ calls a function that may throw through an import, `invoke_SIG(slot, ...)`: JavaScript that calls what
// lies in that slot of the function table, inside `try`. Lean does little else. Here WebAssembly does it, two small modules
// made at start-up:
//
//   lean.wasm -- call --> gate: invoke_SIG -- tail call --> guard: SIG -- try, call_indirect --> a function of lean.wasm
//
// They are two because lean.wasm needs its imports before it has a table: the gate comes first, and jumps through a variable
// that is set when the guard is there, which imports lean.wasm's table and stack pointer.
//
// What is caught is what emscripten catches: numbers, which stand for C++ exceptions and for `longjmp`. All else that
// JavaScript throws goes on its way, and no `catch` of WebAssembly ever sees a trap.
//
// The guard also watches Lean's own stack, inside WebAssembly memory. Running past its end corrupts the heap without a word.
// V8 checks the machine's stack under it, but without JavaScript's share that one is no longer the first to be full.
'use strict';

const I32 = 0x7f, EXTERNREF = 0x6f, FUNCREF = 0x70, NULLABLE = 0x63, NO_RESULT = 0x40;
const FUNCTION = 0, TABLE = 1, GLOBAL = 3, TAG = 4, MUTABLE = 1;
const IF = 0x04, TRY = 0x06, CATCH = 0x07, RETHROW = 0x09, END = 0x0b, CALL = 0x10, CALL_INDIRECT = 0x11, RETURN_CALL_REF = 0x15;
const LOCAL_GET = 0x20, LOCAL_SET = 0x21, LOCAL_TEE = 0x22, GLOBAL_GET = 0x23, GLOBAL_SET = 0x24;
const I32_CONST = 0x41, I32_EQZ = 0x45, I32_LT_U = 0x49, REF_NULL = 0xd0;

const PREFIX = 'invoke_'; // then a letter for the result, and one for each argument
const TYPES = { v: [], i: [I32], j: [0x7e], f: [0x7d], d: [0x7c] };
const ZERO = { v: [], i: [I32_CONST, 0], j: [0x42, 0], f: [0x43, 0, 0, 0, 0], d: [0x44, 0, 0, 0, 0, 0, 0, 0, 0] };

// ---------------------------------------------------------------- the binary format, WebAssembly core specification 3.0, section 5

function leb(n) { const out = []; for (; n > 127; n >>>= 7) out.push((n & 127) | 128); return [...out, n]; }
function signedLeb(n) { const out = leb(n), last = out.pop(); return last & 64 ? [...out, last | 128, 0] : [...out, last]; } // of what is not negative
function vector(items) { return [...leb(items.length), ...items.flat()]; }
function text(s) { return vector([...Buffer.from(s, 'utf8')]); }
function section(id, items) { const content = vector(items); return [id, ...leb(content.length), ...content]; }
function functionType(parameters, results) { return [0x60, ...vector(parameters), ...vector(results)]; }
function body(locals, ...instructions) { const bytes = [...vector(locals.map((type) => [1, type])), ...instructions.flat(), END]; return [...leb(bytes.length), ...bytes]; }
function imported(name, ...description) { return [...text(''), ...text(name), ...description]; }
function assemble(...sections) { return new WebAssembly.Module(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...sections.flat()])); }

// ---------------------------------------------------------------- the two modules

// Types 2n and 2n + 1 of either module: the function that the n-th `invoke_` calls, and the `invoke_` itself.
function types(signatures) {
  return signatures.flatMap(([result, ...rest]) => {
    const parameters = rest.flatMap((c) => TYPES[c]);
    return [functionType(parameters, TYPES[result]), functionType([I32, ...parameters], TYPES[result])];
  });
}

function gate(signatures) {
  return assemble(
    section(1, types(signatures)),
    section(3, signatures.map((_, n) => leb(2 * n + 1))),
    section(6, signatures.map((_, n) => [NULLABLE, ...signedLeb(2 * n + 1), MUTABLE, REF_NULL, ...signedLeb(2 * n + 1), END])),
    section(7, signatures.flatMap((s, n) => [[...text(PREFIX + s), FUNCTION, ...leb(n)], [...text(s), GLOBAL, ...leb(n)]])),
    section(10, signatures.map((s, n) => body([],
      [...s].flatMap((_, k) => [LOCAL_GET, k]), // the slot and the arguments are as many as the letters
      [GLOBAL_GET, ...leb(n), RETURN_CALL_REF, ...leb(2 * n + 1)]))));
}

function guard(signatures) {
  const [thrown, isNumber, setThrew, overflow] = [0, 1, 2, 3].map((k) => 2 * signatures.length + k); // types
  const IS_NUMBER = 0, SET_THREW = 1, OVERFLOW = 2, functions = 3; // imported functions
  const STACK = 0, LIMIT = 1; // imported globals
  return assemble(
    section(1, [...types(signatures), functionType([EXTERNREF], []), functionType([EXTERNREF], [I32]), functionType([I32, I32], []), functionType([], [])]),
    section(2, [
      imported('isNumber', FUNCTION, ...leb(isNumber)), imported('setThrew', FUNCTION, ...leb(setThrew)), imported('overflow', FUNCTION, ...leb(overflow)),
      imported('stack', GLOBAL, I32, MUTABLE), imported('limit', GLOBAL, I32, MUTABLE),
      imported('table', TABLE, FUNCREF, 0, 0), imported('tag', TAG, 0, ...leb(thrown))]),
    section(3, signatures.map((_, n) => leb(2 * n + 1))),
    section(7, signatures.map((s, n) => [...text(s), FUNCTION, ...leb(functions + n)])),
    section(10, signatures.map((s, n) => {
      const stack = s.length, error = stack + 1; // local variables
      return body([I32, EXTERNREF],
        [GLOBAL_GET, STACK, LOCAL_TEE, stack, GLOBAL_GET, LIMIT, I32_LT_U, IF, NO_RESULT, CALL, OVERFLOW, END],
        [TRY, ...(TYPES[s[0]].length ? TYPES[s[0]] : [NO_RESULT])],
        [...s].slice(1).flatMap((_, k) => [LOCAL_GET, k + 1]), [LOCAL_GET, 0, CALL_INDIRECT, ...leb(2 * n), 0],
        [CATCH, 0, LOCAL_SET, error],
        [LOCAL_GET, stack, GLOBAL_SET, STACK],
        [LOCAL_GET, error, CALL, IS_NUMBER, I32_EQZ, IF, NO_RESULT, RETHROW, 1, END],
        [I32_CONST, 1, I32_CONST, 0, CALL, SET_THREW], ZERO[s[0]],
        [END]);
    })));
}

function stackOverflow() { throw new RangeError("Lean's stack is full"); }

// Puts WebAssembly in the place of the `invoke_` functions among the imports of a module. Returns what to call with the exports of its instance; that
// returns a variable for the address below which Lean's stack must not grow.
module.exports = function invokeWithoutJavaScript(program, imports) {
  const names = WebAssembly.Module.imports(program).map(({ name }) => name).filter((name) => name.startsWith(PREFIX));
  const signatures = names.map((name) => name.slice(PREFIX.length));
  const gates = new WebAssembly.Instance(gate(signatures)).exports;
  for (const name of names) imports.env[name] = gates[name];
  return (lean) => {
    const limit = new WebAssembly.Global({ value: 'i32', mutable: true }, 0);
    const guards = new WebAssembly.Instance(guard(signatures), { '': {
      isNumber: (error) => (error === error + 0 ? 1 : 0), setThrew: lean.setThrew, overflow: stackOverflow, // emscripten's own test of what to catch
      stack: lean.__stack_pointer, limit, table: lean.__indirect_function_table, tag: WebAssembly.JSTag,
    } }).exports;
    for (const s of signatures) gates[s].value = guards[s];
    return limit;
  };
};
