"""The filter builder: turns form fields into a condition tree. It works with submit buttons alone.

`b.kind` is the kind of the root; `b.0.field`, `b.0.low` and so on are its first condition; `b.1.kind` is a group and
`b.1.0.field` its first condition. `do` is the pressed button: `add:b.1`, `group:b`, `remove:b.1.0`.
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
from serving.services.search_query import QueryFault, QueryPairs

ROOT_FIELD = "b"
NEW_CONDITION = Is("genre")
MAX_FIELDS = 5 * MAX_PARTS


def has_builder_fields(pairs: QueryPairs) -> bool:
    """Whether the form sent fields of the builder."""
    return any(name == f"{ROOT_FIELD}.kind" for name, _ in pairs)


def parse_builder_fields(pairs: QueryPairs) -> tuple[Group, list[QueryFault]]:
    """The condition tree after the pressed button is applied, and the fields that could not be read."""
    fields = {name: value for name, value in pairs if name.startswith(f"{ROOT_FIELD}.")}
    if len(fields) > MAX_FIELDS:
        return Group("and"), [QueryFault("filter", FilterError("too_many"))]
    faults: list[QueryFault] = []
    root = _parse_group(fields, ROOT_FIELD, faults, depth=1)
    for name, value in pairs:
        if name == "do":
            verb, _, path = value.partition(":")
            root = apply_button(root, verb, path)
    return root, faults


def apply_button(root: Group, verb: str, path: str) -> Group:
    """Adds a condition or a group at `path`, or removes what is there.

    Returns the tree unchanged for any other button.
    """
    root_name, *steps = path.split(".")
    if root_name != ROOT_FIELD or not all(step.isascii() and step.isdigit() for step in steps):
        return root
    places = [int(step) for step in steps[: MAX_DEPTH + 1]]
    match verb:
        case "add":
            return _add_node(root, places, NEW_CONDITION)
        case "group" if len(places) + 1 < MAX_DEPTH:
            return _add_node(root, places, Group("or", (NEW_CONDITION, NEW_CONDITION)))
        case "remove" if places:
            return _remove_node(root, places)
    return root


def _add_node(group: Group, places: list[int], new: Node) -> Group:
    if not places:
        return Group(group.kind, (*group.parts, new))
    return _change_group_at(group, places[0], lambda part: _add_node(part, places[1:], new))


def _remove_node(group: Group, places: list[int]) -> Group:
    if len(places) == 1:
        return Group(group.kind, tuple(part for i, part in enumerate(group.parts) if i != places[0]))
    return _change_group_at(group, places[0], lambda part: _remove_node(part, places[1:]))


def _change_group_at(group: Group, place: int, change: Callable[[Group], Group]) -> Group:
    """The group with `change` applied to its child group number `place`."""
    parts = (change(part) if i == place and isinstance(part, Group) else part for i, part in enumerate(group.parts))
    return Group(group.kind, tuple(parts))


def _parse_group(fields: Mapping[str, str], path: str, faults: list[QueryFault], *, depth: int) -> Group:
    named = fields.get(f"{path}.kind", "")
    kind: Kind = next((each for each in KINDS if each == named), "and")
    parts: list[Node] = []
    for i in range(MAX_PARTS):
        part = f"{path}.{i}"
        if f"{part}.kind" in fields and depth == MAX_DEPTH:
            faults.append(QueryFault("filter", FilterError("too_deep")))
        elif f"{part}.kind" in fields:
            parts.append(_parse_group(fields, part, faults, depth=depth + 1))
        elif f"{part}.field" in fields:
            parts.append(_parse_condition(fields, part, faults))
    return Group(kind, tuple(parts))


def _parse_condition(fields: Mapping[str, str], path: str, faults: list[QueryFault]) -> Node:
    """Reads one condition. If its field was just changed, the old values are dropped."""
    field = fields[f"{path}.field"]
    if field not in FIELDS:
        return NEW_CONDITION
    given = fields if fields.get(f"{path}.was", field) == field else {}
    low, high, value = (given.get(f"{path}.{end}", "").strip() for end in ("low", "high", "value"))
    try:
        if field in FLAGS:
            return Flag(field)
        return between(field, low, high) if field in RANGES else one_of(field, value)
    except FilterError as error:
        faults.append(QueryFault("filter", error))
        return Between(field) if field in RANGES else Is(field)
