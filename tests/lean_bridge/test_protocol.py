from __future__ import annotations

import json
import time
from typing import Any

import pytest

from lean_bridge import wire
from lean_bridge.errors import InputError, ProtocolError, RequestFailed
from lean_bridge.protocol import (
    Advanced,
    Allowance,
    Attempt,
    Certificate,
    Counterexample,
    Environment,
    FileReport,
    FileTheorem,
    Goal,
    GoalStart,
    Hypothesis,
    Message,
    Place,
    Premise,
    ProofPlace,
    ProofState,
    ProofVerdict,
    ServerStats,
    Span,
    TacticFailed,
    Witness,
)

GOAL = {"text": "a b : Nat\n⊢ a + b = b + a", "key": "9f3a", "shared": False}
FULL_GOAL = GOAL | {
    "case": "succ",
    "target": "a + b = b + a",
    "hypotheses": [{"names": ["a", "b"], "type": "Nat", "value": None, "proof": False}],
}
STATE = {"id": 12, "goals": [GOAL]}
MESSAGE = {"severity": "error", "text": "oops", "line": 1, "column": 0, "endLine": 1, "endColumn": 4}
GREETING = {"protocol": 1, "server": "0.1.0", "lean": "4.28.0", "commit": "38f", "backend": "embedded", "platform": "w"}

OPEN = wire.open_environment(["Init"], "open Nat")
RUN = wire.run_tactics(
    [Attempt(12, ("omega", "simp"), goal=0), Attempt(13, ("rfl",))],
    heartbeats=5,
    seconds=1.5,
    detail="none",
    strict=True,
)
CHECK = wire.check_file("example : True := trivial", file="a.lean", open_holes=True, heartbeats=None, seconds=2.0)
START = wire.start_goal(1, statement="True", declaration=None)
VIEW = wire.view_states([12], detail="full")
FINISH = wire.finish(12, axioms=[], seconds=3.0)
PROOF = wire.check_proof(
    1,
    statement="theorem t : True := by sorry",
    proof="by simp",
    file=None,
    allow=Allowance(("propext",), ("Foo.tac",)),
    heartbeats=9,
    seconds=None,
    export=True,
)
REPLAY = wire.replay_proof(1, declarations="{}", statement="True", axioms=None, seconds=4.0)
PREMISES = wire.find_premises(12, goal=0, uses=["rw"], limit=5, hypotheses=False, statements=True, heartbeats=None)
REFUTE = wire.find_counterexample(3, statement="∀ n : Nat, n = 0", evaluations=None, seconds=2.0)
STATS = wire.stats()

FOUND = {
    "outcome": "refuted",
    "claim": "¬ (∀ n : Nat, n = 0)",
    "proof": "fun h => …",
    "witnesses": [{"name": "n", "type": "Nat", "value": "1"}],
    "on": "",
    "evaluations": 2,
    "ms": 8,
}

VERDICT = {
    "accepted": True,
    "messages": [],
    "axioms": ["propext"],
    "constants": ["True"],
    "size": 41,
    "opaqueTheorems": 2,
    "ms": 3.5,
}
REFUSED = {"accepted": False, "messages": [], "axioms": [], "reason": "sorry", "message": "uses sorry", "ms": 3.5}
PLACED = {**REFUSED, "reason": "syntax", "line": 2, "column": 7}
THEOREM = {
    "name": "t",
    "kind": "theorem",
    "statement": "True",
    "line": 3,
    "column": 2,
    "range": {"start": 1, "stop": 31},
    "sorry": True,
    "axioms": ["sorryAx"],
    "proof": {"start": 5, "stop": 10, "text": "sorry"},
    "env": 4,
    "declaration": "theorem t : True := sorry",
}
PREMISE = {
    "use": "rw",
    "name": "Nat.add_comm",
    "reverse": True,
    "at": "h",
    "tactic": "rw [← Nat.add_comm] at h",
    "score": 3,
}


