"""A process that works on the units of the only run of a store, as its tests want it.

python worker.py PLACE OWNER     leases and finishes units until there is none, and says which
python worker.py PLACE           for each number N that it is told: a child leases a unit and kills itself before the N-th
                                 statement of finishing it, the commit counted as one; says how the child ended
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import event
from sqlalchemy.engine import Engine

from db import testing
from db.records import Harvest, Unit
from db.store import Store


def say(number: int) -> None:
    sys.stdout.write(f"{number}\n")
    sys.stdout.flush()


def harvests(unit: Unit) -> Iterator[Harvest]:
    """Four theorems, many of whose mutants and conjectures are made by other units as well."""
    number = int(unit.payload[0])
    for part in range(4):
        name = f"T{number}.{part}"
        forms = [(number * 40 + part * 10 + i) * 7 % 1000 for i in range(20)]
        mutants = [testing.mutant(number * 100 + i, name, form) for i, form in enumerate(forms)]
        conjectures = [testing.conjecture(number * 100 + i, name, 2000 + form) for i, form in enumerate(forms[:5])]
        yield testing.harvest(name, mutants, conjectures)


def work(place: str, owner: str) -> None:
    with Store.open(place) as store:
        [run] = store.runs()
        while unit := store.lease(run.id, owner, datetime.now(UTC), 600):
            store.finish_unit(unit, list(harvests(unit)))
            say(unit.position)


def die(place: str, owner: str, deadly: int) -> None:
    statements = 0

    def count(*_: object) -> None:
        nonlocal statements
        statements += 1
        if statements == deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    with Store.open(place) as store:
        [run] = store.runs()
        unit = store.lease(run.id, owner, datetime.now(UTC), 600)
        assert unit is not None
        event.listen(Engine, "before_cursor_execute", count)
        event.listen(Engine, "commit", count)
        store.finish_unit(unit, list(harvests(unit)))


def main() -> None:
    place, *owner = sys.argv[1:]
    if owner:
        work(place, owner[0])
        return
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            die(place, line.strip(), int(line))
            os._exit(0)
        say(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))


if __name__ == "__main__":
    main()
