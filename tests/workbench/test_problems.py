"""What counts as a problem in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError
from workbench.problems import LeanFile, names_a_file, problems_in_file

FILE = """\
namespace A
/-- With a comment before it. -/
theorem t (n : Nat) : n = n := by sorry
end A

namespace B
theorem t (n : Nat) : n + 0 = n := by
  sorry
private theorem hidden : 1 = 1 := sorry
end B

theorem done : 1 = 1 := rfl
theorem half : 1 = 1 ∧ 2 = 2 := ⟨sorry, rfl⟩
example : 2 = 2 := by sorry
example (n : Nat) : n = n := by sorry
"""


def lean_file(text: str) -> LeanFile:
    return LeanFile(Path("some.lean"), text)


async def test_every_theorem_whose_whole_proof_is_sorry_is_a_problem(server: LeanServer) -> None:
    problems = await problems_in_file(server, lean_file(FILE), [])
    assert [problem.name for problem in problems][:3] == ["A.t", "B.t", "B.hidden"]
    assert [problem.line for problem in problems] == [3, 7, 9, 14, 15]
    assert len({problem.name for problem in problems}) == 5
    proofs = [FILE.encode()[p.place.start : p.place.stop].decode() for p in problems if p.place]
    assert proofs == ["by sorry", "by\n  sorry", "sorry", "by sorry", "by sorry"]


async def test_theorems_are_chosen_by_their_full_names(server: LeanServer) -> None:
    problems = await problems_in_file(server, lean_file(FILE), ["B.t"])
    assert [problem.line for problem in problems] == [7]


async def test_the_file_keeps_no_environment_in_the_server(server: LeanServer) -> None:
    before = (await server.stats()).envs
    await problems_in_file(server, lean_file(FILE), [])
    assert (await server.stats()).envs == before


@pytest.mark.parametrize(
    ("names", "complaint"),
    [
        (["u"], "some.lean has no theorem u; it has A.t, B.t, "),
        (["done"], "some.lean:12: done has a proof already; replace its whole proof by `sorry`"),
        (["half"], "some.lean:13: half has a `sorry` inside a longer proof; replace its whole proof by `sorry`"),
    ],
)
async def test_a_theorem_that_cannot_be_chosen_is_refused(names: list[str], complaint: str, server: LeanServer) -> None:
    with pytest.raises(InputError) as refusal:
        await problems_in_file(server, lean_file(FILE), names)
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("def two := 2\n", "there is no theorem in it; write one that ends in `:= by sorry`"),
        ("theorem t : 1 = 1 := rfl\n", "every theorem has a proof already; replace a proof by `sorry`"),
        ("theorem t : 1 = 1 ∧ 2 = 2 := ⟨rfl, sorry⟩\n", "`sorry` stands inside longer proofs only (t)"),
        ("theorem t : 1 = 1 := by sorry\n#eval wrong\n", "some.lean:2:6: error: "),
        ("theorem t : 1 = 1 := by sorry\ntheorem t : 1 = 1 := by sorry\n", "some.lean:2:8: error: "),
        ("theorem t (n : Nat) : n + n := by sorry\n", "some.lean:1:22: error: "),
    ],
)
async def test_a_file_without_a_problem_is_refused(text: str, complaint: str, server: LeanServer) -> None:
    with pytest.raises(InputError) as refusal:
        await problems_in_file(server, lean_file(text), [])
    assert complaint in str(refusal.value)


@pytest.mark.parametrize(
    ("source", "file"),
    [("a.lean", True), ("/tmp", True), ("∀ n : Nat, n = n", False), ("p" * 5000, False), ("", False), (" ", False)],
)
def test_what_names_a_file_and_what_is_a_statement(source: str, file: bool) -> None:
    assert names_a_file(source) is file
