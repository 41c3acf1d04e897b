"""Patches `lean.wasm` in four places.

**Tasks run at once, on the thread that starts them.** The embedded Lean has no pool of threads (a thread costs 2 to 3 CPU-seconds to start, and every file that it opens is fetched through the
main thread). A `Task` that nobody runs would then be waited for until the end of time. The task manager hands a new task to the pool
in `task_manager::enqueue_core`; a body that calls `task_manager::run_task` in its place makes every task finish before
`Task.spawn` returns, which no program can tell from a very fast thread. `run_task` starts its thread's count of heartbeats afresh, so the
new body puts the spawner's count back afterwards.

**Files without `module` are what they are elsewhere.** This build treats each file as a `module`: in one that does not say so, all names are private, no
other file sees them, and a metaprogram may not call an ordinary function. The switch is one byte that `Lean.Elab.processHeaderCore` reads; the patched
function reads a zero.

**Module files are found and read by the host.** Lean's own functions ask for four files a module, through the layers of emscripten's file system, copy each file that
they read twice, and keep a copy for every import in a process. The new bodies call the functions that `oleans.cjs` puts behind the last one of the function table.

The format of the file is that of the WebAssembly core specification, section 5 (binary format). Integers are LEB128.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lean_bridge.errors import SetupError

_ENQUEUE: Final = "_ZN4lean12task_manager12enqueue_coreERNSt3__211unique_lockINS1_5mutexEEEP9lean_task"
_RUN: Final = "_ZN4lean12task_manager8run_taskERNSt3__211unique_lockINS1_5mutexEEEP9lean_task"
_GET_HEARTBEATS: Final = "_ZN4lean18get_num_heartbeatsEv"
_SET_HEARTBEATS: Final = "_ZN4lean14set_heartbeatsEy"

_BY_HOST: Final = ("lean_read_module_data_parts", "l___private_Lean_Environment_0__Lean_findOLeanParts")
"""In the order in which `oleans.cjs` has them."""

_PROCESS_HEADER: Final = "l_Lean_Elab_processHeaderCore"
_READ_SWITCH: Final = bytes.fromhex("41 f494ca00  2d 00 00  45  04 40  20 02  45  04 40  41 02")
"""i32.const ADDRESS; i32.load8_u; i32.eqz; if; local.get 2 (is it a `module`?); i32.eqz; if; i32.const 2 (import level `private`)"""
_NO_SWITCH: Final = bytes.fromhex("41 00  01 01 01 01 01 01")
"""i32.const 0, and nothing else in the place of the first two instructions."""

_IMPORT, _FUNCTION, _TABLE, _EXPORT, _CODE = 2, 3, 4, 7, 10
_EXPORTED_FUNCTION: Final = 0
_NOP, _END, _CALL, _CALL_INDIRECT, _LOCAL_GET, _LOCAL_SET, _I32_CONST, _I64 = (
    0x01,
    0x0B,
    0x10,
    0x11,
    0x20,
    0x21,
    0x41,
    0x7E,
)


@dataclass(frozen=True, slots=True)
class Patch:
    """Bytes to put at an offset of a file, in place of as many."""

    offset: int
    data: bytes


class _Reader:
    """Walks the bytes of a WebAssembly module."""

    def __init__(self, wasm: bytes, offset: int) -> None:
        self._wasm = wasm
        self.offset = offset

    def byte(self) -> int:
        self.offset += 1
        return self._wasm[self.offset - 1]

    def number(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def skip_name(self) -> None:
        length = self.number()
        self.offset += length

    def skip_limits(self) -> None:
        has_maximum = self.byte() & 1
        self.number()
        if has_maximum:
            self.number()


def patches(wasm: bytes) -> tuple[Patch, ...]:
    """The changes to make.

    Args:
        wasm: `lean.wasm` as its package holds it.

    Raises:
        SetupError: the file is not the module that the changes were made for.
    """
    if wasm[:8] != b"\0asm\x01\0\0\0":
        raise SetupError("lean.wasm is not a WebAssembly module: the package is damaged; run `lemma lean setup` again")
    sections = _sections(wasm)
    imported = _imported_functions(wasm, sections[_IMPORT])
    hooks = (_host_function(wasm, sections, imported, name, number) for number, name in enumerate(_BY_HOST))
    return _eager_tasks(wasm, sections, imported), _true_headers(wasm, sections, imported), *hooks


def _eager_tasks(wasm: bytes, sections: dict[int, slice], imported: int) -> Patch:
    enqueue, run, get, put = (
        _exported_function(wasm, sections, name) for name in (_ENQUEUE, _RUN, _GET_HEARTBEATS, _SET_HEARTBEATS)
    )
    if _type_of(wasm, sections, enqueue - imported) != _type_of(wasm, sections, run - imported):
        raise _unknown("two functions of its task manager no longer take the same arguments")
    start, size = _body(wasm, sections, enqueue - imported)
    return _new_body(_ENQUEUE, start, size, _run_at_once(run, get, put))


def _host_function(wasm: bytes, sections: dict[int, slice], imported: int, name: str, number: int) -> Patch:
    """Lets a function of one argument call the `number`-th function behind the table's last one."""
    function = _exported_function(wasm, sections, name) - imported
    start, size = _body(wasm, sections, function)
    table = _Reader(wasm, sections[_TABLE].start)
    table.offset += 3
    if wasm[sections[_TABLE].start : table.offset] != bytes((1, 0x70, 0)):
        raise _unknown("it has not one table of functions that can grow")
    no_locals = bytes((0,))
    call = bytes((_CALL_INDIRECT,)) + _leb128(_type_of(wasm, sections, function)) + bytes((0,))
    slot = bytes((_I32_CONST,)) + _signed_leb128(table.number() + number)
    return _new_body(name, start, size, no_locals + bytes((_LOCAL_GET, 0)) + slot + call)


