"""Asks the embedded Lean every request of every transcript here again, and writes the new replies down.

Run it from the root of the repository after a change of the server that is meant to change replies:
`python tests/transcripts/record.py`; `git diff` then shows what changed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from lean_bridge.client import LeanServer
from lean_bridge.toolchain import find_toolchain
from lean_bridge.toolchain.base import Toolchain
from lean_bridge.transcript import Recorder, read_transcript, repeat


async def record(path: Path, toolchain: Toolchain) -> None:
    transcript = read_transcript(path)
    new = path.with_suffix(".new")
    with Recorder(new) as recorder:
        async with await LeanServer.start(toolchain, tap=recorder) as server:
            await repeat(transcript, server)
    new.replace(path)


def main() -> None:
    toolchain = find_toolchain("embedded")
    for path in sorted(Path(__file__).parent.glob("*.jsonl")):
        asyncio.run(record(path, toolchain))


if __name__ == "__main__":
    main()
