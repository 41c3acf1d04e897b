from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Final

import pytest

from lean_bridge.toolchain import embedded
from lean_bridge.toolchain.node import Node

_INVOKE: Final = Path(embedded.__file__).parent / "invoke.cjs"

I32, I64 = 0x7F, 0x7E
FUNCTION, TABLE, GLOBAL = 0, 1, 3


def vector(items: list[bytes]) -> bytes:
    return bytes([len(items)]) + b"".join(items)


def text(name: str) -> bytes:
    return vector([name.encode()[k : k + 1] for k in range(len(name))])


def section(number: int, *items: bytes) -> bytes:
    content = vector(list(items))
    return bytes([number, len(content)]) + content


def function_type(parameters: list[int], results: list[int]) -> bytes:
    return b"\x60" + vector([bytes([p]) for p in parameters]) + vector([bytes([r]) for r in results])


def body(code: str) -> bytes:
    content = b"\0" + bytes.fromhex(code) + b"\x0b"
    return bytes([len(content)]) + content


def small_program() -> bytes:
    """What `lean.wasm` has that matters here: a table, a stack pointer, `setThrew`, and functions that call through `invoke_`."""
    return b"\0asm\1\0\0\0" + b"".join(
        (
            section(
                1,
                function_type([I32], [I32]),
                function_type([I32, I32], [I32]),
                function_type([I32, I32], []),
                function_type([I64], [I64]),
                function_type([I32, I64], [I64]),
            ),
            section(
                2,
                *(
                    text("env") + text(name) + bytes([FUNCTION, kind])
                    for name, kind in (("invoke_ii", 1), ("invoke_jj", 4), ("callee", 0), ("callee64", 3))
                ),
            ),
            section(3, b"\2", b"\1", b"\4", b"\0"),  # functions 4 to 7: setThrew, run, run64, trap
            section(4, bytes([0x70, 0, 3])),
            section(6, bytes([I32, 1, 0x41]) + b"\x80\x08\x0b", bytes([I32, 1, 0x41, 0, 0x0B])),
            section(
                7,
                text("__indirect_function_table") + bytes([TABLE, 0]),
                text("__stack_pointer") + bytes([GLOBAL, 0]),
                text("threw") + bytes([GLOBAL, 1]),
                text("setThrew") + bytes([FUNCTION, 4]),
                text("run") + bytes([FUNCTION, 5]),
                text("run64") + bytes([FUNCTION, 6]),
            ),
            section(9, bytes.fromhex("00 41 00 0b") + vector([b"\2", b"\3", b"\7"])),
            section(
                10,
                body("20 00 24 01"),  # threw = local 0
                body("20 00 20 01 10 00"),  # invoke_ii(local 0, local 1)
                body("20 00 20 01 10 01"),  # invoke_jj(local 0, local 1)
                body("00"),  # unreachable
            ),
        )
    )


_SCRIPT: Final = """
const [invoke, bytes, call] = process.argv.slice(1);
const program = new WebAssembly.Module(Buffer.from(bytes, 'hex'));
let given = null, thrown = null, lean = null, callers = [];
const fail = (what) => { lean.__stack_pointer.value -= 64; thrown = what; throw what; };
const env = {
  callee: (x) => {
    given = x;
    callers = new Error().stack.split('\\n').slice(2).map((line) => line.includes('wasm://'));
    return x === 1 ? fail(1234) : x === 2 ? fail(new Error('mine')) : x === 3 ? fail('unwind') : x === 4 ? fail(Infinity) : x + 1;
  },
  callee64: (x) => (x === 1n ? fail(1234) : x + 1n),
};
const connect = require(invoke)(program, { env });
lean = new WebAssembly.Instance(program, { env }).exports;
const limit = connect(lean);
let result = null, error = null;
try { result = eval(call); } catch (e) { error = e; }
console.log(JSON.stringify({
  result: result === null ? null : String(result), error: error === null ? null : `${error?.name ?? error}`, same: error !== null && error === thrown,
  given, callers, threw: lean.threw.value, stack: lean.__stack_pointer.value,
}));
"""


def outcome(node: Node, call: str) -> dict[str, object]:
    done = subprocess.run(
        [node.executable, "-e", _SCRIPT, _INVOKE, small_program().hex(), call],
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    assert isinstance(told, dict)
    return told


def test_between_caller_and_callee_there_is_no_javascript(node: Node) -> None:
    callers = outcome(node, "lean.run(0, 41)")["callers"]
    assert isinstance(callers, list)
    assert callers[:3] == [True, True, False]  # the guard, `run`, and this script


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("lean.run(0, 41)", {"result": "42", "error": None, "given": 41, "threw": 0}),
        ("lean.run64(1, 2n ** 40n)", {"result": "1099511627777", "error": None, "threw": 0}),
        ("lean.run(0, 1)", {"result": "0", "error": None, "threw": 1}),
        ("lean.run(0, 4)", {"result": "0", "error": None, "threw": 1}),
        ("lean.run64(1, 1n)", {"result": "0", "error": None, "threw": 1}),
        ("lean.run(0, 2)", {"error": "Error", "same": True, "threw": 0}),
        ("lean.run(0, 3)", {"error": "unwind", "same": True, "threw": 0}),
        ("lean.run(2, 0)", {"error": "RuntimeError", "threw": 0}),
        ("lean.run(1, 0)", {"error": "RuntimeError", "threw": 0}),
        ("limit.value = 1024, lean.run(0, 41)", {"result": "42", "error": None}),
        ("limit.value = 1025, lean.run(0, 41)", {"error": "RangeError", "given": None, "threw": 0}),
    ],
    ids=[
        "a value is returned",
        "64 bits are kept",
        "a C++ exception is caught",
        "a longjmp is caught",
        "a C++ exception where 64 bits are returned",
        "an error of JavaScript goes through",
        "an end of the program goes through",
        "a trap goes through",
        "a function of another type is a trap",
        "a stack at its limit",
        "a stack past its limit",
    ],
)
def test_calls_behave_as_emscripten_has_them(node: Node, call: str, expected: dict[str, object]) -> None:
    told = outcome(node, call)
    assert {key: told[key] for key in expected} == expected
    assert told["stack"] == 1024
