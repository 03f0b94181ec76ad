"""The messages that this package has for people, read from its source: every error, refusal and warning.

A message is a pattern: the constant parts of its text, with `...` for what is filled in. It is followed to where its
words are: through names, helper functions and methods of the package that return text, and both sides of a choice.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pulumi_yspartner

PACKAGE = Path(pulumi_yspartner.__file__).parent

HOLE = "..."

# What takes a message, besides `raise`: by the name that is called, the argument or arguments that are the message.
TAKES_A_MESSAGE = {
    "log.info": (0,),
    "log.warn": (0,),
    "log.error": (0,),
    "_log.warning": (0, 1, 2),
    "_log.exception": (0,),
    "_log.error": (0,),
    "_say": (0,),
    "fail": (1,),
    "CheckFailure": (1,),
    "CountsRead": (1,),
    "_stops": (0,),
    "_warns": (0,),
    "problems.append": (0,),
    "warnings.append": (0,),
    "_line": (0,),
    "say": (0,),
    "_short": (2,),
}
KEYWORDS = ("refused", "unreadable", "obstacle", "duplicate", "problem")
"""Fields that hold a message for people, by the name under which they are given."""

NOT_FOR_PEOPLE = {"AssertionError", "AttributeError", "_TooLargeError"}
"""Raised for programs: never seen by a user."""


@dataclass(frozen=True)
class Message:
    """One text, and where it stands."""

    pattern: str
    place: str

    @property
    def words(self) -> int:
        """How much of it is constant."""
        return sum(part != HOLE for part in self.parts)

    @property
    def parts(self) -> list[str]:
        """Its words and holes, from the first word on."""
        return parts(self.pattern)


def parts(pattern: str) -> list[str]:
    """The words and holes of a pattern, from its first word on. Punctuation makes no difference."""
    found = re.findall(r"\.\.\.|\w[\w'-]*", pattern)
    return [each for each, before in zip(found, [HOLE, *found], strict=False) if each != HOLE or before != HOLE]


Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Source:
    """The package's modules, parsed."""

    modules: dict[str, ast.Module]
    homes: dict[Function, str] = field(default_factory=dict)
    """The module of each function."""
    functions: dict[str, list[Function]] = field(default_factory=dict)
    written: dict[str, Function] = field(default_factory=dict)
    """By the name of a class, the method that writes its objects as text."""
    constants: dict[str, dict[str, ast.expr]] = field(default_factory=dict)
    """By name and module."""
    imports: dict[tuple[str, str], str] = field(default_factory=dict)
    """By module and name, the module that a name comes from."""
    being_followed: list[str] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path = PACKAGE, leave_out: Iterable[str] = ("sandbox",)) -> Source:
        """Read a package. The sandbox is left out: its own answers play the portal's part."""
        files = [file for file in folder.rglob("*.py") if not {*file.relative_to(folder).parts} & {*leave_out}]
        source = cls({str(file.relative_to(folder)): ast.parse(file.read_text()) for file in sorted(files)})
        for name, module in source.modules.items():
            source._note(name, module)
        return source

    def _note(self, name: str, module: ast.Module) -> None:
        for node in ast.walk(module):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    self.homes[node] = name
                    self.functions.setdefault(node.name, []).append(node)
                case ast.ImportFrom(module=str(imported), names=names, level=level) if level:
                    place = Path(name).parents[level - 1] / imported.replace(".", "/")
                    self.imports.update({(name, each.asname or each.name): f"{place}.py" for each in names})
                case ast.ClassDef(name=class_name, body=body):
                    for each in body:
                        if isinstance(each, ast.FunctionDef) and each.name == "__str__":
                            self.written[class_name] = each
            if isinstance(node, ast.Module | ast.ClassDef):
                for each in node.body:
                    if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
                        self.constants.setdefault(each.targets[0].id, {})[name] = each.value

    def messages(self) -> list[Message]:
        """Every message, without those that are only passed on."""
        return sorted({each for each in self._all() if each.words}, key=lambda each: (each.place, each.pattern))

    def passed_on(self) -> set[str]:
        """Where a message is raised without a word of its own: its words must stand somewhere else."""
        spoken = {each.place for each in self._all() if each.words}
        return {each.place for each in self._all() if not each.words} - spoken

    def _all(self) -> Iterator[Message]:
        for name, module in self.modules.items():
            for scope in ast.walk(module):
                if isinstance(scope, Function):
                    for node in own_nodes(scope):
                        for text, within in self._taken(node, scope):
                            for pattern in self._texts(text, within):
                                yield Message(" ".join(pattern.replace("%s", HOLE).split()), f"{name}:{scope.name}")

    def _taken(self, node: ast.AST, scope: ast.AST) -> Iterator[tuple[ast.expr, ast.AST]]:
        """The expressions at a node that are messages, each with the function that it stands in."""
        match node:
            case ast.Raise(exc=ast.Call(func=ast.Name(id=maker), args=arguments)) if maker in self.functions:
                yield from ((each, scope) for each in arguments[:1] if isinstance(each, ast.JoinedStr))
                for function in self._functions(maker, scope):
                    for made in returns(function):
                        if isinstance(made, ast.Call) and made.args:
                            yield made.args[0], function
            case _:
                yield from ((text, scope) for text in taken(node))

    def _texts(self, node: ast.expr | None, scope: ast.AST, depth: int = 0) -> list[str]:
        """The patterns that an expression may come to."""
        if node is None or depth > 12:
            return [HOLE]
        match node:
            case ast.Constant(value=str(text)):
                return [text]
            case ast.JoinedStr(values=values):
                return self._joined(values, scope, depth)
            case ast.FormattedValue(value=value):
                return self._texts(value, scope, depth + 1)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._joined([left, right], scope, depth)
            case ast.IfExp(body=body, orelse=orelse):
                return [*self._texts(body, scope, depth + 1), *self._texts(orelse, scope, depth + 1)]
            case ast.BoolOp(values=values):
                return [text for value in values for text in self._texts(value, scope, depth + 1)]
            case ast.NamedExpr(value=value):
                return self._texts(value, scope, depth + 1)
            case ast.Name(id=name):
                return self._named(name, scope, depth)
            case ast.Call(func=ast.Attribute(attr="join"), args=[ast.GeneratorExp(elt=each) | ast.ListComp(elt=each)]):
                return self._texts(each, scope, depth + 1)
            case ast.Call(
                func=ast.Attribute(value=ast.Constant(value=str(between)), attr="join"), args=[ast.List(elts=items)]
            ):
                return self._joined(items, scope, depth, between)
            case ast.Call(func=ast.Attribute(attr="get", value=ast.Name(id=name))):
                return self._named(name, scope, depth)
            case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name)) if name in self.functions:
                return [
                    text
                    for function in self._functions(name, scope)
                    for returned in returns(function)
                    for text in self._texts(returned, function, depth + 1)
                ]
            case ast.Call(func=ast.Name(id=name)) if name in self.written:
                written = self.written[name]
                return [text for each in returns(written) for text in self._texts(each, written, depth + 1)]
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name) if name in self.constants:
                return self._named(name, scope, depth)
            case ast.DictComp(value=value):
                return self._texts(value, scope, depth + 1)
            case ast.Call(func=ast.Name(id="str"), args=[argument]):
                return self._texts(argument, scope, depth + 1)
        return [HOLE]

    def _joined(self, pieces: list[ast.expr], scope: ast.AST, depth: int, between: str = "") -> list[str]:
        choices = []
        for piece in pieces:
            texts = self._texts(piece, scope, depth + 1)
            # What one of several short texts fills in, or one that can't be seen here, is a hole.
            choices.append(texts if len(texts) == 1 else [text for text in texts if is_long(text)] or [HOLE])
        return [between.join(texts) for texts in itertools.product(*choices)]

    def _named(self, name: str, scope: ast.AST, depth: int) -> list[str]:
        assigned: list[ast.expr] = []
        for node in own_nodes(scope):
            match node:
                case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                    assigned.append(value)
                case ast.AugAssign(target=ast.Name(id=target), value=value) if target == name:
                    assigned.append(value)
                case ast.NamedExpr(target=ast.Name(id=target), value=value) if target == name:
                    assigned.append(value)
        if not assigned:
            assigned = self._constant(name, scope)
        if name in self.being_followed:  # a text that is made of itself
            return [HOLE]
        self.being_followed.append(name)
        try:
            return [text for value in assigned for text in self._texts(value, scope, depth + 1)] or [HOLE]
        finally:
            self.being_followed.pop()

    def _constant(self, name: str, scope: ast.AST) -> list[ast.expr]:
        """A constant of the own module, or of the one that it is imported from; else the only one of its name."""
        found, home = self.constants.get(name, {}), self.homes.get(scope, "")
        own = found.get(home) or found.get(self.imports.get((home, name), ""))
        return [own] if own is not None else list(found.values()) if len(found) == 1 else []

    def _functions(self, name: str, scope: ast.AST) -> list[Function]:
        """The functions of this name in the own module, else all."""
        own = [each for each in self.functions[name] if self.homes[each] == self.homes.get(scope)]
        return own or self.functions[name]


