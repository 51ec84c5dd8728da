"""The Merkle tree of RFC 6962 section 2 (the same hashes as RFC 9162), SHA-256, 32-byte hashes."""

import hashlib
from collections.abc import Callable, Sequence

from governance.evidence.errors import EvidenceError

Hash = bytes
EMPTY_ROOT: Hash = hashlib.sha256(b"").digest()
# root(start, end) of a complete subtree whose size is a power of two.
SubtreeRoot = Callable[[int, int], Hash]


def leaf_hash(entry: bytes) -> Hash:
    return hashlib.sha256(b"\x00" + entry).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(leaves: Sequence[Hash]) -> Hash:
    """The tree head over all leaf hashes."""
    if not leaves:
        return EMPTY_ROOT
    level = list(leaves)
    while len(level) > 1:
        pairs = [node_hash(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = pairs + level[len(level) & ~1 :]
    return level[0]


def root_from(size: int, subtree: SubtreeRoot) -> Hash:
    """The tree head of `size` leaves from the roots of its complete subtrees."""
    return EMPTY_ROOT if size == 0 else _range_root(0, size, subtree)


def inclusion_proof(index: int, size: int, subtree: SubtreeRoot) -> list[Hash]:
    """PATH(index, D[size]), RFC 6962 section 2.1.1. Raises ValueError outside the tree."""
    if not 0 <= index < size:
        raise ValueError(f"leaf {index} is not in a tree of {size}")
    return _path(index, 0, size, subtree)


def consistency_proof(old: int, new: int, subtree: SubtreeRoot) -> list[Hash]:
    """PROOF(old, D[new]), RFC 6962 section 2.1.2. Raises ValueError unless 0 < old <= new."""
    if not 0 < old <= new:
        raise ValueError(f"no consistency proof from {old} to {new}")
    return _subproof(old, 0, new, True, subtree)


def verify_inclusion(index: int, size: int, leaf: Hash, proof: Sequence[Hash], head: Hash) -> None:
    """RFC 9162 section 2.1.3.2. Raises EvidenceError (`inclusion_invalid`)."""
    if not 0 <= index < size:
        raise EvidenceError("inclusion_invalid", "The proof's index lies outside the tree.")
    position, last, result = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            raise EvidenceError("inclusion_invalid", "The inclusion proof is too long.")
        if position & 1 or position == last:
            result = node_hash(sibling, result)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            result = node_hash(result, sibling)
        position, last = position >> 1, last >> 1
    if last != 0 or result != head:
        raise EvidenceError("inclusion_invalid", "The inclusion proof does not lead to the root.")


def verify_consistency(
    old: int, new: int, old_head: Hash, new_head: Hash, proof: Sequence[Hash]
) -> None:
    """RFC 9162 section 2.1.4.2. Raises EvidenceError (`consistency_invalid`)."""
    fault = EvidenceError(
        "consistency_invalid", f"The log of {new} records does not continue the log of {old}."
    )
    if not 0 <= old <= new:
        raise fault
    if old == new:
        if old_head != new_head or proof:
            raise fault
        return
    if old == 0:
        return
    path = [old_head, *proof] if old & (old - 1) == 0 else list(proof)
    if not path or _climb(old - 1, new - 1, path) != (old_head, new_head):
        raise fault


def _climb(position: int, last: int, path: Sequence[Hash]) -> tuple[Hash, Hash] | None:
    """Both heads that the path leads to; None when its length is wrong."""
    while position & 1:
        position, last = position >> 1, last >> 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return None
        if position & 1 or position == last:
            first, second = node_hash(sibling, first), node_hash(sibling, second)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            second = node_hash(second, sibling)
        position, last = position >> 1, last >> 1
    return (first, second) if last == 0 else None


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1


def _range_root(start: int, end: int, subtree: SubtreeRoot) -> Hash:
    size = end - start
    if size & (size - 1) == 0:
        return subtree(start, end)
    middle = start + _split(size)
    return node_hash(subtree(start, middle), _range_root(middle, end, subtree))


def _path(index: int, start: int, end: int, subtree: SubtreeRoot) -> list[Hash]:
    if end - start == 1:
        return []
    middle = start + _split(end - start)
    if index < middle:
        return [*_path(index, start, middle, subtree), _range_root(middle, end, subtree)]
    return [*_path(index, middle, end, subtree), _range_root(start, middle, subtree)]


def _subproof(old: int, start: int, end: int, known: bool, subtree: SubtreeRoot) -> list[Hash]:
    if old == end:
        return [] if known else [_range_root(start, end, subtree)]
    middle = start + _split(end - start)
    if old <= middle:
        rest = _subproof(old, start, middle, known, subtree)
        return [*rest, _range_root(middle, end, subtree)]
    rest = _subproof(old, middle, end, False, subtree)
    return [*rest, _range_root(start, middle, subtree)]
