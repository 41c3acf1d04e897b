"""Reading the part of Lean's printed syntax that rules look at: arithmetic, comparisons, connectives, quantifiers.

The reader is for *choosing* tactics: what it misreads costs a failed tactic, never a wrong proof. Whatever it does not know becomes
an opaque atom, and text that it cannot read at all becomes one atom as a whole.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+)(?![\w.])|(?P<name>[^\W\d][\w'!?₀-₉✝]*(?:\.[^\W\d][\w'!?₀-₉]*)*✝?)|(?P<symbol>:=|\S))"
)
INFIX: dict[str, tuple[int, int, int]] = {
    # symbol: (level, level of the left operand, level of the right operand), as in Init/Prelude and Init/Core
    "↔": (20, 21, 21),
    "→": (25, 26, 25),
    "∨": (30, 31, 30),
    "∧": (35, 36, 35),
    "=": (50, 51, 51),
    "≠": (50, 51, 51),
    "≤": (50, 51, 51),
    "<": (50, 51, 51),
    "≥": (50, 51, 51),
    ">": (50, 51, 51),
    "∣": (50, 51, 51),
    "∈": (50, 51, 51),
    "+": (65, 65, 66),
    "-": (65, 65, 66),
    "*": (70, 70, 71),
    "/": (70, 70, 71),
    "%": (70, 70, 71),
    "^": (75, 76, 75),
}
COMPARISONS = frozenset({"=", "≠", "≤", "<", "≥", ">", "∣"})
_GUARDS = COMPARISONS | {"∈"}
_QUANTIFIERS = frozenset({"∀", "∃"})


@dataclass(frozen=True, slots=True)
class Number:
    """A numeral."""

    value: int


@dataclass(frozen=True, slots=True)
class Name:
    """A variable or constant."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """`head` with `arguments`; also `¬ p`, `-x` and `↑x`, with the sign as head, and `(a).f b`, with head `.f` and a first."""

    head: str
    arguments: tuple[Expression, ...]


@dataclass(frozen=True, slots=True)
class Infix:
    """`left symbol right`."""

    symbol: str
    left: Expression
    right: Expression


@dataclass(frozen=True, slots=True)
class Quantified:
    """`∀` or `∃`. Guards such as `n ≥ 5` in `∀ n ≥ 5, p` become a premise of the body."""

    symbol: str
    names: tuple[str, ...]
    type: str | None
    body: Expression


@dataclass(frozen=True, slots=True)
class Opaque:
    """Text that is not understood."""

    text: str


Expression = Number | Name | Apply | Infix | Quantified | Opaque


class _Unreadable(Exception):
    """The text leaves the known syntax."""


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [match.group().strip() for match in _TOKEN.finditer(text)]
        self.place = 0

    def peek(self) -> str:
        return self.tokens[self.place] if self.place < len(self.tokens) else ""

    def next(self) -> str:
        token = self.peek()
        self.place += 1
        return token

    def expect(self, token: str) -> None:
        if self.next() != token:
            raise _Unreadable(token)

    def expression(self, level: int = 0) -> Expression:
        left = self.prefix()
        while True:
            rule = INFIX.get(self.peek())
            if rule is None or rule[0] < level:
                return left
            symbol = self.next()
            left = Infix(symbol, left, self.expression(rule[2]))

    def prefix(self) -> Expression:
        token = self.peek()
        if token in _QUANTIFIERS:
            return self.quantified(self.next())
        if token == "¬":
            self.next()
            return Apply("¬", (self.expression(40),))
        if token == "-":
            self.next()
            return Apply("-", (self.expression(75),))
        return self.application()

    def application(self) -> Expression:
        head = self.atom()
        arguments: list[Expression] = []
        while self.peek() == ".":
            self.next()
            head, arguments = Name("." + self.next()), [head]
        while self.starts_atom():
            arguments.append(self.atom())
        if not arguments:
            return head
        if not isinstance(head, Name):
            raise _Unreadable("application of a compound")
        return Apply(head.name, tuple(arguments))

    def starts_atom(self) -> bool:
        token = self.peek()
        return (
            token in {"(", "↑"}
            or token[:1].isdigit()
            or (token[:1].isalpha() and token not in {"fun", "if", "then", "else", "let"})
        )

    def atom(self) -> Expression:
        token = self.next()
        if token.isascii() and token.isdigit():
            return Number(int(token))
        if token == "↑":
            return Apply("↑", (self.atom(),))
        if token == "(":
            return self.parenthesized()
        if token[:1].isalpha() or token[:1] == "_":
            return Name(token)
        raise _Unreadable(token)

    def parenthesized(self) -> Expression:
        inner = self.expression()
        if self.peek() == ":":
            self.skip_to(")")
        self.expect(")")
        return inner

    def skip_to(self, closing: str) -> str:
        start, depth = self.place, 0
        while self.peek() and (depth or self.peek() != closing):
            depth += (self.peek() in "([{⟨") - (self.peek() in ")]}⟩")
            self.next()
        return " ".join(self.tokens[start : self.place])

    def quantified(self, symbol: str) -> Expression:
        groups: list[tuple[tuple[str, ...], str | None]] = []
        guards: list[Expression] = []
        while self.peek() not in {",", ""}:
            closing = {"(": ")", "{": "}", "[": "]"}.get(self.peek())
            if closing is not None:
                self.next()
            names = self.names()
            kind: str | None = None
            if self.peek() == ":":
                self.next()
                kind = self.skip_to(closing or ",")
            elif names and self.peek() in _GUARDS:
                relation = self.next()
                guards += [Infix(relation, Name(name), self.expression(51)) for name in names]
            if closing is not None:
                self.expect(closing)
            groups.append((names, kind))
            if not names and closing is None:
                raise _Unreadable(self.peek())
        self.expect(",")
        body = self.expression()
        for guard in reversed(guards):
            body = Infix("→" if symbol == "∀" else "∧", guard, body)
        for names, kind in reversed(groups):
            body = Quantified(symbol, names, kind, body)
        return body

    def names(self) -> tuple[str, ...]:
        found: list[str] = []
        while self.peek()[:1].isalpha() or self.peek()[:1] == "_":
            found.append(self.next())
        return tuple(found)


def read(text: str) -> Expression:
    """The expression that Lean printed as `text`; `Opaque` when it is beyond this reader."""
    reader = _Reader(text)
    try:
        expression = reader.expression()
    except (_Unreadable, RecursionError):
        return Opaque(text)
    return expression if not reader.peek() else Opaque(text)


def children(expression: Expression) -> tuple[Expression, ...]:
    """The immediate parts."""
    match expression:
        case Apply(arguments=arguments):
            return arguments
        case Infix(left=left, right=right):
            return (left, right)
        case Quantified(body=body):
            return (body,)
        case _:
            return ()


def subterms(expression: Expression) -> Iterator[Expression]:
    """The expression and everything in it, outermost first."""
    waiting = [expression]
    while waiting:
        current = waiting.pop(0)
        yield current
        waiting.extend(children(current))


def names_in(expression: Expression) -> frozenset[str]:
    """Every name that occurs, heads of applications included."""
    found: set[str] = set()
    for term in subterms(expression):
        if isinstance(term, Name):
            found.add(term.name)
        elif isinstance(term, Apply) and term.head[:1].isalpha():
            found.add(term.head)
    return frozenset(found)


def numbers_in(expression: Expression) -> frozenset[int]:
    """Every numeral that occurs."""
    return frozenset(term.value for term in subterms(expression) if isinstance(term, Number))


def conjuncts(expression: Expression) -> Iterator[Expression]:
    """The parts of a conjunction, or the expression itself."""
    if isinstance(expression, Infix) and expression.symbol == "∧":
        yield from conjuncts(expression.left)
        yield from conjuncts(expression.right)
    else:
        yield expression


Known = Mapping[Expression, Fraction]
"""Values of variables and of applications such as `x 3`."""


def value(expression: Expression, known: Known) -> Fraction | None:
    """The value in the rationals, or None if something in it is unknown, undefined or too big to be worth computing."""
    if expression in known:
        return known[expression]
    match expression:
        case Number(value=number):
            return Fraction(number)
        case Apply(head="↑", arguments=(inner,)):
            return value(inner, known)
        case Apply(head="-", arguments=(inner,)):
            inside = value(inner, known)
            return None if inside is None else -inside
        case Apply(head=head, arguments=(argument,)):
            index = value(argument, known)
            if index is None or index.denominator != 1 or index < 0:
                return None
            return known.get(Apply(head, (Number(index.numerator),)))
        case Infix(symbol=symbol, left=left, right=right):
            first, second = value(left, known), value(right, known)
            return None if first is None or second is None else _combine(symbol, first, second)
        case _:
            return None


_MOST_BITS = 100_000
"""Powers with more binary digits than this are not computed."""


def _combine(symbol: str, left: Fraction, right: Fraction) -> Fraction | None:
    match symbol:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
        case "/" if right != 0:
            return left / right
        case "%" if right != 0 and left.denominator == right.denominator == 1:
            return Fraction(left.numerator % abs(right.numerator))
        case "^" if right.denominator == 1 and right >= 0 and _bits(left) * right <= _MOST_BITS:
            return left**right.numerator
        case _:
            return None


def _bits(number: Fraction) -> int:
    return max(number.numerator.bit_length(), number.denominator.bit_length())


def truth(statement: Expression, known: Known) -> bool | None:
    """Whether a statement without quantifiers holds, or None if a value in it is unknown."""
    match statement:
        case Infix(symbol="∧" | "∨" | "→" | "↔" as symbol, left=left, right=right):
            first, second = truth(left, known), truth(right, known)
            return None if first is None or second is None else _CONNECTIVES[symbol](first, second)
        case Infix(symbol=symbol, left=left, right=right) if symbol in _RELATIONS:
            smaller, bigger = value(left, known), value(right, known)
            return None if smaller is None or bigger is None else _RELATIONS[symbol](smaller, bigger)
        case Apply(head="¬", arguments=(inner,)):
            inside = truth(inner, known)
            return None if inside is None else not inside
        case _:
            return None


_CONNECTIVES: Mapping[str, Callable[[bool, bool], bool]] = {
    "∧": lambda p, q: p and q,
    "∨": lambda p, q: p or q,
    "→": lambda p, q: not p or q,
    "↔": lambda p, q: p == q,
}
_RELATIONS: Mapping[str, Callable[[Fraction, Fraction], bool]] = {
    "=": operator.eq,
    "≠": operator.ne,
    "≤": operator.le,
    "<": operator.lt,
    "≥": operator.ge,
    ">": operator.gt,
    "∣": lambda divisor, number: number % divisor == 0 if divisor else number == 0,
}
