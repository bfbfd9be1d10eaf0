"""Foreign keys that lie on a circle of tables: these are made behind the tables, and dropped before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from schemaspec.model.schema import ObjectId, Schema


def cyclic(tables: Sequence[ObjectId], schema: Schema) -> frozenset[ObjectId]:
    """The foreign keys among these tables that lie on a circle of more than one table."""
    among = set(tables)
    edges: dict[ObjectId, set[ObjectId]] = {id: set() for id in tables}
    keys: dict[ObjectId, list[tuple[ObjectId, ObjectId]]] = {id: [] for id in tables}
    for id in tables:
        for key in schema.children(id.path, "foreign_key"):
            target = ObjectId("table", tuple(map(str, key["references"]))) if isinstance(key["references"], tuple) else id
            if target in among and target != id:
                edges[id].add(target)
                keys[id].append((key.id, target))
    group = _components(edges)
    return frozenset(key for id, pairs in keys.items() for key, target in pairs if group[id] == group[target])


def _components(edges: Mapping[ObjectId, set[ObjectId]]) -> dict[ObjectId, int]:
    """Which strongly connected component each node is in (Tarjan's way, without recursion)."""
    index: dict[ObjectId, int] = {}
    low: dict[ObjectId, int] = {}
    stack: list[ObjectId] = []
    found: dict[ObjectId, int] = {}
    for root in edges:
        if root in index:
            continue
        work = [(root, iter(sorted(edges[root])))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            node, targets = work[-1]
            for target in targets:
                if target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    work.append((target, iter(sorted(edges[target]))))
                    break
                if target not in found:
                    low[node] = min(low[node], index[target])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    number = len(set(found.values()))
                    while True:
                        member = stack.pop()
                        found[member] = number
                        if member == node:
                            break
    return found
