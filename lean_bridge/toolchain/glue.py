"""Trims `lean.js`, the JavaScript that carries `lean.wasm`.

The package ships 89 MB of it, nearly all in one function that copies each of 201,109 exports of the WebAssembly module into a
variable and into `Module`. The rest of the glue reads 49 of them. What is left after `trim` has 0.7 MB and starts in 1.0 s in place of 4.4 s:

* only the exports that the glue itself reads are assigned (the host takes the others from `wasmExports`);
* tables over all exports (`wasmImports`, the GOT, the function table's reverse map) are filled on demand;
* `dlsym`, called for every function that Lean's interpreter enters, looks up a Map; before, it searched a list of all names,
  which took 129 s of a run of 142 s;
* no pool of threads is started, see `wasm.py`.

Each change is an exact match of known text: a glue file of another version is refused rather than half changed.
"""

from __future__ import annotations

import re
from typing import Final

from lean_bridge.errors import SetupError

_DECLARATIONS: Final = b"var _main,_lean_main,"
_ASSIGNMENTS: Final = b"function assignWasmExports(wasmExports){"
_REST: Final = b"var wasmImports;function assignWasmImports()"

_REPLACEMENTS: Final = (
    (b'mergeLibSymbols(wasmExports,"main");', b""),
    (b"functionsInTableMap=new WeakMap;updateTableMap(0,wasmTable.length)", b"functionsInTableMap=new WeakMap"),
    (
        b"for(var symName in exports){if(isInternalSym(symName)){continue}var value=exports[symName];",
        b"for(var symName in GOT){var value=exports[symName];if(value===undefined)continue;",
    ),
    (b"var pthreadPoolSize=4;", b"var pthreadPoolSize=0;"),
)

_DLSYM: Final = (b"var __dlsym_js=", b"__dlsym_js.sig=")
_DLSYM_BY_MAP: Final = b"""\
var dlsymCache=new Map;
var __dlsym_js=(handle,symbol,symbolIndex)=>{
  symbol=UTF8ToString(symbol);
  var known=dlsymCache.get(symbol);
  if(known!==undefined)return known;
  var result=wasmExports[symbol];
  if(result===undefined){dlSetError(`unknown symbol "${symbol}"`);result=0}
  else if(typeof result=="function"){var slot=getEmptyTableSlot();wasmTable.set(slot,result);result=slot}
  else{result=result.value}
  dlsymCache.set(symbol,result);
  return result
};
"""


def trim(glue: bytes) -> bytes:
    """The glue with nothing in it that the embedded Lean does not use.

    Args:
        glue: `lean.js` as its package holds it.

    Raises:
        SetupError: the file is not the one that the changes were made for.
    """
    declarations = _position(glue, _DECLARATIONS)
    assignments = _position(glue, _ASSIGNMENTS, declarations)
    rest = _position(glue, _REST, assignments)
    head, tail = glue[:declarations], glue[rest:]
    used = set(re.findall(rb"[A-Za-z_$][\w$]*", head + tail))
    declared = glue[declarations + len(b"var ") : assignments].rstrip(b";").split(b",")
    kept = [name for name in declared if name in used]
    body = glue[assignments + len(_ASSIGNMENTS) : rest].rstrip(b"}")
    # The name alone: `_f=Module["_f"]=wasmExports["f"]` would put it back into `Module`.
    assigned = [
        statement.replace(b'Module["%s"]=' % name, b"")
        for statement in body.split(b";")
        if (name := statement.partition(b"=")[0]) in used
    ]
    small = head + b"var " + b",".join(kept) + b";" + _ASSIGNMENTS + b";".join(assigned) + b"}" + tail
    for old, new in _REPLACEMENTS:
        small = _replaced(small, old, new)
    start = _position(small, _DLSYM[0])
    return small[:start] + _DLSYM_BY_MAP + small[_position(small, _DLSYM[1], start) :]


def _replaced(glue: bytes, old: bytes, new: bytes) -> bytes:
    if glue.count(old) != 1:
        raise _unknown(old)
    return glue.replace(old, new)


def _position(glue: bytes, text: bytes, start: int = 0) -> int:
    at = glue.find(text, start)
    if at < 0:
        raise _unknown(text)
    return at


def _unknown(text: bytes) -> SetupError:
    return SetupError(
        f"lean.js is not the version that LemmaForge knows how to prepare: `{text.decode()}` is not in it exactly once; "
        "install the LemmaForge release made for it"
    )
