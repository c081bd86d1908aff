"""Which private attributes a build may number, as it does parameters (boards/names.py).

Numbered are data that no traceback tells, of classes in one family of modules: those whose classes
inherit from each other, so that no object has two attributes of one number. Methods, functions and
whatever has a name in another way keep it, and so does a family that the beat runs through, since
the interpreter finds an attribute faster where its name is not that of others.
"""

import ast
from collections.abc import Iterable, Mapping, Set

Trees = Mapping[str, ast.Module]  # by the module's name


def numbered(trees: Trees, apart: Set[str]) -> dict[str, dict[str, str]]:
    """Of each module its private attributes and their new names; `apart`: modules that keep all."""
    families = _families(trees)
    inside = {name: _attributes(tree) for name, tree in trees.items()}
    reached = _reached(trees, families)
    depths = {name: _depth(name, trees) for name in trees}
    found: dict[str, dict[str, str]] = {}
    for family in sorted(set(families.values())):
        members = [name for name in trees if families[name] == family]
        if not apart.isdisjoint(members):
            continue
        kept = _otherwise(trees[name] for name in members)
        kept |= {attribute for attribute, where in reached.items() if len(where) > 1}
        own = sorted(set().union(*(inside[name] for name in members)) - kept, key=lambda one: (
            min(depths[name] for name in members if one in inside[name]), one))
        numbers = {old: f"_{at}" for at, old in enumerate(own)}
        for name in members:
            found[name] = numbers
    return found


def _families(trees: Trees) -> dict[str, str]:
    """Module -> the first module of its family."""
    first = {name: name for name in trees}
    for name, tree in trees.items():
        for other in _bases(tree) & trees.keys():
            one, two = sorted((first[name], first[other]))
            first = {each: one if head == two else head for each, head in first.items()}
    return first


def _depth(name: str, trees: Trees) -> int:
    """How many modules a module's classes inherit through. What stands first has the first numbers,
    so that it has the same ones whoever inherits from it."""
    return max((1 + _depth(base, trees) for base in _bases(trees[name]) & trees.keys() - {name}),
               default=0)


def _bases(tree: ast.Module) -> set[str]:
    """The modules whose classes those of this one may inherit from."""
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                imported[alias.asname or alias.name] = {node.module, f"{node.module}.{alias.name}"}
    named = {each.id for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
             for base in node.bases for each in ast.walk(base) if isinstance(each, ast.Name)}
    return set().union(*(imported.get(name, set()) for name in named))


def _reached(trees: Trees, families: Mapping[str, str]) -> dict[str, set[str]]:
    """Attributes that are not only a `self`'s -> the families that have such a one at all."""
    foreign = {node.attr for tree in trees.values() for node in ast.walk(tree)
               if isinstance(node, ast.Attribute)
               and not (isinstance(node.value, ast.Name) and node.value.id == "self")}
    found: dict[str, set[str]] = {attribute: set() for attribute in foreign}
    for name, tree in trees.items():
        for attribute in _attributes(tree) & foreign:
            found[attribute].add(families[name])
    return found


def _attributes(tree: ast.Module) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)
            and node.attr[0] == "_" and node.attr[:2] != "__"}


def _otherwise(trees: Iterable[ast.Module]) -> set[str]:
    """What these modules name in any other way: functions, variables, texts."""
    found: set[str] = set()
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Name):
                found.add(node.id)
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
            elif isinstance(node, ast.alias):
                found.add(node.name)
    return found