@pytest.mark.parametrize(
    ("call", "method", "params"),
    [
        (OPEN, "env.open", {"imports": ["Init"], "prelude": "open Nat"}),
        (wire.open_header("import Std"), "env.open", {"header": "import Std"}),
        (wire.release_environments([3]), "env.release", {"envs": [3]}),
        (
            CHECK,
            "file.check",
            {"text": "example : True := trivial", "file": "a.lean", "open": True, "seconds": 2.0},
        ),
        (START, "goal.start", {"env": 1, "statement": "True"}),
        (
            RUN,
            "goal.run",
            {
                "attempts": [{"state": 12, "goal": 0, "tactics": ["omega", "simp"]}, {"state": 13, "tactics": ["rfl"]}],
                "heartbeats": 5,
                "seconds": 1.5,
                "detail": "none",
                "strict": True,
            },
        ),
        (VIEW, "goal.view", {"states": [12], "detail": "full"}),
        (wire.release_states([12, 13]), "goal.release", {"states": [12, 13]}),
        (wire.release_states(None), "goal.release", {"all": True}),
        (FINISH, "goal.finish", {"state": 12, "axioms": [], "seconds": 3.0}),
        (
            PROOF,
            "proof.check",
            {
                "env": 1,
                "statement": "theorem t : True := by sorry",
                "proof": "by simp",
                "axioms": ["propext"],
                "syntax": ["Foo.tac"],
                "heartbeats": 9,
                "export": True,
            },
        ),
        (REPLAY, "proof.replay", {"env": 1, "declarations": "{}", "statement": "True", "seconds": 4.0}),
        (
            wire.replay_proof(
                1, declarations="{}", statement="True", axioms=["propext"], seconds=None, export="closure"
            ),
            "proof.replay",
            {"env": 1, "declarations": "{}", "statement": "True", "axioms": ["propext"], "export": "closure"},
        ),
        (
            PREMISES,
            "premise.find",
            {"state": 12, "goal": 0, "uses": ["rw"], "limit": 5, "hypotheses": False, "statements": True},
        ),
        (REFUTE, "refute.find", {"env": 3, "statement": "∀ n : Nat, n = 0", "seconds": 2.0}),
        (STATS, "server.stats", {}),
    ],
)
def test_requests_are_written_as_the_protocol_says(
    call: wire.Call[Any], method: str, params: dict[str, object]
) -> None:
    line = wire.request_line(7, call.method, call.params)
    assert line.endswith(b"\n")
    assert json.loads(line) == {"id": 7, "method": method, "params": params}


