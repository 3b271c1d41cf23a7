"""Find code that reads or writes the fields of a world's record, by its syntax."""

import ast
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_ARRAYS = ("worlds", "template")  # arrays of worlds, under whatever object they are kept
_ONE = "world"
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(frozen=True)
class FieldAccess:
    """One access: the line, and what is written there."""

    line: int
    text: str


def field_accesses(source: str, fields: Collection[str]) -> list[FieldAccess]:
    """Return where a source takes a field of a world, in the order of its lines.

    A world is what is called ``world``, an element of what is called ``worlds`` or ``template``, and whatever a
    function assigns one of these to. Fields of ``worlds`` itself, for all worlds at once, count as well.
    """
    tree = ast.parse(source)
    found = {FieldAccess(node.lineno, ast.unparse(node)) for node in _accesses(tree, fields)}
    return sorted(found, key=lambda access: (access.line, access.text))


def _accesses(scope: ast.AST, fields: Collection[str], outer: Collection[str] = ()) -> Iterator[ast.expr]:
    """Yield the accesses of a scope and of the functions in it, which know its names."""
    own = list(_own_nodes(scope))
    aliases = _aliases(own, outer)
    for node in own:
        name = node.attr if isinstance(node, ast.Attribute) else _key(node) if isinstance(node, ast.Subscript) else None
        if name in fields and isinstance(node, ast.Attribute | ast.Subscript) and _is_world(node.value, aliases):
            yield node
    for node in own:
        if isinstance(node, _FUNCTIONS):
            yield from _accesses(node, fields, aliases)


def _own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """Return all nodes of a scope, functions in it without what is inside."""
    for node in ast.iter_child_nodes(scope):
        yield node
        if not isinstance(node, _FUNCTIONS):
            yield from _own_nodes(node)


def _aliases(nodes: list[ast.AST], outer: Collection[str]) -> set[str]:
    """Return the names that stand for worlds: those of the scopes around, and what is assigned one of them."""
    names = set(outer)
    while True:
        found = {name for node in nodes for name, value in _bindings(node) if _is_world(value, names)}
        if found <= names:
            return names
        names |= found


def _bindings(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Return names and the values they get: ``a = b``, ``a, b = c, d``, ``for a in b``, ``(a := b)``."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            yield from _pairs(target, node.value)
    elif isinstance(node, ast.AnnAssign | ast.NamedExpr) and node.value is not None:
        yield from _pairs(node.target, node.value)
    elif isinstance(node, ast.For | ast.comprehension) and _is_array(node.iter):
        yield from _pairs(node.target, ast.Subscript(node.iter, ast.Constant(0)))


def _pairs(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple) and len(target.elts) == len(value.elts):
        for one, part in zip(target.elts, value.elts, strict=True):
            yield from _pairs(one, part)


def _is_world(node: ast.expr, aliases: Collection[str]) -> bool:
    if isinstance(node, ast.Name):
        return node.id == _ONE or node.id in aliases or node.id in _ARRAYS
    if isinstance(node, ast.Attribute):
        return node.attr == _ONE or node.attr in _ARRAYS
    return isinstance(node, ast.Subscript) and _key(node) is None and _is_array(node.value)


def _is_array(node: ast.expr) -> bool:
    if isinstance(node, ast.Name):
        return node.id in _ARRAYS
    return isinstance(node, ast.Attribute) and node.attr in _ARRAYS


def _key(node: ast.Subscript) -> str | None:
    """Return the text in the brackets, None for anything else."""
    return node.slice.value if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str) else None
