from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lean_bridge.client import LeanServer
from lean_bridge.errors import InputError, RequestFailed
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.transcript import Recorder, Replay, read_transcript, repeat

TRANSCRIPTS = Path(__file__).parents[1] / "transcripts"
HELLO = {"protocol": 1, "server": "0", "lean": "4", "commit": "c", "backend": "embedded", "platform": "p"}
MEASURED = {"ms", "seconds"}


def transcripts() -> list[Path]:
    return sorted(TRANSCRIPTS.glob("*.jsonl"))


def normalised(value: Any) -> Any:
    """A reply without what differs from run to run."""
    if isinstance(value, dict):
        return {name: 0 if name in MEASURED else normalised(item) for name, item in value.items()}
    return [normalised(item) for item in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: path.stem)
async def test_lean_answers_as_it_did_when_the_transcript_was_made(
    path: Path, toolchain: Toolchain, tmp_path: Path
) -> None:
    old = read_transcript(path)
    with Recorder(tmp_path / path.name) as recorder:
        async with await LeanServer.start(toolchain, tap=recorder) as server:
            await repeat(old, server)
    new = read_transcript(tmp_path / path.name)
    for expected, found in zip(old.exchanges, new.exchanges, strict=True):
        assert json.dumps(normalised(found.reply), indent=1, ensure_ascii=False) == json.dumps(
            normalised(expected.reply), indent=1, ensure_ascii=False
        )


@pytest.mark.parametrize("path", transcripts(), ids=lambda path: path.stem)
async def test_a_transcript_can_be_replayed_without_lean(path: Path, tmp_path: Path) -> None:
    with Recorder(tmp_path / path.name) as recorder:
        async with await LeanServer.start(Replay(path), tap=recorder) as server:
            await repeat(read_transcript(path), server)
    assert read_transcript(tmp_path / path.name) == read_transcript(path)


async def test_a_replay_refuses_what_was_not_said(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text(json.dumps({"hello": HELLO}) + "\n")
    async with await LeanServer.start(Replay(path)) as server:
        with pytest.raises(RequestFailed, match="nothing more"):
            await server.stats()


@pytest.mark.parametrize("content", ["", "{", '{"hello": {}}\n{"request": {}}', "[]"])
def test_a_file_that_is_no_transcript_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "bad.jsonl").write_text(content)
    with pytest.raises(InputError, match=r"bad\.jsonl"):
        read_transcript(tmp_path / "bad.jsonl")