@pytest.mark.parametrize(
    ("call", "result", "value"),
    [
        (
            OPEN,
            {"env": 1, "constants": 65660, "seconds": 0.3, "messages": [MESSAGE]},
            Environment(1, 65660, 0.3, (Message("error", "oops", 1, 0, 1, 4),)),
        ),
        (wire.release_states(None), {"released": 2}, 2),
        (
            CHECK,
            {"messages": [], "ok": True, "theorems": [THEOREM]},
            FileReport(
                (),
                True,
                (
                    FileTheorem(
                        "t",
                        "theorem",
                        "True",
                        3,
                        2,
                        Span(1, 31),
                        True,
                        ("sorryAx",),
                        ProofPlace(5, 10, "sorry"),
                        4,
                        "theorem t : True := sorry",
                    ),
                ),
            ),
        ),
        (
            START,
            {"state": STATE, "name": "t", "statement": "True", "universes": ["u"]},
            GoalStart(ProofState(12, (Goal("9f3a", False, "a b : Nat\n⊢ a + b = b + a"),)), "t", "True", ("u",)),
        ),
        (
            RUN,
            {
                "results": [
                    [{"state": {"id": 14, "goals": []}, "ms": 1.7}, {"error": "tactic", "message": "no", "ms": 1}],
                    [{"error": "timeout", "message": "late", "ms": 1500.0}],
                ]
            },
            [
                [Advanced(ProofState(14, ()), 1.7), TacticFailed("tactic", "no", 1.0)],
                [TacticFailed("timeout", "late", 1500.0)],
            ],
        ),
        (
            VIEW,
            {"states": [{"id": 12, "goals": [FULL_GOAL]}]},
            (
                ProofState(
                    12,
                    (
                        Goal(
                            "9f3a",
                            False,
                            "a b : Nat\n⊢ a + b = b + a",
                            "succ",
                            "a + b = b + a",
                            (Hypothesis(("a", "b"), "Nat", None, False),),
                        ),
                    ),
                ),
            ),
        ),
        (
            FINISH,
            {"accepted": True, "axioms": ["propext"], "opaqueTheorems": 3, "script": ["intro h", "omega"], "size": 41},
            Certificate(True, ("intro h", "omega"), ("propext",), 41, 3),
        ),
        (
            FINISH,
            {"accepted": False, "reason": "kernel", "message": "type mismatch", "axioms": [], "script": []},
            Certificate(False, (), (), reason="kernel", message="type mismatch"),
        ),
        (PROOF, VERDICT, ProofVerdict(True, (), 3.5, ("propext",), ("True",), 41, 2)),
        (REPLAY, VERDICT | {"declarations": "{}"}, ProofVerdict(True, (), 3.5, ("propext",), ("True",), 41, 2, "{}")),
        (
            PROOF,
            PLACED,
            ProofVerdict(False, (), 3.5, (), reason="syntax", message="uses sorry", place=Place(2, 7)),
        ),
        (PROOF, REFUSED, ProofVerdict(False, (), 3.5, (), reason="sorry", message="uses sorry")),
        (
            PREMISES,
            {"premises": [PREMISE], "seconds": 0.1},
            [Premise("rw", "Nat.add_comm", "rw [← Nat.add_comm] at h", 3.0, True, "h")],
        ),
        (
            REFUTE,
            FOUND,
            Counterexample("refuted", "¬ (∀ n : Nat, n = 0)", "fun h => …", (Witness("n", "Nat", "1"),), "", 2, 8.0),
        ),
        (
            REFUTE,
            {"outcome": "stuck", "claim": "¬ p", "on": "cannot decide p", "evaluations": 3, "ms": 1},
            Counterexample("stuck", "¬ p", on="cannot decide p", evaluations=3, ms=1.0),
        ),
        (
            STATS,
            {"requests": 5, "envs": 1, "states": 2, "seconds": 2.5},
            ServerStats(5, 1, 2, 2.5),
        ),
    ],
)
def test_replies_are_read_as_the_protocol_says(call: wire.Call[Any], result: object, value: object) -> None:
    assert wire.read_result(call, {"id": 7, "result": result}) == value


@pytest.mark.parametrize(
    ("call", "result", "field"),
    [
        (OPEN, {"constants": 1, "seconds": 0, "messages": []}, "env"),
        (OPEN, {"env": "1", "constants": 1, "seconds": 0, "messages": []}, "env"),
        (OPEN, {"env": True, "constants": 1, "seconds": 0, "messages": []}, "env"),
        (OPEN, {"env": 1, "constants": 1, "seconds": 0, "messages": [MESSAGE | {"severity": "fatal"}]}, "severity"),
        (OPEN, [], "result"),
        (CHECK, {"messages": [], "ok": 1, "theorems": []}, "ok"),
        (CHECK, {"messages": [], "ok": True, "theorems": [THEOREM | {"axioms": [1]}]}, "axioms"),
        (CHECK, {"messages": [], "ok": True, "theorems": [THEOREM | {"proof": {"start": 1}}]}, "stop"),
        (START, {"name": "t", "statement": "True", "universes": []}, "state"),
        (
            START,
            {"state": {"id": 1, "goals": [GOAL | {"key": 5}]}, "name": "t", "statement": "", "universes": []},
            "key",
        ),
        (RUN, {"results": [[{"error": "tactic", "message": "", "ms": 1}]]}, "results"),
        (RUN, {"results": [5, 6]}, "results"),
        (RUN, {"results": [[{"ms": 1}, {"ms": 1}], [{"ms": 1}]]}, "error"),
        (RUN, {"results": [[{"error": "bored", "message": "", "ms": 1}] * 2, []]}, "results"),
        (VIEW, {"states": None}, "states"),
        (FINISH, {"accepted": True, "script": [], "size": 1}, "axioms"),
        (PROOF, REFUSED | {"reason": "mood"}, "reason"),
        (PREMISES, {"premises": [PREMISE | {"score": "high"}]}, "score"),
        (REFUTE, FOUND | {"outcome": "bored"}, "outcome"),
        (REFUTE, FOUND | {"witnesses": [{"name": "n", "type": "Nat"}]}, "value"),
        (STATS, {"requests": 1, "envs": 1, "seconds": 1}, "states"),
    ],
)
def test_a_reply_of_another_shape_is_refused_by_the_name_of_its_field(
    call: wire.Call[Any], result: object, field: str
) -> None:
    with pytest.raises(ProtocolError, match=field) as refused:
        wire.read_result(call, {"id": 7, "result": result})
    assert call.method in str(refused.value)


