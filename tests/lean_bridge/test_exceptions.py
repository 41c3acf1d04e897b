"""What Lean's C++ code throws, and what happens when a stack is full."""

from __future__ import annotations

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import ServerDied
from lean_bridge.pool import LeanPool
from lean_bridge.toolchain.base import Toolchain

OPEN = "import Lean\nopen Lean Meta\n"


def adding(declaration: str) -> str:
    return f"{OPEN}run_cmd Elab.Command.liftCoreM <| addDecl <| .thmDecl {{ name := `t, levelParams := [], {declaration} }}"


def asking_the_kernel(question: str) -> str:
    return (
        f"{OPEN}#eval show MetaM Unit from do\n"
        f"  match {question} with\n  | .ok _ => pure ()\n  | .error e => throwError e.toMessageData {{}}"
    )


async def said(server: LeanServer, text: str) -> str:
    checked = await server.check_file(text, seconds=60)
    assert not checked.ok
    return "\n".join(message.text for message in checked.messages)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (adding("type := mkConst ``False, value := mkConst ``True.intro"), "(kernel) declaration type mismatch"),
        (adding("type := mkConst ``False, value := mkConst `nowhere"), "(kernel) unknown constant 'nowhere'"),
        (asking_the_kernel("Kernel.isDefEq (← getEnv) {} (.bvar 3) (.sort .zero)"), "(kernel) type checker does not"),
        (f'{OPEN}@[extern "nowhere"] opaque nowhere : Nat → Nat\n#eval nowhere 3', "Could not find native implement"),
    ],
    ids=["ill-typed proof", "unknown constant", "loose variable", "no code"],
)
async def test_an_exception_of_the_runtime_is_a_message_of_lean(pool: LeanPool, text: str, complaint: str) -> None:
    async with pool.lease() as server:
        for _ in range(3):
            assert complaint in await said(server, text)
        assert (await server.check_file("theorem t : 1 + 1 = 2 := rfl")).ok


async def test_thirty_thousand_exceptions_leave_the_stack_where_it_was(pool: LeanPool) -> None:
    text = (
        f"{OPEN}#eval show MetaM Unit from do\n"
        "  for _ in [0:30000] do\n"
        '    if let .ok _ := Kernel.isDefEq (← getEnv) {} (.bvar 3) (.sort .zero) then throwError "equal"\n'
    )
    async with pool.lease() as server:
        assert (await server.check_file(text, seconds=60)).ok


@pytest.mark.parametrize(
    "text",
    [
        "def deep : Nat → Nat | 0 => 0 | n + 1 => deep n + 1\n#eval deep 100000000",
        f"{OPEN}partial def deep (n : Nat) : MetaM Nat := do return (← deep (n + 1)) + 1\n#eval deep 0",
        "set_option maxRecDepth 100000000\ndef deep : Nat → Nat | 0 => 0 | n + 1 => deep n + 1\nexample : deep 1000000 = 1000000 := by rfl",
    ],
    ids=["program", "metaprogram", "elaborator"],
)
async def test_a_full_stack_ends_the_process_and_says_so(toolchain: Toolchain, text: str) -> None:
    async with await LeanServer.start(toolchain) as server:
        with pytest.raises(ServerDied, match="Stack overflow detected"):
            await server.check_file(text, heartbeats=0, seconds=100)


async def test_a_hundred_thousand_nested_calls_are_no_overflow(pool: LeanPool) -> None:
    text = "def deep : Nat → Nat | 0 => 0 | n + 1 => deep n + 1\n#guard deep 100000 == 100000"
    async with pool.lease() as server:
        assert (await server.check_file(text, heartbeats=0, seconds=60)).ok
