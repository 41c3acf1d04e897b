"""What counts as a case, the order of verdicts, and that a file of verdicts loses nothing and mixes nothing."""

from __future__ import annotations

import json
import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lean_bridge.errors import InputError
from lean_bridge.pool import LeanPool
from prover.checkers import Opinion
from prover.judge import Judge, Proof, Statement, Terms, Verdict, WholeFile
from workbench.checking import Batch, Case, VerdictFile, check_all, open_verdicts, read_cases

GOOD = {"id": "a", "statement": "theorem t : 1 = 1 := sorry", "proof": "rfl"}
STATEMENT = Statement("theorem t (n : Nat) : n + 0 = n := sorry")
SLOW = "by\n  iterate 15 (iterate 15 (have h := 1; clear h))\n  simp"


def line(**changes: object) -> str:
    """A case as JSON, with some keys changed, or left out where the value is None."""
    return json.dumps({key: value for key, value in {**GOOD, **changes}.items() if value is not None})


def cases(count: int) -> list[Case]:
    return [Case(f"c{k}", Statement(f"theorem t : {k} = {k} := sorry"), Proof("rfl")) for k in range(count)]


def verdict(case: Case) -> Verdict:
    return Verdict("accepted", case.statement.hash, "Lean 4", seconds=0.5, constants=("Eq", "∃ é"))