def test_a_reply_may_say_more_than_the_protocol_knows() -> None:
    assert wire.read_result(wire.release_states(None), {"id": 7, "result": {"released": 2, "mood": "good"}}) == 2


def test_an_error_envelope_keeps_its_kind_and_its_messages() -> None:
    error = {"kind": "parse_error", "message": "unexpected token", "data": {"messages": [MESSAGE]}}
    with pytest.raises(RequestFailed, match="unexpected token") as failed:
        wire.read_result(START, {"id": 7, "error": error})
    assert failed.value.kind == "parse_error"
    assert wire.failure_messages(failed.value) == (Message("error", "oops", 1, 0, 1, 4),)


def test_an_error_envelope_needs_no_data() -> None:
    with pytest.raises(RequestFailed) as failed:
        wire.read_result(START, {"id": 7, "error": {"kind": "internal", "message": "?"}})
    assert wire.failure_messages(failed.value) == ()


def test_a_reply_with_neither_result_nor_error_is_refused() -> None:
    with pytest.raises(ProtocolError, match="error"):
        wire.read_result(START, {"id": 7})


def test_a_greeting_of_another_protocol_is_refused_with_the_cure() -> None:
    assert wire.read_hello({"hello": GREETING}).lean == "4.28.0"
    with pytest.raises(ProtocolError, match="lemma lean setup"):
        wire.read_hello({"hello": GREETING | {"protocol": 2}})


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b"\xff"])
def test_a_line_that_is_no_object_is_refused(line: bytes) -> None:
    with pytest.raises(ProtocolError):
        wire.read_reply(line)


def test_characters_beyond_the_first_plane_are_sent_as_they_are() -> None:
    # Lean reads the two halves of an escaped pair as two characters.
    assert "𝕜" in wire.request_line(1, "file.check", {"text": "variable (𝕜 : Type)"}).decode()


def test_half_a_character_is_the_callers_mistake() -> None:
    with pytest.raises(InputError, match="not a character"):
        wire.request_line(1, "file.check", {"text": "\ud835"})


def test_a_theorem_is_given_either_as_statement_or_as_declaration() -> None:
    with pytest.raises(ValueError, match="either"):
        wire.start_goal(1, statement=None, declaration=None)
    with pytest.raises(ValueError, match="either"):
        wire.start_goal(1, statement="True", declaration="theorem t : True := by sorry")


def test_reading_the_replies_to_300_steps_takes_a_small_part_of_a_second() -> None:
    steps = 320
    call = wire.run_tactics([Attempt(1, ("simp",) * steps)], heartbeats=1, seconds=1, detail="text", strict=False)
    outcome = {"state": {"id": 1, "goals": [GOAL, GOAL]}, "ms": 1.0}
    line = json.dumps({"id": 1, "result": {"results": [[outcome] * steps]}}).encode()
    begin = time.perf_counter()
    wire.read_result(call, wire.read_reply(line))
    assert time.perf_counter() - begin < 0.05
