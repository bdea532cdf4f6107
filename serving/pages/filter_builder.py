"""The builder of nested filters: fields of a form in, a tree out. It works by submit buttons alone.

`b.kind` is the root's kind; `b.0.field`, `b.0.low` ... are its first condition; `b.1.kind` is a group, `b.1.0.field`
its first condition. `do` is the button that was pressed: `add:b.1`, `group:b`, `remove:b.1.0`.
"""

from collections.abc import Callable, Mapping

from movierec.search.filter_parser import between, one_of
from movierec.search.filter_tree import (
    FIELDS,
    FLAGS,
    KINDS,
    MAX_DEPTH,
    MAX_PARTS,
    RANGES,
    Between,
    FilterError,
    Flag,
    Group,
    Is,
    Kind,
    Node,
)
from serving.services.search_query import Fault, Pairs

ROOT = "b"
NEW = Is("genre")
MOST_FIELDS = 5 * MAX_PARTS


def is_in(pairs: Pairs) -> bool:
    return any(name == f"{ROOT}.kind" for name, _ in pairs)


def tree_of(pairs: Pairs) -> tuple[Group, list[Fault]]:
    """The tree that the form shows after the pressed button has done its work, and what could not be read."""
    fields = {name: value for name, value in pairs if name.startswith(f"{ROOT}.")}
    if len(fields) > MOST_FIELDS:
        return Group("and"), [Fault("filter", FilterError("too_many"))]
    faults: list[Fault] = []
    root = _group(fields, ROOT, faults, depth=1)
    for name, value in pairs:
        if name == "do":
            verb, _, path = value.partition(":")
            root = pressed(root, verb, path)
    return root, faults


def pressed(root: Group, verb: str, path: str) -> Group:
    """The tree with a condition or a group more, or without what stands at `path`; as it is for any other button."""
    root_name, *steps = path.split(".")
    if root_name != ROOT or not all(step.isascii() and step.isdigit() for step in steps):
        return root
    places = [int(step) for step in steps[: MAX_DEPTH + 1]]
    match verb:
        case "add":
            return _with(root, places, NEW)
        case "group" if len(places) + 1 < MAX_DEPTH:
            return _with(root, places, Group("or", (NEW, NEW)))
        case "remove" if places:
            return _without(root, places)
    return root


def _with(group: Group, places: list[int], new: Node) -> Group:
    if not places:
        return Group(group.kind, (*group.parts, new))
    return _at(group, places[0], lambda part: _with(part, places[1:], new))


def _without(group: Group, places: list[int]) -> Group:
    if len(places) == 1:
        return Group(group.kind, tuple(part for i, part in enumerate(group.parts) if i != places[0]))
    return _at(group, places[0], lambda part: _without(part, places[1:]))


def _at(group: Group, place: int, change: Callable[[Group], Group]) -> Group:
    """The group with one of its groups changed."""
    parts = (change(part) if i == place and isinstance(part, Group) else part for i, part in enumerate(group.parts))
    return Group(group.kind, tuple(parts))


def _group(fields: Mapping[str, str], path: str, faults: list[Fault], *, depth: int) -> Group:
    named = fields.get(f"{path}.kind", "")
    kind: Kind = next((each for each in KINDS if each == named), "and")
    parts: list[Node] = []
    for i in range(MAX_PARTS):
        part = f"{path}.{i}"
        if f"{part}.kind" in fields and depth == MAX_DEPTH:
            faults.append(Fault("filter", FilterError("too_deep")))
        elif f"{part}.kind" in fields:
            parts.append(_group(fields, part, faults, depth=depth + 1))
        elif f"{part}.field" in fields:
            parts.append(_condition(fields, part, faults))
    return Group(kind, tuple(parts))


def _condition(fields: Mapping[str, str], path: str, faults: list[Fault]) -> Node:
    """A condition whose field was just changed has no value yet."""
    field = fields[f"{path}.field"]
    if field not in FIELDS:
        return NEW
    given = fields if fields.get(f"{path}.was", field) == field else {}
    low, high, value = (given.get(f"{path}.{end}", "").strip() for end in ("low", "high", "value"))
    try:
        if field in FLAGS:
            return Flag(field)
        return between(field, low, high) if field in RANGES else one_of(field, value)
    except FilterError as error:
        faults.append(Fault("filter", error))
        return Between(field) if field in RANGES else Is(field)