def _new_body(name: str, start: int, size: int, body: bytes) -> Patch:
    """A function's new body, given without its end, in the place of the old one of `size` bytes."""
    padding = size - len(body) - 1
    if padding < 0:
        raise _unknown(f"the body of {name} has only {size} bytes")
    return Patch(start, body + bytes((_NOP,)) * padding + bytes((_END,)))


def _true_headers(wasm: bytes, sections: dict[int, slice], imported: int) -> Patch:
    start, size = _body(wasm, sections, _exported_function(wasm, sections, _PROCESS_HEADER) - imported)
    if wasm.count(_READ_SWITCH, start, start + size) != 1:
        raise _unknown(f"{_PROCESS_HEADER} does not read its switch as expected")
    return Patch(wasm.index(_READ_SWITCH, start), _NO_SWITCH)


def _run_at_once(run: int, get_heartbeats: int, set_heartbeats: int) -> bytes:
    """The new body, without its end: three arguments (this, lock, task) and one local for the heartbeats."""
    one_local = bytes((1, 1, _I64))
    heartbeats = 3
    save = bytes((_CALL,)) + _leb128(get_heartbeats) + bytes((_LOCAL_SET, heartbeats))
    run_task = bytes((_LOCAL_GET, 0, _LOCAL_GET, 1, _LOCAL_GET, 2, _CALL)) + _leb128(run)
    restore = bytes((_LOCAL_GET, heartbeats, _CALL)) + _leb128(set_heartbeats)
    return one_local + save + run_task + restore


def _unknown(what: str) -> SetupError:
    return SetupError(
        f"lean.wasm is not the version that LemmaForge knows how to prepare: {what}; install the LemmaForge release made for it"
    )


def _leb128(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _signed_leb128(value: int) -> bytes:
    """Of a number that is not negative."""
    out = _leb128(value)
    return out if not out[-1] & 0x40 else out[:-1] + bytes((out[-1] | 0x80, 0))


def _sections(wasm: bytes) -> dict[int, slice]:
    """Where the content of each section lies, by section id. Custom sections, id 0, may repeat and are left out."""
    found: dict[int, slice] = {}
    reader = _Reader(wasm, 8)
    while reader.offset < len(wasm):
        section = reader.byte()
        size = reader.number()
        if section:
            found[section] = slice(reader.offset, reader.offset + size)
        reader.offset += size
    for needed in (_IMPORT, _FUNCTION, _TABLE, _EXPORT, _CODE):
        if needed not in found:
            raise _unknown(f"it has no section {needed}")
    return found


def _imported_functions(wasm: bytes, section: slice) -> int:
    """How many functions are imported: they come first in the numbering of functions."""
    reader = _Reader(wasm, section.start)
    functions = 0
    for _ in range(reader.number()):
        reader.skip_name()
        reader.skip_name()
        kind = reader.byte()
        if kind == 0:
            functions += 1
            reader.number()
        elif kind == 1:
            reader.byte()
            reader.skip_limits()
        elif kind == 2:
            reader.skip_limits()
        elif kind == 3:
            reader.offset += 2
        else:
            raise _unknown(f"it imports something of kind {kind}")
    return functions


def _exported_function(wasm: bytes, sections: dict[int, slice], name: str) -> int:
    """The number of an exported function. The entry is searched for as bytes: there are 200,000 of them to walk."""
    entry = _leb128(len(name)) + name.encode() + bytes((_EXPORTED_FUNCTION,))
    section = sections[_EXPORT]
    at = wasm.find(entry, section.start, section.stop)
    if at < 0:
        raise _unknown(f"it does not export {name}")
    return _Reader(wasm, at + len(entry)).number()


def _type_of(wasm: bytes, sections: dict[int, slice], function: int) -> int:
    reader = _Reader(wasm, sections[_FUNCTION].start)
    reader.number()
    for _ in range(function):
        reader.number()
    return reader.number()


def _body(wasm: bytes, sections: dict[int, slice], function: int) -> tuple[int, int]:
    """Offset and size of a function's body."""
    reader = _Reader(wasm, sections[_CODE].start)
    reader.number()
    for _ in range(function):
        size = reader.number()
        reader.offset += size
    size = reader.number()
    return reader.offset, size
