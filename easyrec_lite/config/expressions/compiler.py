"""From a checked syntax tree to a function: a whitelist, and a closure for each node.

Each construct has one method here, which both decides whether it may stand where it does and
returns the function that computes it; whatever has no method is refused. No code object is made and
nothing is evaluated by Python, so that only what these methods do can happen. Values are Python
numbers, strings, lists and tuples, or tensors: see `values`.
"""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any

from easyrec_lite.config import functions
from easyrec_lite.config.expressions import values
from easyrec_lite.config.expressions.budget import TOO_LARGE, Budget, TooLarge
from easyrec_lite.config.expressions.text import Code, dotted
from easyrec_lite.core.errors import ConfigError, nearest

MAX_STEPS = 20_000

Call = Callable[[str, Sequence[Any], Mapping[str, Any]], Any]
Constant = Callable[[str], Any]
Computed = Callable[["Evaluation"], Any]


class NotComputable(Exception):
    """A library does not compute this, which says nothing about the expression."""


class Library:
    """What computes functions and constants: TensorFlow.

    Attributes:
      call: calls a function of the list by its name, positional and keyword arguments.
      constant: returns a constant such as `tf.float32`.
    """

    def __init__(self, call: Call = functions.call, constant: Constant = functions.constant):
        self.call = call
        self.constant = constant


class Evaluation:
    """One evaluation of an expression: the value of each name, and what the evaluation has used.

    The closures raise what does not fit: ValueError, TypeError, IndexError or ArithmeticError for
    the code's own operations, which include a budget that is used up; whatever a function raises.
    """

    def __init__(self, names: Mapping[str, Any], library: Library | None = None):
        self.names = names
        self.library = library or Library()
        self._steps = 0
        self._budget = Budget(names.values())

    def step(self, cost: int) -> None:
        """Takes `cost` nodes from the budget of a comprehension's items."""
        self._steps += cost
        if self._steps > MAX_STEPS:
            raise ValueError(f"takes more than {MAX_STEPS} steps")

    def call(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        message: str,
        compute: Computed | None = None,
    ) -> Any:
        """Returns what a function computes, whose size the budget has counted.

        Args:
          name: the function.
          args, kwargs: its arguments.
          message: what a running graph reports if it would make too much.
          compute: computes it in place of the function of that name.
        """
        context, note = self._budget.spend(name, args, kwargs, message)
        with context:
            return note(compute(self) if compute else self.library.call(name, args, kwargs))


# A `for … in … if …` of a comprehension: its variable, its items, its conditions.
_Loop = tuple[ast.expr, Computed, list[Computed]]


