"""What compiled code depends on: the statements that kernels use, found in the source without importing it.

Machine code changes with a kernel's body, with the kernels it calls and with the constants, tables and dtypes that it
names, in whichever file these are. It does not change with comments, docstrings, annotations, blank lines, or with
anything in the same files that no kernel names. So the code to hash is a *slice*: every statement that uses the
decorator, and from there every statement that binds or changes a name which the slice uses, over all files.

Where the source does not tell which statement a name stands for (a whole module passed about, a star import), all of
that module is in the slice: too much recompiles, too little would run old code.
"""

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

_ALL: Final = "*"
_DEFINITIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_IMPORTS: Final = (ast.Import, ast.ImportFrom)


class _Plain(ast.NodeTransformer):
    """Take out what compiled code cannot depend on; fields of classes keep their annotations, which are code."""

    def __init__(self) -> None:
        self._in_class = False

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._visit_inside(node, True)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._visit_inside(node, False)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if self._in_class:
            return self.generic_visit(node)
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def _visit_inside(self, node: ast.AST, in_class: bool) -> ast.AST:
        before, self._in_class = self._in_class, in_class
        self.generic_visit(node)
        self._in_class = before
        return node


@dataclass(frozen=True)
class _Use:
    """A name of another module, or all of it."""

    module: str
    name: str


class _Module:
    """One file: its statements, plain, and what each binds and uses.

    Attributes:
        statements: Its statements without imports.
        imports: What names that it imports stand for; one of two branches, or of a function, counts like any other.
        starred: Modules it imports everything from.
    """

    def __init__(self, name: str, path: Path, modules: dict[str, Path]) -> None:
        tree = _Plain().visit(ast.parse(path.read_bytes(), str(path)))
        self._package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        self.statements: list[ast.stmt] = [node for node in tree.body if not isinstance(node, _IMPORTS)]
        self.imports: dict[str, set[_Use]] = {}
        self.starred: list[str] = []
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    self._add(alias.asname or alias.name.partition(".")[0], _Use(alias.name, _ALL))
            elif isinstance(node, ast.ImportFrom):
                self._import_from(node, modules)

    def _import_from(self, node: ast.ImportFrom, modules: dict[str, Path]) -> None:
        parents = self._package.split(".")
        base = ".".join(parents[: len(parents) - node.level + 1]) if node.level else ""
        origin = ".".join(filter(None, (base, node.module)))
        for alias in node.names:
            if alias.name == _ALL:
                self.starred.append(origin)
            elif (inner := f"{origin}.{alias.name}") in modules:
                self._add(alias.asname or alias.name, _Use(inner, _ALL))
            else:
                self._add(alias.asname or alias.name, _Use(origin, alias.name))

    def _add(self, name: str, use: _Use) -> None:
        self.imports.setdefault(name, set()).add(use)

    @cached_property
    def by_name(self) -> dict[str, list[int]]:
        """Which statements bind or may change a name: all that mention it, definitions only if they are it."""
        found: dict[str, list[int]] = {}
        for number, statement in enumerate(self.statements):
            named = {statement.name} if isinstance(statement, _DEFINITIONS) else set(_mentions(statement))
            for name in named:
                found.setdefault(name, []).append(number)
        return found

    def uses(self, number: int) -> Iterator[tuple[str, str]]:
        """Return the names a statement uses, each with the attribute taken of it, or all."""
        statement = self.statements[number]
        plain = {id(node.value): node.attr for node in ast.walk(statement) if isinstance(node, ast.Attribute)}
        for node in ast.walk(statement):
            if isinstance(node, ast.Name):
                yield node.id, plain.get(id(node), _ALL)


def _mentions(statement: ast.stmt) -> Iterator[str]:
    """Return the names that occur in a statement, those it defines and imports inside a block among them."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, _DEFINITIONS):
            yield node.name


class Slice:
    """The statements of a package that its kernels depend on.

    Args:
        package: Folder of the package.
        decorator: Where the decorator is defined, as seen from the package: ``core.state.jit.kernel``.
    """

    def __init__(self, package: Path, decorator: str) -> None:
        self._paths = dict(_named(package))
        self._modules: dict[str, _Module] = {}
        self._chosen: set[tuple[str, int]] = set()
        home, _, name = f"{package.name}.{decorator}".rpartition(".")
        marker = f"{home.partition('.')[2]} import".encode()
        self._walk([_Use(home, _ALL), *self._kernels(home, name, marker)])

    @property
    def modules(self) -> set[str]:
        """Names of the modules that have a part in it."""
        return {module for module, _ in self._chosen}

    def statements(self, module: str) -> set[str]:
        """Return the names of the functions and classes of a module that are in it."""
        chosen = [self._module(module).statements[number] for name, number in self._chosen if name == module]
        return {statement.name for statement in chosen if isinstance(statement, _DEFINITIONS)}

    def digest(self) -> bytes:
        """Hash the statements, each with its module, in the order they have there."""
        hashed = hashlib.blake2b(digest_size=20)
        for module, number in sorted(self._chosen):
            hashed.update(f"{module}\0{ast.dump(self._module(module).statements[number])}\0".encode())
        return hashed.digest()

    def _module(self, name: str) -> _Module:
        if name not in self._modules:
            self._modules[name] = _Module(name, self._paths[name], self._paths)
        return self._modules[name]

    def _kernels(self, home: str, decorator: str, marker: bytes) -> Iterator[tuple[str, int]]:
        """Return the statements that use the decorator, of the files whose text can import it."""
        for name in [name for name, path in self._paths.items() if marker in path.read_bytes()]:
            module = self._module(name)
            aliases = [alias for alias, uses in module.imports.items() if _Use(home, decorator) in uses]
            for alias in aliases:
                for number, statement in enumerate(module.statements):
                    if alias in _mentions(statement):
                        yield name, number

    def _walk(self, left: list["_Use | tuple[str, int]"]) -> None:
        seen: set[_Use] = set()
        while left:
            item = left.pop()
            if isinstance(item, _Use):
                if item not in seen and item.module in self._paths:
                    seen.add(item)
                    left += self._resolve(item)
            elif item not in self._chosen:
                self._chosen.add(item)
                module, number = item
                for name, attribute in self._module(module).uses(number):
                    left += self._lookup(module, name, attribute)

    def _lookup(self, module: str, name: str, attribute: str) -> Iterator["_Use | tuple[str, int]"]:
        """Return what a name, or its attribute, stands for in a module."""
        known = self._module(module)
        yield from ((module, number) for number in known.by_name.get(name, ()))
        for use in known.imports.get(name, ()):
            yield _Use(use.module, attribute if use.name == _ALL and use.module in self._paths else use.name)
        yield from (_Use(origin, name) for origin in known.starred)

    def _resolve(self, use: _Use) -> Iterator["_Use | tuple[str, int]"]:
        """Return the statements behind a name of a module; all of them where it is bound by none."""
        known = self._module(use.module)
        if use.name in known.by_name or use.name in known.imports or known.starred:
            yield from self._lookup(use.module, use.name, _ALL)
        else:
            yield from ((use.module, number) for number in range(len(known.statements)))


def _named(package: Path) -> Iterator[tuple[str, Path]]:
    """Return every module of a package by its name."""
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path
