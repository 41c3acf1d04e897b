"""Proves a theorem from Python: `python examples/prove_from_python.py`."""

import asyncio

from lean_bridge.pool import LeanPool
from lean_bridge.toolchain import find_toolchain
from prover.engine import Task, prove


async def main() -> None:
    """Starts a Lean process and has it prove that addition is commutative."""
    async with LeanPool(find_toolchain("embedded"), size=1, spares=0) as pool:
        attempt = await prove(pool, Task("add_comm", statement="∀ a b : Nat, a + b = b + a"))
        print(attempt.outcome, "in", round(attempt.seconds, 2), "s:", attempt.proof)


asyncio.run(main())
