"""Completes the module files (`.olean`) of the embedded Lean, so that Lean can generate code from them.

Two things are missing from the files as that build writes and reads them:

* `importModules` fills the constant-to-module map from `ModuleData.constNames` alone and never from
  `ModuleData.extraConstNames`, the code generator's own names (`_redArg`, `_spec_`, private parts of inlined functions).
  Every file that compiles code then dies with ``Unknown constant `X._redArg` ``.
* It never opens `.ir` files, so code of a compiled module that runs while a later file is elaborated has no body
  ("Could not find native implementation of external declaration").

`complete` cures both. The names of `extraConstNames` are appended to `constNames`, each paired in `constants` with one shared
`axiom True : True`, an entry that the loader lets modules repeat and that proves nothing new. The objects of the `.ir` file, which is
module data too, are appended with their pointers moved, and its entries take the place of those of `Lean.IR.declMapExt` and `Lean.regularInitAttr`.

A file that begins with `module` is compiled into three parts, `.olean`, `.olean.server` and `.olean.private`. They are loaded together, at neighbouring
addresses, and the later ones point into the earlier; `complete_parts` keeps that true.

The file, little-endian, 32-bit (Lean's `src/library/module.cpp` and `src/runtime/compact.cpp`):

========  ==========================================================
offset    what
========  ==========================================================
0         `olean`, then the version (2), then flags
7         the version of Lean, 33 bytes of text
40        git hash, 40 bytes of text
80        u32 base address: a pointer is this plus an offset in the file
84        u32 pointer to the root object
88        objects, each at a multiple of FOUR bytes; the loader walks them in order
========  ==========================================================

An object begins with i32 reference count (0), u16 size, u8 number of object fields, u8 tag: up to 244 a constructor, 246 an
array (u32 size, u32 capacity, pointers), 248 a scalar array, 249 a string (u32 bytes with the closing zero, u32 capacity, u32 characters),
250 a big number (allocation, sign and size, pointer to the limbs behind it). An odd word is a boxed scalar. The root is a
`Lean.ModuleData`: imports, constNames, constants, extraConstNames, entries.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from lean_bridge.errors import ToolchainError

_BASE: Final = 80
_ROOT: Final = 84
_OBJECTS: Final = 88

_CONSTRUCTOR_MAX: Final = 244
_ARRAY: Final = 246
_SCALAR_ARRAY: Final = 248
_STRING: Final = 249
_BIG_NUMBER: Final = 250

_HEADER: Final = struct.Struct("<iHBB")
_ANONYMOUS: Final = 1  # `Name.anonymous`, `[]` and `false` are all the boxed zero

# Lean caches a hash in every `Name` and `Expr`. These are the ones of `True` and of `Expr.const True []`, as `Init/Core.olean` holds
# them; `knows_true` tells whether a given build agrees.
_TRUE_NAME_HASH: Final = struct.pack("<Q", 0xA4BB_0D76_8367_154E)
_TRUE_EXPR_DATA: Final = struct.pack("<Q", 0x0000_0000_C2F4_BB9A)

_FROM_IR: Final = ("Lean.IR.declMapExt", "Lean.regularInitAttr")
"""The extensions of which an `.ir` file has more than the `.olean` beside it: code, and which functions are to run when the module is loaded."""


@dataclass(frozen=True)
class ModuleFile:
    """Reads one module file. Pointers are those of the file; see the module docstring for the layout."""

    data: bytes
    beneath: tuple[ModuleFile, ...] = ()
    """Other parts of the same module, which this one may point into."""

    def __post_init__(self) -> None:
        if len(self.data) < _OBJECTS or self.data[:5] != b"olean" or self.data[5] != 2:
            raise ToolchainError("not a module file of the embedded Lean: its header is not `olean` version 2")
        # A part that adds nothing shares its root with the part beneath.
        if not any(_OBJECTS <= self.root - part.base < len(part.data) for part in (self, *self.beneath)):
            raise ToolchainError(
                "not a module file of the embedded Lean: its root lies outside the file (cut short, or made by a 64-bit Lean)"
            )

    @cached_property
    def base(self) -> int:
        """The address at which the file wants to be loaded."""
        return int.from_bytes(self.data[_BASE : _BASE + 4], "little")

    @cached_property
    def root(self) -> int:
        """Pointer to the `ModuleData`."""
        return int.from_bytes(self.data[_ROOT : _ROOT + 4], "little")

    def _find(self, pointer: int) -> tuple[bytes, int]:
        """The file that a pointer points into, and the offset there."""
        for part in (self, *self.beneath):
            if 0 <= pointer - part.base < len(part.data):
                return part.data, pointer - part.base
        raise ToolchainError(f"a damaged module file: the pointer {pointer:#x} leads out of it")

    def fields(self, pointer: int) -> list[int]:
        """The object fields of a constructor object."""
        data, offset = self._find(pointer)
        return list(struct.unpack_from(f"<{data[offset + 6]}I", data, offset + 8))

    def array(self, pointer: int) -> list[int]:
        """The elements of an array object."""
        data, offset = self._find(pointer)
        return list(struct.unpack_from(f"<{_word(data, offset + 8)}I", data, offset + 16))

    def name(self, pointer: int) -> str:
        """A `Lean.Name` with its parts joined by dots, without the quotation marks that Lean prints."""
        parts = []
        while not pointer & 1:
            pointer, last = self.fields(pointer)[:2]
            parts.append(str(last >> 1) if last & 1 else self._part(last))
        return ".".join(reversed(parts))

    def _part(self, pointer: int) -> str:
        data, offset = self._find(pointer)
        if data[offset + 7] == _STRING:
            return data[offset + 20 : offset + 19 + _word(data, offset + 8)].decode()
        return str(int.from_bytes(data[offset + 20 : offset + 20 + 4 * _word(data, offset + 12)], "little"))

    def root_object(self) -> bytes:
        """The bytes of the `ModuleData` object itself."""
        data, offset = self._find(self.root)
        return data[offset : offset + int.from_bytes(data[offset + 4 : offset + 6], "little")]


def _word(data: bytes | bytearray, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 4], "little")


class _Appender:
    """Appends objects to the end of a module file."""

    def __init__(self, module: ModuleFile) -> None:
        self._base = module.base
        self.data = bytearray(module.data)
        self._align()

    def _align(self) -> None:
        self.data.extend(bytes(-len(self.data) % 4))

    def raw(self, content: bytes) -> int:
        pointer = len(self.data) + self._base
        self.data.extend(content)
        self._align()
        return pointer

    def constructor(self, tag: int, fields: Sequence[int], scalars: bytes = b"") -> int:
        size = 8 + 4 * len(fields) + len(scalars)
        size += -size % 8
        header = _HEADER.pack(0, size, len(fields), tag)
        return self.raw((header + struct.pack(f"<{len(fields)}I", *fields) + scalars).ljust(size, b"\0"))

    def array(self, elements: Sequence[int]) -> int:
        header = _HEADER.pack(0, 1, 0, _ARRAY) + struct.pack("<II", len(elements), len(elements))
        return self.raw(header + struct.pack(f"<{len(elements)}I", *elements))

    def string(self, text: str) -> int:
        content = text.encode() + b"\0"
        return self.raw(
            _HEADER.pack(0, 1, 0, _STRING) + struct.pack("<III", len(content), len(content), len(text)) + content
        )

    def axiom_true(self) -> int:
        """`ConstantInfo.axiomInfo` of `axiom True : True`."""
        name = self.constructor(1, [_ANONYMOUS, self.string("True")], _TRUE_NAME_HASH)
        no_levels = _ANONYMOUS
        statement = self.constructor(4, [name, no_levels], _TRUE_EXPR_DATA)
        constant = self.constructor(0, [name, no_levels, statement])
        is_unsafe = b"\0"
        return self.constructor(0, [self.constructor(0, [constant], is_unsafe)])


@dataclass(frozen=True, slots=True)
class _Code:
    """What an `.ir` file brings, with pointers that hold in the file it was appended to."""

    names: dict[str, int]
    entries: dict[str, int]
    """By extension: the array of its entries."""


@dataclass(frozen=True, slots=True)
class Parts:
    """The files of a module that begins with `module`: what all see, what editors see, what `import all` and old-style files see."""

    olean: bytes
    server: bytes
    private: bytes


def knows_true(core: bytes) -> bool:
    """Whether the build that wrote `core`, its `Init/Core.olean`, hashes `True` as `complete` assumes."""
    return _TRUE_NAME_HASH in core and _TRUE_EXPR_DATA in core


def complete(olean: bytes, ir: bytes | None = None) -> bytes:
    """The module file with all names that its code needs, and with the code of `ir`.

    Args:
        olean: a module file of the embedded Lean, not completed yet.
        ir: the `.ir` file that Lean wrote beside it; None for the modules that are compiled into Lean itself, and for
            old-style modules, which have their code in the `.olean`.

    Raises:
        ToolchainError: one of them is no such file.
    """
    module = ModuleFile(olean)
    if ir is None and not module.array(module.fields(module.root)[3]):
        return olean
    out = _Appender(module)
    _rewrite_root(out, module, None if ir is None else _append_code(out, module, ir))
    return bytes(out.data)


def complete_parts(parts: Parts, ir: bytes) -> Parts:
    """The files of a module, with all names that its code needs and with the code of `ir`, which goes into the first of them.

    The first file grows into the addresses of the others, so these move up.

    Raises:
        ToolchainError: one of them is no such file.
    """
    first = ModuleFile(parts.olean)
    out = _Appender(first)
    code = _append_code(out, first, ir)
    _rewrite_root(out, first, code)
    olean = bytes(out.data)
    old_server = ModuleFile(parts.server, (first,))
    old_private = ModuleFile(parts.private, (first, old_server))
    server_by = _page(first.base + len(olean)) - old_server.base
    private_by = _page(old_server.base + server_by + len(parts.server)) - old_private.base
    moves = {range(old_server.base, old_server.base + len(parts.server)): server_by}
    moves[range(old_private.base, old_private.base + len(parts.private))] = private_by
    server = ModuleFile(_moved(parts.server, moves), (ModuleFile(olean),))
    private = ModuleFile(_moved(parts.private, moves), (ModuleFile(olean), server))
    out = _Appender(private)
    _rewrite_root(out, private, code)
    return Parts(olean, server.data, bytes(out.data))


def _page(address: int) -> int:
    """The next address that a part can begin at."""
    return address + -address % 0x1_0000


def _append_code(out: _Appender, module: ModuleFile, ir: bytes) -> _Code:
    source = ModuleFile(ir)
    delta = len(out.data) - _OBJECTS + module.base - source.base
    out.raw(_moved(ir, {range(source.base, source.base + len(ir)): delta})[_OBJECTS:])
    _, _, _, extra, entries = source.fields(source.root)
    names = {source.name(pointer): pointer + delta for pointer in source.array(extra)}
    arrays = {source.name(extension): array for extension, array in map(source.fields, source.array(entries))}
    return _Code(names, {name: arrays[name] + delta for name in _FROM_IR if name in arrays})


def _rewrite_root(out: _Appender, module: ModuleFile, code: _Code | None) -> None:
    """Appends a `ModuleData` with the names and the code that the one of `module` lacks, and makes it the root."""
    _, names, constants, extra, entries = module.fields(module.root)
    known = module.array(names)
    # Lean lists some names twice, such as `f.match_1.splitter` of old-style modules; the loader refuses a name that comes again.
    taken = {module.name(pointer) for pointer in known}
    extra_names = [pointer for pointer in module.array(extra) if module.name(pointer) not in taken]
    root = bytearray(module.root_object())
    if code is not None:
        taken |= {module.name(pointer) for pointer in extra_names}
        extra_names += [pointer for name, pointer in code.names.items() if name not in taken]
        struct.pack_into("<I", root, 8 + 4 * 4, _with_entries(out, module, entries, code.entries))
    axiom = out.axiom_true()
    struct.pack_into("<I", root, 8 + 4 * 1, out.array(known + extra_names))
    struct.pack_into("<I", root, 8 + 4 * 2, out.array(module.array(constants) + [axiom] * len(extra_names)))
    new_root = out.raw(bytes(root))
    struct.pack_into("<I", out.data, _ROOT, new_root)


def _with_entries(out: _Appender, module: ModuleFile, entries: int, others: Mapping[str, int]) -> int:
    """The `entries` of a module with other ones for some extensions; the pointer to the new array."""
    pairs = module.array(entries)
    for index, pair in enumerate(pairs):
        extension, _ = module.fields(pair)
        if (other := others.get(module.name(extension))) is not None:
            pairs[index] = out.constructor(0, [extension, other])
    return out.array(pairs)


def _moved(data: bytes, moves: Mapping[range, int]) -> bytes:
    """A module file with every pointer into one of the ranges moved, its own base and root too."""
    out = bytearray(data)

    def move(offset: int) -> None:
        pointer = _word(out, offset)
        if pointer and not pointer & 1:
            for addresses, distance in moves.items():
                if pointer in addresses:
                    struct.pack_into("<I", out, offset, pointer + distance)
                    return

    move(_BASE)
    move(_ROOT)
    offset = _OBJECTS
    while offset < len(out):
        size = _move_object(out, offset, move)
        offset += size + -size % 4
    return bytes(out)


def _move_object(out: bytearray, offset: int, move: Callable[[int], None]) -> int:
    """Moves the pointers of the object at `offset`; its size in bytes."""
    _, size, fields, tag = _HEADER.unpack_from(out, offset)
    if tag <= _CONSTRUCTOR_MAX:
        for k in range(fields):
            move(offset + 8 + 4 * k)
        return int(size)
    first, second = struct.unpack_from("<II", out, offset + 8)
    if tag == _ARRAY:
        for k in range(first):
            move(offset + 16 + 4 * k)
        return int(16 + 4 * second)
    if tag == _SCALAR_ARRAY:
        return int(16 + fields * second)
    if tag == _STRING:
        return int(20 + second)
    if tag == _BIG_NUMBER:
        move(offset + 16)
        (limbs,) = struct.unpack_from("<i", out, offset + 12)
        return int(20 + 4 * abs(limbs))
    raise ToolchainError(
        f"not a module file of the embedded Lean: an object of the unknown kind {tag} at byte {offset}"
    )
