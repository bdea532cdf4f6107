"""The filter builder: turns form fields into a condition tree. It works with submit buttons alone.

`b.kind` is the kind of the root; `b.0.field`, `b.0.low` and so on are its first condition; `b.1.kind` is a group and
`b.1.0.field` its first condition. `do` is the pressed button: `add:b.1`, `group:b`, `remove:b.1.0`.
"""

from collections.abc import Callable, Mapping

from movierec.search.filter_parser import parse_choice, parse_range
from movierec.search.filter_tree import (
    ALL_FIELDS,
    FLAG_FIELDS,
    GROUP_KINDS,
    MAX_FILTER_NODES,
    MAX_GROUP_DEPTH,
    RANGE_FIELDS,
    ChoiceCondition,
    ConditionGroup,
    FilterError,
    FilterNode,
    FlagCondition,
    GroupKind,
    RangeCondition,
)
from serving.services.search_query import QueryFault, QueryPairs

ROOT_FIELD = "b"
NEW_CONDITION = ChoiceCondition("genre")
MAX_FIELDS = 5 * MAX_FILTER_NODES


def has_builder_fields(pairs: QueryPairs) -> bool:
    """Whether the form sent fields of the builder."""
    return any(name == f"{ROOT_FIELD}.kind" for name, _ in pairs)


def parse_builder_fields(pairs: QueryPairs) -> tuple[ConditionGroup, list[QueryFault]]:
    """The condition tree after the pressed button is applied, and the fields that could not be read."""
    fields = {name: value for name, value in pairs if name.startswith(f"{ROOT_FIELD}.")}
    if len(fields) > MAX_FIELDS:
        return ConditionGroup("and"), [QueryFault("filter", FilterError("too_many"))]
    faults: list[QueryFault] = []
    root = _parse_group(fields, ROOT_FIELD, faults, depth=1)
    for name, value in pairs:
        if name == "do":
            verb, _, path = value.partition(":")
            root = apply_button(root, verb, path)
    return root, faults


def apply_button(root: ConditionGroup, verb: str, path: str) -> ConditionGroup:
    """Adds a condition or a group at `path`, or removes what is there.

    Returns the tree unchanged for any other button.
    """
    root_name, *steps = path.split(".")
    if root_name != ROOT_FIELD or not all(step.isascii() and step.isdigit() for step in steps):
        return root
    places = [int(step) for step in steps[: MAX_GROUP_DEPTH + 1]]
    match verb:
        case "add":
            return _add_node(root, places, NEW_CONDITION)
        case "group" if len(places) + 1 < MAX_GROUP_DEPTH:
            return _add_node(root, places, ConditionGroup("or", (NEW_CONDITION, NEW_CONDITION)))
        case "remove" if places:
            return _remove_node(root, places)
    return root


def _add_node(group: ConditionGroup, places: list[int], new: FilterNode) -> ConditionGroup:
    if not places:
        return ConditionGroup(group.kind, (*group.parts, new))
    return _change_group_at(group, places[0], lambda part: _add_node(part, places[1:], new))


def _remove_node(group: ConditionGroup, places: list[int]) -> ConditionGroup:
    if len(places) == 1:
        return ConditionGroup(group.kind, tuple(part for i, part in enumerate(group.parts) if i != places[0]))
    return _change_group_at(group, places[0], lambda part: _remove_node(part, places[1:]))


def _change_group_at(
    group: ConditionGroup, place: int, change: Callable[[ConditionGroup], ConditionGroup]
) -> ConditionGroup:
    """The group with `change` applied to its child group number `place`."""
    parts = (
        change(part) if i == place and isinstance(part, ConditionGroup) else part for i, part in enumerate(group.parts)
    )
    return ConditionGroup(group.kind, tuple(parts))


def _parse_group(fields: Mapping[str, str], path: str, faults: list[QueryFault], *, depth: int) -> ConditionGroup:
    named = fields.get(f"{path}.kind", "")
    kind: GroupKind = next((each for each in GROUP_KINDS if each == named), "and")
    parts: list[FilterNode] = []
    for i in range(MAX_FILTER_NODES):
        part = f"{path}.{i}"
        if f"{part}.kind" in fields and depth == MAX_GROUP_DEPTH:
            faults.append(QueryFault("filter", FilterError("too_deep")))
        elif f"{part}.kind" in fields:
            parts.append(_parse_group(fields, part, faults, depth=depth + 1))
        elif f"{part}.field" in fields:
            parts.append(_parse_condition(fields, part, faults))
    return ConditionGroup(kind, tuple(parts))


def _parse_condition(fields: Mapping[str, str], path: str, faults: list[QueryFault]) -> FilterNode:
    """Reads one condition. If its field was just changed, the old values are dropped."""
    field = fields[f"{path}.field"]
    if field not in ALL_FIELDS:
        return NEW_CONDITION
    given = fields if fields.get(f"{path}.was", field) == field else {}
    low, high, value = (given.get(f"{path}.{end}", "").strip() for end in ("low", "high", "value"))
    try:
        if field in FLAG_FIELDS:
            return FlagCondition(field)
        return parse_range(field, low, high) if field in RANGE_FIELDS else parse_choice(field, value)
    except FilterError as error:
        faults.append(QueryFault("filter", error))
        return RangeCondition(field) if field in RANGE_FIELDS else ChoiceCondition(field)
