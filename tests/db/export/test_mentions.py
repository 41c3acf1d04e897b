"""A held-out theorem is recognized under every name that Lean would understand."""

from __future__ import annotations

import pytest

from db.export.mentions import Mentions

HELD = "Nat.Basic.add_comm"


@pytest.mark.parametrize(
    "text",
    [
        "by exact Nat.Basic.add_comm a b",
        "by rw [←Nat.Basic.add_comm]",
        "@Nat.Basic.add_comm.symm",
        "by simp only [add_comm]",
        "by exact Basic.add_comm ..",
        "by exact _root_.Nat.Basic.add_comm a b",
        "h.add_comm",
        "h.1.add_comm.symm",
        "(f x).add_comm",
        "xs[0]!.add_comm",
        ".add_comm",
        "h₁.le.add_comm",
        "A.add_comm",
    ],
)
def test_a_mention_is_found(text: str) -> None:
    assert Mentions([HELD]).first(text) == HELD


@pytest.mark.parametrize(
    "text",
    [
        "Int.add_comm",
        "Nat.Basic.add_comm'",
        "add_comm_of_lt",
        "UInt8.add_comm",
        "Nat.Basic",
        "Nat.add.comm",
        "by omega",
    ],
)
def test_other_names_are_none(text: str) -> None:
    assert Mentions([HELD]).first(text) is None


def test_names_in_guillemets_are_names() -> None:
    assert Mentions(["List.«a b.c»"]).first("by simp [«a b.c»]") == "List.«a b.c»"
    assert Mentions([]).first("anything") is None
