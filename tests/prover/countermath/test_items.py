from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from prover.countermath.items import Language, chosen, read_benchmark
from prover.errors import BadBenchmark
from tests.prover.countermath.rows import ROWS, benchmark, row, written


def test_rows_become_items_with_the_number_of_their_line(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text("\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    found = read_benchmark(path, Language.en)
    assert [item.number for item in found.items] == list(range(2, 10))
    assert [item.label for item in found.items] == [True] * 4 + [False] * 3 + [None]
    assert found.items[4].field == "topology"
    assert found.items[0].rationale == "Rationale 1: count them."
    assert (found.name, found.digest) == ("items.jsonl", hashlib.sha256(path.read_bytes()).hexdigest())
    assert (found.hidden, found.duplicates) == (1, 0)


def test_chinese_statements_come_with_their_rationales(tmp_path: Path) -> None:
    item = benchmark(tmp_path, language=Language.zh).items[0]
    assert item.statement.startswith("陈述 1")
    assert item.rationale.startswith("理由 1")


def test_a_statement_that_stands_there_twice_is_kept_and_counted(tmp_path: Path) -> None:
    found = benchmark(tmp_path, [*ROWS, ROWS[0]])
    assert (len(found.items), found.duplicates) == (9, 1)


def test_a_line_separator_within_a_statement_ends_no_line(tmp_path: Path) -> None:
    found = benchmark(tmp_path, [row(1, True, statement="first\u2028second")])
    assert found.items[0].statement == "first\u2028second"


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert len(read_benchmark(path, Language.en).items) == 8


@pytest.mark.parametrize(
    ("line", "complaint", "cure"),
    [
        ("{", "this is not JSON", "give one object a line"),
        ("[1]", "not a JSON object", "give one object a line"),
        ('{"judgement": true}', "there is no `statement`", "give each row one"),
        ('{"statement": " ", "judgement": true}', "there is no `statement`", "give each row one"),
        ('{"statement": 3}', "`statement` is 3", "write a text"),
        ('{"statement": "S", "judgement": "True"}', '`judgement` is "True"', "write true or false without quotes"),
        ('{"statement": "S", "judgement": 1}', "`judgement` is 1", "write true or false without quotes"),
        ('{"statement": "S", "field": ["a"]}', '`field` is ["a"]', "write a text"),
    ],
)
def test_a_bad_row_is_refused_with_its_place_and_the_cure(line: str, complaint: str, cure: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(json.dumps(ROWS[0]) + "\n" + line + "\n")
    with pytest.raises(BadBenchmark) as failure:
        read_benchmark(path, Language.en)
    assert str(failure.value).startswith(f"{path}:2: ")
    assert complaint in str(failure.value)
    assert cure in str(failure.value)


@pytest.mark.parametrize("content", [None, b"", b"\n \n", b"\xff\xfe"], ids=["missing", "empty", "blank", "binary"])
def test_a_file_without_rows_is_refused(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BadBenchmark, match=r"bad\.jsonl (cannot be read|holds no statement).*give"):
        read_benchmark(path, Language.en)


def test_a_row_without_a_chinese_statement_says_that_there_is_another_language(tmp_path: Path) -> None:
    with pytest.raises(BadBenchmark, match="no `chinese_statement`; give each row one, or choose the other language"):
        benchmark(tmp_path, [row(1, True, chinese_statement=None)], Language.zh)


def test_a_sample_depends_on_the_seed_alone_and_keeps_the_order(tmp_path: Path) -> None:
    items = benchmark(tmp_path).items
    drawn = [[item.number for item in chosen(items, None, 4, seed)] for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert drawn[0] == sorted(drawn[0])
    assert len(drawn[0]) == 4
    assert chosen(items, None, 99, 1) == items
    assert chosen(items, 3, None, 1) == items[:3]
    assert chosen(items, None, None, 1) == items
