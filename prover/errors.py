"""What can go wrong in the prover.

A goal that resists and a tactic that fails are values; these are mistakes of a caller or of a plug-in. What Lean's process
does wrong is raised as `lean_bridge.errors.BridgeError` and comes back as an attempt with the outcome `error`.

::

    ProverError
    ├── GraphError        the search graph was asked for what it does not hold, or one of its invariants is broken
    ├── GeneratorError    a generator answered something that cannot be used
    ├── BadBenchmark      a file of problems is not what it should be
    ├── BadPredictions    a file of answers to a benchmark is of another run, or cannot be read or written
    ├── ModelFailed       a language model gave no answer
    │   └── ChatFailed        one behind a server gave no completion
    │       └── ChatRefused   it will give none: the key, the address or the name of the model is wrong
    ├── BadPairs          a file of pairs to train on is not what it should be
    ├── BadTraining       a training cannot be as it was asked for: its settings, its folder, or what is installed
    ├── BadServing        a model cannot be served as it was asked for: its kind, the address, or what is installed
    ├── RequestRefused    a server of a model does not take a request; it has the status of HTTP for that
    └── UnknownTheorem    the file has no open theorem of that name
"""

from __future__ import annotations


class ProverError(Exception):
    """Base of everything that the prover raises."""


class GraphError(ProverError):
    """Raised when a search graph is used against its contract or found inconsistent."""


class GeneratorError(ProverError):
    """Raised when a generator's answer has the wrong shape, or its cost is negative."""


class UnknownTheorem(ProverError):
    """Raised when a task names a theorem that its file does not leave open."""


class BadBenchmark(ProverError):
    """Raised when a file of problems, or of errata, cannot be read; the message says where and what to do."""


class BadPredictions(ProverError):
    """Raised when a file of answers belongs to another run, or cannot be read or written; the message says what to do."""


class BadPairs(ProverError):
    """Raised when a file of pairs of prompt and completion cannot be read; the message says where and what to do."""


class BadTraining(ProverError):
    """Raised when a model cannot be trained as it was asked for; the message says what stands in the way and what to do."""


class BadServing(ProverError):
    """Raised when a model cannot be served as it was asked for; the message says what stands in the way and what to do."""


class RequestRefused(ProverError):
    """Raised when a server of a model does not take, or does not finish, a request.

    Attributes:
        status: of HTTP.
    """

    def __init__(self, status: int, words: str) -> None:
        super().__init__(words)
        self.status = status


class ModelFailed(ProverError):
    """Raised when a language model gave no answer, which says nothing about what it was asked."""


class ChatFailed(ModelFailed):
    """Raised when a server gave no completion, at the end of all tries; the message says what it answered and what to do."""


class ChatRefused(ChatFailed):
    """Raised when a server refuses the caller and not the request: asking for something else will not help."""