class Compiler:
    """Compiles nodes of one piece of code.

    Args:
      code: where they come from.
      names: the arguments that they may read.
    """

    def __init__(self, code: Code, names: Collection[str]):
        self._code = code
        self._names = frozenset(names)

    def __call__(self, node: ast.expr) -> Computed:
        """Returns the function that computes `node`.

        Raises:
          ConfigError: something that is not allowed.
        """
        compile_node = getattr(self, f"_{type(node).__name__}", None)
        if compile_node is None:
            raise self._fault(f"{type(node).__name__} is not allowed here", node)
        computed: Computed = compile_node(node)
        return computed

    def _fault(self, message: str, node: ast.AST, remedy: str = "") -> ConfigError:
        return self._code.fault(message, node, remedy)

    def _truth(self, node: ast.expr) -> Computed:
        compute = self(node)
        return lambda run: values.truth(compute(run))

    # Names and literals.

    def _Constant(self, node: ast.Constant) -> Computed:
        value = node.value
        if not isinstance(value, bool | int | float | str | None | type(...)):
            raise self._fault(f"a {type(value).__name__} is not allowed", node)
        if isinstance(value, int) and value >= values.MAX_INTEGER:
            raise self._fault("a whole number this large is not allowed", node)
        return lambda run: value

    def _Name(self, node: ast.Name) -> Computed:
        name = node.id
        if name not in self._names:
            near = nearest(name, self._names)
            known = ", ".join(sorted(self._names)) or "none"
            remedy = f"did you mean {near!r}?" if near else f"the arguments here are: {known}"
            raise self._fault(f"unknown name {name!r}", node, remedy)
        return lambda run: run.names[name]

    def _Attribute(self, node: ast.Attribute) -> Computed:
        name = self._foreign(node)
        if name not in functions.TF_CONSTANTS:
            raise self._fault("attributes are not allowed", node)
        return lambda run: run.library.constant(name)

    def _foreign(self, node: ast.expr) -> str:
        """Returns `a.b.c` for a dotted name that does not begin with an argument, else ''."""
        name = dotted(node)
        return "" if name.split(".")[0] in self._names else name

    def _List(self, node: ast.List) -> Computed:
        parts = [self(part) for part in node.elts]
        return lambda run: [part(run) for part in parts]

    def _Tuple(self, node: ast.Tuple) -> Computed:
        parts = [self(part) for part in node.elts]
        return lambda run: tuple(part(run) for part in parts)

    def _Slice(self, node: ast.Slice) -> Computed:
        parts = [part and self(part) for part in (node.lower, node.upper, node.step)]
        return lambda run: slice(*(part and part(run) for part in parts))

    def _Subscript(self, node: ast.Subscript) -> Computed:
        value, index = self(node.value), self(node.slice)
        whole = self._counted(node, "tf.identity", values.part)
        return lambda run: whole(run, value(run), index(run))

    # Operators.

    def _IfExp(self, node: ast.IfExp) -> Computed:
        test, body, other = self._truth(node.test), self(node.body), self(node.orelse)
        return lambda run: (body if test(run) else other)(run)

    def _BoolOp(self, node: ast.BoolOp) -> Computed:
        parts = [self._truth(part) for part in node.values]
        combine = all if isinstance(node.op, ast.And) else any
        return lambda run: combine(part(run) for part in parts)

    def _UnaryOp(self, node: ast.UnaryOp) -> Computed:
        if isinstance(node.op, ast.Not):
            truth = self._truth(node.operand)
            return lambda run: not truth(run)
        operand = self(node.operand)
        operate = self._counted(node, "tf.identity", values.UNARY[type(node.op)])
        return lambda run: operate(run, operand(run))

    def _BinOp(self, node: ast.BinOp) -> Computed:
        name = "tf.matmul" if isinstance(node.op, ast.MatMult) else "tf.add"
        operate = self._counted(node, name, self._operator(values.BINARY, node.op, node))
        left, right = self(node.left), self(node.right)
        return lambda run: operate(run, left(run), right(run))

    def _Compare(self, node: ast.Compare) -> Computed:
        compares = [
            self._counted(node, "tf.equal", self._operator(values.COMPARE, operator, node))
            for operator in node.ops
        ]
        conjunction = self._counted(node, "tf.add", values.conjunction)
        for side in (node.left, *node.comparators):
            if isinstance(side, ast.BinOp) and isinstance(side.op, ast.BitAnd | ast.BitOr):
                remedy = "put each comparison in parentheses: (a > 1) & (b < 2)"
                raise self._fault("& and | bind tighter than comparisons", side, remedy)
        sides = [self(side) for side in (node.left, *node.comparators)]

        def compute(run: Evaluation) -> Any:
            pairs = itertools.pairwise([side(run) for side in sides])
            results = [
                compare(run, left, right)
                for compare, (left, right) in zip(compares, pairs, strict=True)
            ]
            return results[0] if len(results) == 1 else conjunction(run, *results)

        return compute

    def _operator(self, known: Mapping[type, Any], operator: ast.AST, node: ast.AST) -> Any:
        if type(operator) not in known:
            raise self._fault(f"operator {type(operator).__name__} is not allowed", node)
        return known[type(operator)]

    def _counted(self, node: ast.expr, name: str, operate: values.Operation) -> Callable[..., Any]:
        """Returns an operation on values whose size is counted, as that of function `name`."""

        def compute(run: Evaluation, *operands: Any) -> Any:
            if not any(map(values.is_tensor, operands)):
                return operate(run.library.call, *operands)
            first = operands[:1] if operate is values.part else operands
            return self._spent(
                node, run, name, first, {}, lambda run: operate(run.library.call, *operands)
            )

        return compute

    def _spent(
        self,
        node: ast.expr,
        run: Evaluation,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        compute: Computed | None = None,
    ) -> Any:
        """Returns what a call computes; its size is counted before."""
        try:
            message = str(self._code.failure(TOO_LARGE, node))
            return run.call(name, args, kwargs, message, compute)
        except TooLarge as error:
            raise self._code.failure(str(error), node) from error

    # Calls and comprehensions.

    def _Call(self, node: ast.Call) -> Computed:
        name = self._foreign(node.func)
        if not name:
            raise self._fault("only functions of the list can be called", node.func)
        if name not in values.BUILTINS and not functions.is_function(name):
            raise self._code.unknown_function(name, node.func)
        args = [self(argument) for argument in node.args]
        kwargs: dict[str, Computed] = {}
        for keyword in node.keywords:
            if keyword.arg is None or keyword.arg.startswith("__"):
                raise self._fault("such keyword arguments are not allowed", node)
            kwargs[keyword.arg] = self(keyword.value)

        def compute(run: Evaluation) -> Any:
            given = [argument(run) for argument in args]
            named = {key: argument(run) for key, argument in kwargs.items()}
            if name in values.BUILTINS:
                return values.BUILTINS[name](*given, **named)
            return self._spent(node, run, name, given, named)

        return compute

    def _ListComp(self, node: ast.ListComp) -> Computed:
        inner = self
        loops: list[_Loop] = []
        for generator in node.generators:
            if generator.is_async:
                raise self._fault("async is not allowed", node)
            items = inner(generator.iter)
            names = inner._names.union(self._targets(generator.target))
            inner = Compiler(self._code, names)
            conditions = [inner._truth(condition) for condition in generator.ifs]
            loops.append((generator.target, items, conditions))
        element = inner(node.elt)
        cost = sum(isinstance(part, ast.expr) for part in ast.walk(node.elt))

        def compute(run: Evaluation) -> list[Any]:
            outer = run.names
            try:
                return list(_each(run, element, loops, cost))
            finally:
                run.names = outer

        return compute

    def _targets(self, node: ast.expr) -> list[str]:
        if isinstance(node, ast.Name):
            return [node.id]
        if isinstance(node, ast.Tuple):
            return [name for item in node.elts for name in self._targets(item)]
        raise self._fault("a comprehension's variable must be a name", node)


def _each(run: Evaluation, element: Computed, loops: Sequence[_Loop], cost: int) -> Iterator[Any]:
    """Yields the elements of a comprehension; each item of each loop takes `cost` steps."""
    if not loops:
        yield element(run)
        return
    (target, items, conditions), *rest = loops
    outer = run.names
    for item in values.items(items(run)):
        run.step(cost)
        run.names = {**outer, **_bound(target, item)}
        if all(condition(run) for condition in conditions):
            yield from _each(run, element, rest, cost)


def _bound(target: ast.expr, item: Any) -> dict[str, Any]:
    """Returns the names of a comprehension's variable with their values in `item`."""
    if isinstance(target, ast.Name):
        return {target.id: item}
    names = target.elts if isinstance(target, ast.Tuple) else []
    parts = values.items(item)
    if len(names) != len(parts):
        raise ValueError(f"cannot give {len(parts)} values to {len(names)} names")
    bound: dict[str, Any] = {}
    for name, value in zip(names, parts, strict=True):
        bound.update(_bound(name, value))
    return bound
