"""Expressions back into Lean's syntax."""

from __future__ import annotations

from collections.abc import Mapping

from prover.generators.expressions import INFIX, Apply, Expression, Infix, Name, Number, Opaque, Quantified


def show(expression: Expression, level: int = 0) -> str:
    """Source text that reads back as the expression; in parentheses if it binds less tightly than `level`."""
    match expression:
        case Number(value=number):
            return str(number)
        case Name(name=name) | Opaque(text=name):
            return name
        case Infix(symbol=symbol, left=left, right=right):
            own, left_level, right_level = INFIX[symbol]
            return _wrapped(f"{show(left, left_level)} {symbol} {show(right, right_level)}", own < level)
        case Quantified(symbol=symbol, names=names, type=kind, body=body):
            binder = f"({' '.join(names)} : {kind})" if kind else " ".join(names)
            return _wrapped(f"{symbol} {binder}, {show(body)}", level > 0)
        case Apply(head="↑", arguments=(inner,)):
            return f"↑{show(inner, _ARGUMENT)}"
        case Apply(head="¬" | "-" as sign, arguments=(inner,)):
            own = _PREFIX[sign]
            return _wrapped(f"{sign}{show(inner, own)}", own < level)
        case Apply(head=head, arguments=(receiver, *arguments)) if head.startswith("."):
            parts = [f"({show(receiver)}){head}", *(show(argument, _ARGUMENT) for argument in arguments)]
            return _wrapped(" ".join(parts), bool(arguments) and level >= _ARGUMENT)
        case Apply(head=head, arguments=arguments):
            parts = [head, *(show(argument, _ARGUMENT) for argument in arguments)]
            return _wrapped(" ".join(parts), level >= _ARGUMENT)


_ARGUMENT = 1024
_PREFIX = {"¬": 40, "-": 75}


def _wrapped(text: str, needed: bool) -> str:
    return f"({text})" if needed else text


def substitute(expression: Expression, values: Mapping[str, Expression]) -> Expression:
    """Replace variables. Bound names are not looked at: rules use it on terms without binders."""
    match expression:
        case Name(name=name):
            return values.get(name, expression)
        case Apply(head=head, arguments=arguments):
            return Apply(head, tuple(substitute(argument, values) for argument in arguments))
        case Infix(symbol=symbol, left=left, right=right):
            return Infix(symbol, substitute(left, values), substitute(right, values))
        case _:
            return expression
