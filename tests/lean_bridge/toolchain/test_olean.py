from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from lean_bridge.errors import ToolchainError
from lean_bridge.toolchain.olean import ModuleFile, complete, knows_true


@pytest.fixture(scope="module")
def core(package: Path) -> bytes:
    return published(package, "Init/Core.olean")


@pytest.fixture(scope="module")
def list_basic(package: Path) -> bytes:
    return published(package, "Init/Data/List/Basic.olean")


def published(package: Path, name: str) -> bytes:
    with tarfile.open(package / "lean-lib.tar.gz") as tar:
        file = tar.extractfile(f"./{name}")
        assert file is not None
        return file.read()


def names(module: ModuleFile, field: int) -> list[str]:
    return [module.name(pointer) for pointer in module.array(module.fields(module.root)[field])]


def test_the_assumed_hashes_are_those_of_this_build(core: bytes) -> None:
    assert knows_true(core)
    assert not knows_true(core[:1000])


def test_completion_appends_the_code_generators_names_to_the_constants(list_basic: bytes) -> None:
    before, after = ModuleFile(list_basic), ModuleFile(complete(list_basic))
    extra = names(before, 3)
    assert extra
    assert names(after, 1) == names(before, 1) + extra
    assert names(after, 3) == extra
    constants = after.array(after.fields(after.root)[2])
    assert len(constants) == len(names(after, 1))
    assert constants[: -len(extra)] == before.array(before.fields(before.root)[2])
    assert len(set(constants[-len(extra) :])) == 1  # all share one entry
    assert after.data[88 : len(list_basic)] == list_basic[88:]


def test_the_shared_entry_is_the_axiom_true(list_basic: bytes) -> None:
    after = ModuleFile(complete(list_basic))
    (axiom_value,) = after.fields(after.array(after.fields(after.root)[2])[-1])
    (constant,) = after.fields(axiom_value)
    name, levels, statement = after.fields(constant)
    assert (after.name(name), levels) == ("True", 1)
    assert after.name(after.fields(statement)[0]) == "True"


def test_a_module_without_such_names_is_left_alone(package: Path) -> None:
    init = published(package, "Init.olean")
    assert complete(init) is init


@pytest.mark.parametrize("data", [b"", b"not a module", b"olean\x01" + bytes(200), b"olean\x02" + bytes(10)])
def test_what_is_no_module_file_is_refused(data: bytes) -> None:
    with pytest.raises(ToolchainError, match="not a module file of the embedded Lean"):
        complete(data)


def test_a_module_cut_short_is_refused(core: bytes) -> None:
    with pytest.raises(ToolchainError, match="cut short"):
        complete(core[: len(core) // 2])
