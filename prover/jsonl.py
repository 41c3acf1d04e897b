"""Files of JSON Lines that somebody else wrote: one object a line, and the place of each for messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from prover.errors import ProverError


def objects_in(path: Path, text: str, fault: type[ProverError]) -> Iterator[tuple[int, str, dict[str, Any]]]:
    """The objects of a file, each with its number and its place, `FILE:LINE`. Blank lines are passed over.

    Args:
        path: of the file.
        text: what it holds.
        fault: what is raised.

    Raises:
        ProverError: of the kind `fault`: a line is no JSON object.
    """
    # Not splitlines: a text may hold a line separator of Unicode, which ends no line of JSON.
    for number, line in enumerate(text.split("\n"), 1):
        place = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            raise fault(f"{place}: this is not JSON ({error}); give one object a line.") from error
        if not isinstance(row, dict):
            raise fault(f"{place}: this is not a JSON object; give one object a line.")
        yield number, place, row
