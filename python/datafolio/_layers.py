"""Where the nodes of a directed graph stand when it is drawn in layers, each node to the right of those that lead to it.

The usual four steps (Sugiyama, Tagawa and Toda 1981): edges that close a cycle are turned round, nodes get layers, the order
within layers is chosen so that few edges cross, and then the heights so that edges are nearly straight.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

__all__ = ["Layout", "layered"]

Edge = tuple[int, int]

# How often the layers are gone through, forwards and backwards.
SWEEPS = 10
# How much more an edge that passes a layer wants to stay straight than a node wants to stand between its neighbours.
STRAIGHTNESS = 3.0


@dataclass(frozen=True)
class Layout:
    """Where nodes stand. Numbers from the number of nodes on are bends: places where an edge passes a layer."""

    layers: list[list[int]]
    """The nodes and bends of each layer, from top to bottom."""
    heights: list[float]
    """The middle of each node and bend; the topmost edge of all is 0."""
    paths: dict[Edge, list[int]]
    """For each edge what it passes from left to right, both ends included: the wrong way round for one that closes a cycle."""


def layered(count: int, edges: Iterable[Edge], height: float, gap: float) -> Layout:
    """Places nodes ``0 .. count - 1``, each of which has an edge to another one.

    Parameters
    ----------
    count
        The number of nodes.
    edges
        From node to node. An edge of a node to itself is left out.
    height, gap
        The height of a node, and the space between two of them.
    """
    given = [edge for edge in dict.fromkeys(edges) if edge[0] != edge[1]]
    forward = _without_cycles(count, given)
    directed = list(dict.fromkeys(forward))
    layer_of = _layers(count, directed)
    paths: dict[Edge, list[int]] = {}
    for start, end in directed:
        bends = range(len(layer_of), len(layer_of) + layer_of[end] - layer_of[start] - 1)
        paths[start, end] = [start, *bends, end]
        layer_of += range(layer_of[start] + 1, layer_of[end])
    before: list[list[int]] = [[] for _ in layer_of]
    after: list[list[int]] = [[] for _ in layer_of]
    for path in paths.values():
        for left, right in pairwise(path):
            before[right].append(left)
            after[left].append(right)
    layers = _ordered(layer_of, before, after)
    sizes = [height if node < count else gap for node in range(len(layer_of))]
    heights = _heights(layers, before, after, sizes, gap, count)
    return Layout(layers, heights, {edge: paths[turned] for edge, turned in zip(given, forward, strict=True)})


def _without_cycles(count: int, edges: Sequence[Edge]) -> list[Edge]:
    """The edges, of which those that lead back to a node on the way to them are turned round."""
    after: list[list[int]] = [[] for _ in range(count)]
    has_inputs = [False] * count
    for start, end in edges:
        after[start].append(end)
        has_inputs[end] = True
    unseen, open_, done = 0, 1, 2
    state = [unseen] * count
    back: set[Edge] = set()
    # From the sources first, so that what is turned round is what leads back to them.
    for root in sorted(range(count), key=lambda node: has_inputs[node]):
        if state[root] != unseen:
            continue
        state[root] = open_
        stack = [(root, iter(after[root]))]
        while stack:
            node, rest = stack[-1]
            for end in rest:
                if state[end] == open_:
                    back.add((node, end))
                elif state[end] == unseen:
                    state[end] = open_
                    stack.append((end, iter(after[end])))
                    break
            else:
                state[node] = done
                stack.pop()
    return [(end, start) if (start, end) in back else (start, end) for start, end in edges]


def _layers(count: int, edges: Sequence[Edge]) -> list[int]:
    """The layer of each node: the longest way to it. Sources stand right before the first node that they lead to."""
    after: list[list[int]] = [[] for _ in range(count)]
    waits = [0] * count
    for start, end in edges:
        after[start].append(end)
        waits[end] += 1
    sources = [node for node in range(count) if not waits[node]]
    layer, ready = [0] * count, list(sources)
    while ready:
        node = ready.pop()
        for end in after[node]:
            layer[end] = max(layer[end], layer[node] + 1)
            waits[end] -= 1
            if not waits[end]:
                ready.append(end)
    for node in sources:
        layer[node] = min((layer[end] for end in after[node]), default=1) - 1
    return layer


def _ordered(layer_of: Sequence[int], before: list[list[int]], after: list[list[int]]) -> list[list[int]]:
    """The layers, in an order with few crossings: each node moves to the mean place of its neighbours, again and again."""
    layers: list[list[int]] = [[] for _ in range(max(layer_of, default=-1) + 1)]
    for node in _by_component(len(layer_of), before, after):
        layers[layer_of[node]].append(node)
    place = [0.0] * len(layer_of)

    def settle(layer: list[int]) -> None:
        for at, node in enumerate(layer):
            place[node] = at

    def move(layer: list[int], neighbours: list[list[int]]) -> None:
        means = {node: _mean([place[other] for other in neighbours[node]], place[node]) for node in layer}
        layer.sort(key=lambda node: means[node])
        settle(layer)

    for layer in layers:
        settle(layer)
    best, fewest = [list(layer) for layer in layers], _crossings(layers, after, place)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        if sweep % 2:
            for layer in reversed(layers[:-1]):
                move(layer, after)
        else:
            for layer in layers[1:]:
                move(layer, before)
        crossings = _crossings(layers, after, place)
        if crossings < fewest:
            best, fewest = [list(layer) for layer in layers], crossings
    return best


def _by_component(count: int, before: list[list[int]], after: list[list[int]]) -> list[int]:
    """All nodes, those that hang together one after another."""
    order: list[int] = []
    seen = [False] * count
    for root in range(count):
        stack = [root]
        while stack:
            node = stack.pop()
            if not seen[node]:
                seen[node] = True
                order.append(node)
                stack += [*reversed(before[node]), *reversed(after[node])]
    return order


def _crossings(layers: list[list[int]], after: list[list[int]], place: list[float]) -> int:
    """How many pairs of edges cross."""
    crossings = 0
    for layer in layers:
        ends: list[float] = []
        for node in layer:
            reached = sorted(place[end] for end in after[node])
            crossings += sum(len(ends) - bisect_right(ends, end) for end in reached)
            for end in reached:
                insort(ends, end)
    return crossings


def _heights(
    layers: list[list[int]],
    before: list[list[int]],
    after: list[list[int]],
    sizes: Sequence[float],
    gap: float,
    count: int,
) -> list[float]:
    """The middle of each node, near the mean of its neighbours, without two that overlap."""
    height = [0.0] * len(sizes)
    # How far each node at least stands below the first one of its layer.
    offset = [0.0] * len(sizes)
    for layer in layers:
        for above, node in pairwise(layer):
            offset[node] = height[node] = offset[above] + (sizes[above] + sizes[node]) / 2 + gap
    for sweep in range(SWEEPS):
        neighbours = before if sweep % 2 == 0 else after
        for layer in layers if sweep % 2 == 0 else reversed(layers):
            wanted, weights = [], []
            for node in layer:
                around = neighbours[node] if sweep < SWEEPS - 2 else [*before[node], *after[node]]
                wanted.append(_mean([height[other] for other in around], height[node]) - offset[node])
                weights.append(1.0 if node < count else STRAIGHTNESS)
            for node, place in zip(layer, _rising(wanted, weights), strict=True):
                height[node] = place + offset[node]
    top = min((height[layer[0]] - sizes[layer[0]] / 2 for layer in layers if layer), default=0.0)
    return [middle - top for middle in height]


def _rising(wanted: Sequence[float], weights: Sequence[float]) -> list[float]:
    """The numbers nearest to those wanted, by least squares, of which none is below the one before it."""
    # Neighbours that are in the wrong order become one block with their mean (pool adjacent violators).
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip(wanted, weights, strict=True):
        size = 1
        while blocks and blocks[-1][0] > value:
            other, other_weight, other_size = blocks.pop()
            value = (value * weight + other * other_weight) / (weight + other_weight)
            weight, size = weight + other_weight, size + other_size
        blocks.append((value, weight, size))
    return [value for value, _, size in blocks for _ in range(size)]


def _mean(values: Sequence[float], otherwise: float) -> float:
    return sum(values) / len(values) if values else otherwise