def stored(path: Path) -> list[str]:
    """The ids of the verdicts in a file, every line of which must be whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(row)["id"] for row in text.splitlines()]


def fill(verdicts: VerdictFile, places: list[int]) -> None:
    for place in places:
        verdicts.put(place, verdict(verdicts.batch.cases[place]), "Lean 4")


def finished(path: Path, batch: Batch) -> Path:
    """A file that holds all verdicts of a batch."""
    with open_verdicts(path, batch) as verdicts:
        verdicts.begin()
        fill(verdicts, verdicts.left)
    return path


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Files of this process cannot grow beyond `size` bytes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_cases_are_read_in_their_order(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    second = line(id="ü", header="open Nat\n", proof=None, file="theorem t : 1 = 1 := rfl")
    path.write_bytes(f"{line()}\r\n\n{second}".encode())
    assert read_cases(path) == [
        Case("a", Statement(GOOD["statement"]), Proof("rfl")),
        Case("ü", Statement(GOOD["statement"], "open Nat\n"), WholeFile("theorem t : 1 = 1 := rfl")),
    ]


@pytest.mark.parametrize(
    ("text", "complaint", "cure"),
    [
        (line(kind="x"), "unknown key 'kind'", "a case has the keys id, header, statement, proof, file"),
        (line(id=7), "'id' is 7", "write a string"),
        (line(proof=["by", "simp"]), "'proof' is [", "write a string"),
        ('{"id": null}', "'id' is null", "write a string"),
        (line(id=None), "'id' is missing", "give it"),
        (line(id=" "), "'id' is empty", "give it"),
        (line(statement=None), "'statement' is missing", "give it"),
        (line(statement="\n"), "'statement' is empty", "give it"),
        (line(proof=None), "neither of 'proof' and 'file'", "give exactly one"),
        (line(file="x"), "both of 'proof' and 'file'", "give exactly one"),
        (line(header="def a\0 := 1"), "zero byte", "write Lean source"),
        (line(proof="simp \udc00"), "'proof' holds half of a surrogate pair", "write the whole pair"),
        (line() + ",", "not JSON (Extra data", "write one JSON object a line"),
        (line()[:-5], "not JSON (", "write one JSON object a line"),
        ("\ufeff" + line(), "not JSON (", "write one JSON object a line"),
        ("[" * 100_000, "not JSON (", "write one JSON object a line"),
        ("1" * 5000, "not JSON (", "write one JSON object a line"),
        (f"[{line()}]", "not a JSON object", "write one a line"),
        ('{"id": "b", "id": "c"}', "a key stands there twice", "keep one of the two"),
        (line(id="first"), "the id 'first' is that of line 1 too", "give each its own"),
    ],
)
def test_a_line_that_is_no_case_is_refused_with_its_number(
    text: str, complaint: str, cure: str, tmp_path: Path
) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(f"{line(id='first')}\n\n{text}\n{line(id='last')}\n", encoding="utf-8")
    with pytest.raises(InputError) as refusal:
        read_cases(path)
    assert str(refusal.value).startswith(f"{path}:3: ")
    assert complaint in str(refusal.value)
    assert cure in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"", " is empty; write one case a line"),
        (b" \n\n", " is empty; write one case a line"),
        (line().encode() + b"\n\xff\xfe", ":2: not UTF-8 text (byte 0 of the line); save the file as UTF-8"),
    ],
    ids=["empty", "blank", "not UTF-8"],
)
def test_a_file_without_cases_is_refused(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(content)
    with pytest.raises(InputError) as refusal:
        read_cases(path)
    assert str(refusal.value).startswith(f"{path}{complaint}")


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file or directory; name a file"):
        read_cases(tmp_path / "missing.jsonl")
    with pytest.raises(InputError, match="cannot be read: Is a directory; name a file"):
        read_cases(tmp_path)


def test_every_faulty_line_is_named_up_to_a_limit(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text("\n".join([line(), *["{}"] * 13]))
    with pytest.raises(InputError) as refusal:
        read_cases(path)
    *named, more = str(refusal.value).splitlines()
    assert [row.split(":")[1] for row in named] == [str(number) for number in range(2, 12)]
    assert more == "and 3 lines more"


async def test_verdicts_come_in_the_order_of_the_cases_and_are_told_as_they_are_there(pair: LeanPool) -> None:
    bodies = [SLOW, "by simp", "by omega", "by exact foo", "sorry"]
    batch = [Case(f"c{k}", STATEMENT, Proof(body)) for k, body in enumerate(bodies)]
    batch.append(Case("bad", Statement("theorem t : 1 := sorry"), Proof("rfl")))
    batch.append(Case("file", STATEMENT, WholeFile("theorem t (n : Nat) : n + 0 = n := rfl")))
    told: list[int] = []
    async with pair.lease(), pair.lease():
        pass  # both processes have started
    verdicts = await check_all(
        Judge(pair, Terms(heartbeats=0)), batch, workers=2, keep=lambda place, _: told.append(place)
    )
    reasons = [None, None, None, "elaboration", "sorry", "bad_statement", None]
    assert [found.reason for found in verdicts] == reasons
    assert [found.outcome for found in verdicts[3:6]] == ["rejected", "rejected", "error"]
    assert [found.statement_hash for found in verdicts] == [case.statement.hash for case in batch]
    assert sorted(told) == list(range(len(batch)))
    assert told[0] == 1  # the first is at work all the while


async def test_no_more_cases_are_at_work_than_there_are_workers(pair: LeanPool) -> None:
    class Watched(Judge):
        now = most = 0

        async def check(self, statement: Statement, submission: Proof | WholeFile) -> Verdict:
            self.now += 1
            self.most = max(self.most, self.now)
            try:
                return await super().check(statement, submission)
            finally:
                self.now -= 1

    judge = Watched(pair)
    assert all(found.accepted for found in await check_all(judge, cases(9), workers=2))
    assert judge.most == 2
    assert await check_all(judge, [], workers=2) == []


async def test_what_the_keeper_of_verdicts_raises_ends_the_work(pair: LeanPool) -> None:
    told: list[int] = []

    def keep(place: int, _: Verdict) -> None:
        told.append(place)
        raise InputError("no room")

    with pytest.raises(InputError, match="no room"):
        await check_all(Judge(pair), cases(20), workers=2, keep=keep)
    assert len(told) <= 2


def test_a_line_says_all_that_is_known_of_a_verdict(tmp_path: Path) -> None:
    case = Case("a", STATEMENT, WholeFile("x"))
    batch = Batch([case], Terms(seconds=2, heartbeats=5, axioms=frozenset({"b", "a"}), syntax=("k",)), replay=True)
    judged = Verdict("rejected", case.statement.hash, "", "replay", "no", opinions=(Opinion("second", False, "no"),))
    with open_verdicts(tmp_path / "out.jsonl", batch) as verdicts:
        verdicts.begin()
        verdicts.put(0, judged, "Lean 4")
        assert verdicts.tally == {("rejected", "replay"): 1}
    assert json.loads((tmp_path / "out.jsonl").read_text()) == {
        "id": "a",
        "outcome": "rejected",
        "reason": "replay",
        "message": "no",
        "line": None,
        "column": None,
        "statement_sha256": case.statement.hash,
        "submission_sha256": case.submission_hash,
        "axioms": [],
        "constants": [],
        "heartbeats": 5,
        "seconds": 0.0,
        "lean": "Lean 4",
        "opinions": [{"checker": "second", "accepted": False, "message": "no", "error": False}],
        "terms": {"seconds": 2, "heartbeats": 5, "axioms": ["a", "b"], "syntax": ["k"], "replay": True},
    }


def test_a_body_and_a_file_of_the_same_text_are_different_submissions() -> None:
    assert len({Case("a", STATEMENT, kind("rfl")).submission_hash for kind in (Proof, WholeFile)}) == 2


def test_verdicts_are_written_in_order_and_those_before_their_turn_survive_a_kill(tmp_path: Path) -> None:
    batch = Batch(cases(6))
    (tmp_path / "run").mkdir()
    path = tmp_path / "run" / "out.jsonl"
    with open_verdicts(path, batch) as verdicts:
        verdicts.begin()
        for done, written in [(2, []), (1, []), (4, []), (0, ["c0", "c1", "c2"])]:
            fill(verdicts, [done])
            assert stored(path) == written
            # What a kill at this moment leaves, and what then is left to do:
            left = shutil.copytree(path.parent, tmp_path / f"killed after {done}") / path.name
            with open_verdicts(left, batch) as continued:
                assert continued.left == verdicts.left
                assert continued.tally == verdicts.tally
                continued.begin()
                fill(continued, continued.left[::-1])
            assert stored(left) == [f"c{k}" for k in range(6)]
        fill(verdicts, [3, 5])
    assert stored(path) == [f"c{k}" for k in range(6)]
    assert not list(path.parent.glob(".*.ahead"))


def test_verdicts_before_their_turn_that_do_not_fit_are_judged_again(tmp_path: Path) -> None:
    batch, path = Batch(cases(4)), tmp_path / "out.jsonl"
    with open_verdicts(path, batch) as verdicts:
        verdicts.begin()
        fill(verdicts, [2, 3])
    ahead = tmp_path / ".out.jsonl.ahead"
    kept = ahead.read_bytes()
    for damage in (b"", b"[]\n7\n{}\nnull\n" + kept, kept[:-1], b'{"id": []}\n' + kept):
        ahead.write_bytes(damage)
        with open_verdicts(path, batch) as verdicts:
            assert verdicts.left == [0, 1, *([2, 3] if not damage else [3] if damage == kept[:-1] else [])]
    other = Batch([*batch.cases[:2], Case("c2", STATEMENT, Proof("rfl")), batch.cases[3]])
    with open_verdicts(path, other) as verdicts:
        assert verdicts.left == [0, 1, 2]
    path.unlink()
    with open_verdicts(path, batch) as verdicts:  # who removes the file wants all of it anew
        assert verdicts.left == [0, 1, 2, 3]


def test_a_torn_line_is_cut_off_wherever_it_is_torn(tmp_path: Path) -> None:
    batch = Batch(cases(2))
    whole = finished(tmp_path / "whole.jsonl", batch).read_bytes()
    first = whole.index(b"\n") + 1
    path = tmp_path / "out.jsonl"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with open_verdicts(path, batch) as verdicts:
            assert path.read_bytes() == whole[:size]
            assert verdicts.left == ([0, 1] if size < first else [1])
            verdicts.begin()
            fill(verdicts, verdicts.left)
        assert path.read_bytes() == whole


@pytest.mark.parametrize("content", [b"dear diary", b'{"id": "c7"', b"\0\0\0"])
def test_a_file_of_something_else_is_not_cut(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "out.jsonl"
    for head in (b"", finished(tmp_path / "whole.jsonl", Batch(cases(1))).read_bytes()):
        path.write_bytes(head + content)
        place = head.count(b"\n") + 1
        with (
            pytest.raises(InputError, match=f"out.jsonl:{place}: .*Remove .* or choose another file"),
            open_verdicts(path, Batch(cases(2))),
        ):
            pass
        assert path.read_bytes() == head + content


def changed(place: int, case: Case) -> Callable[[Batch], Batch]:
    def change(batch: Batch) -> Batch:
        return Batch([case if k == place else other for k, other in enumerate(batch.cases)], batch.terms, batch.replay)

    return change


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (changed(1, Case("x", cases(2)[1].statement, Proof("rfl"))), 2, "id"),
        (changed(1, Case("c1", Statement("theorem t : 1 = 1 := sorry", "open Nat"), Proof("rfl"))), 2, "statement_sha256"),
        (changed(2, Case("c2", STATEMENT, Proof("rfl"))), 3, "statement_sha256"),
        (changed(2, Case("c2", cases(3)[2].statement, Proof("by rfl"))), 3, "submission_sha256"),
        (changed(0, Case("c0", cases(1)[0].statement, WholeFile("rfl"))), 1, "submission_sha256"),
        (lambda batch: Batch(batch.cases, Terms(seconds=1)), 1, "terms"),
        (lambda batch: Batch(batch.cases, Terms(heartbeats=1)), 1, "terms"),
        (lambda batch: Batch(batch.cases, Terms(axioms=frozenset())), 1, "terms"),
        (lambda batch: Batch(batch.cases, Terms(syntax=("kind",))), 1, "terms"),
        (lambda batch: Batch(batch.cases, replay=True), 1, "terms"),
        (lambda batch: Batch(batch.cases[:2]), 3, "a verdict too many for 2 cases"),
        (lambda batch: Batch(batch.cases[::-1]), 1, "id"),
    ],
)  # fmt: skip
def test_a_file_of_another_batch_is_refused(
    change: Callable[[Batch], Batch], place: int, what: str, tmp_path: Path
) -> None:
    batch = Batch(cases(3))
    path = finished(tmp_path / "out.jsonl", batch)
    before = path.read_bytes()
    with pytest.raises(InputError) as refusal, open_verdicts(path, change(batch)):
        pass
    assert str(refusal.value).startswith(f"{path}:{place}: ")
    assert what in str(refusal.value)
    assert f"Remove {path} or choose another file" in str(refusal.value)
    assert path.read_bytes() == before
    with open_verdicts(path, change(batch), restart=True) as verdicts:
        assert path.read_bytes() == before
        verdicts.begin()
        fill(verdicts, verdicts.left)
    assert stored(path) == [case.id for case in change(batch).cases]


@pytest.mark.parametrize("damage", ["{}", "null", "", "{", '{"outcome": "maybe"}'])
def test_a_damaged_line_is_refused_with_its_number(damage: str, tmp_path: Path) -> None:
    path = finished(tmp_path / "out.jsonl", Batch(cases(3)))
    rows = path.read_text().splitlines()
    path.write_text("\n".join([rows[0], damage, rows[2], ""]))
    with pytest.raises(InputError, match=r"out.jsonl:2: the line is no verdict"), open_verdicts(path, Batch(cases(3))):
        pass


def test_a_batch_may_grow_at_its_end(tmp_path: Path) -> None:
    path = finished(tmp_path / "out.jsonl", Batch(cases(2)))
    with open_verdicts(path, Batch(cases(4))) as verdicts:
        assert verdicts.left == [2, 3]


def test_two_runs_on_one_file_are_refused(tmp_path: Path) -> None:
    path, batch = tmp_path / "out.jsonl", Batch(cases(1))
    with (
        open_verdicts(path, batch),
        pytest.raises(InputError, match=r"another run writes .*out.jsonl; wait for its end, or choose another file"),
        open_verdicts(path, batch, restart=True),
    ):
        pass
    finished(path, batch)


@pytest.mark.parametrize(
    ("out", "complaint"),
    [
        ("nowhere/out.jsonl", "there is no folder .*nowhere; make it first"),
        (".", "is no ordinary file; name one"),
        ("/dev/full", "is no ordinary file; name one"),
    ],
)
def test_a_place_that_cannot_hold_verdicts_is_refused(out: str, complaint: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=complaint), open_verdicts(tmp_path / out, Batch(cases(1))):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0]], ids=["in order", "before their turn"])
def test_a_full_disk_loses_nothing_that_was_stored(order: list[int], tmp_path: Path) -> None:
    batch = Batch(cases(4))
    whole = finished(tmp_path / "whole.jsonl", batch)
    size = whole.stat().st_size
    path = tmp_path / "out.jsonl"
    with largest_file(size // 2 + 20), open_verdicts(path, batch) as verdicts:
        verdicts.begin()
        with pytest.raises(InputError, match=r"cannot be written: File too large. The verdicts that it holds stay"):
            fill(verdicts, order)
    assert whole.read_text().startswith(path.read_text())
    with open_verdicts(path, batch) as verdicts:
        assert sorted(verdicts.left) == sorted(order[2:])
        verdicts.begin()
        fill(verdicts, verdicts.left)
    assert path.read_bytes() == whole.read_bytes()