def is_long(text: str) -> bool:
    """Whether a text is a sentence, and not just a word that is filled in."""
    return len(parts(text)) > 3


def own_nodes(scope: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function, without those of functions inside it."""
    pending = list(ast.iter_child_nodes(scope))
    while pending:
        node = pending.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(node))


def returns(function: ast.AST) -> list[ast.expr]:
    """What a function returns."""
    found = [node.value for node in own_nodes(function) if isinstance(node, ast.Return) and node.value is not None]
    return [value for value in found if not (isinstance(value, ast.Constant) and value.value is None)]


def taken(node: ast.AST) -> Iterator[ast.expr]:
    """The expressions at a node that are messages."""
    match node:
        case ast.Raise(exc=ast.Call(func=called, args=arguments)) if arguments and last(called) not in NOT_FOR_PEOPLE:
            yield arguments[0]
        case ast.Call(func=called, args=arguments, keywords=keywords):
            name = dotted(called)
            if name.endswith("echo") and any(keyword.arg == "err" for keyword in keywords):
                yield from arguments[:1]
            for taker, positions in TAKES_A_MESSAGE.items():
                if name == taker or name.endswith(f".{taker}"):
                    yield from (arguments[position] for position in positions if position < len(arguments))
            for keyword in keywords:
                if keyword.arg in KEYWORDS:
                    yield keyword.value
        case ast.Dict(keys=keys, values=values):
            for key, value in zip(keys, values, strict=True):
                if isinstance(key, ast.Constant) and key.value in KEYWORDS:
                    yield value


def dotted(node: ast.expr) -> str:
    """A called name: `pulumi.log.warn`."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=name):
            return f"{dotted(value)}.{name}"
    return ""


def last(node: ast.expr) -> str:
    """The last part of a called name."""
    return dotted(node).rpartition(".")[2]
