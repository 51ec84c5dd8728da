"""The Merkle tree of RFC 6962: known answers, every small tree, and nothing but true proofs."""

from collections.abc import Sequence
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from governance.evidence import merkle
from governance.evidence.errors import EvidenceError

# The reference data of Certificate Transparency's implementations: eight leaves, their tree heads.
ENTRIES = [
    bytes.fromhex(entry)
    for entry in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
HEADS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
NODES = {
    "1": "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "4": "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "2-3": "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "4-5": "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
    "6-7": "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "4-7": "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "0": HEADS[1],
    "0-1": HEADS[2],
    "0-3": HEADS[4],
}
EVERY_SIZE = 70

Proof = list[merkle.Hash]


def leaves(count: int) -> list[merkle.Hash]:
    return [merkle.leaf_hash(str(number).encode()) for number in range(count)]


def over(hashes: Sequence[merkle.Hash]) -> merkle.SubtreeRoot:
    """Roots of complete subtrees from a list of leaf hashes; refuses to answer for any other."""

    def subtree(start: int, end: int) -> merkle.Hash:
        size = end - start
        assert size & (size - 1) == 0 and start % size == 0, "not a complete subtree"
        return merkle.root(hashes[start:end])

    return subtree


def defined(hashes: Sequence[merkle.Hash]) -> merkle.Hash:
    """MTH(D[n]) as RFC 6962, section 2.1, writes it down."""
    if not hashes:
        return sha256().digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    both = defined(hashes[:split]) + defined(hashes[split:])
    return sha256(b"\x01" + both).digest()


@pytest.mark.parametrize("size", range(9))
def test_tree_heads_are_those_of_the_reference_data(size: int) -> None:
    hashes = [merkle.leaf_hash(entry) for entry in ENTRIES[:size]]
    assert merkle.root(hashes).hex() == HEADS[size]
    assert merkle.root_from(size, over(hashes)).hex() == HEADS[size]


@pytest.mark.parametrize(
    ("index", "size", "nodes"),
    [
        (0, 1, []),
        (0, 8, ["1", "2-3", "4-7"]),
        (5, 8, ["4", "6-7", "0-3"]),
        (2, 3, ["0-1"]),
        (1, 5, ["0", "2-3", "4"]),
    ],
)
def test_inclusion_proofs_are_those_of_the_reference_data(
    index: int, size: int, nodes: list[str]
) -> None:
    hashes = [merkle.leaf_hash(entry) for entry in ENTRIES]
    proof = merkle.inclusion_proof(index, size, over(hashes))
    assert [node.hex() for node in proof] == [NODES[name] for name in nodes]
    merkle.verify_inclusion(index, size, hashes[index], proof, bytes.fromhex(HEADS[size]))


@pytest.mark.parametrize(
    ("old", "new", "nodes"),
    [
        (1, 1, []),
        (1, 8, ["1", "2-3", "4-7"]),
        (6, 8, ["4-5", "6-7", "0-3"]),
        (2, 5, ["2-3", "4"]),
    ],
)
def test_consistency_proofs_are_those_of_the_reference_data(
    old: int, new: int, nodes: list[str]
) -> None:
    hashes = [merkle.leaf_hash(entry) for entry in ENTRIES]
    proof = merkle.consistency_proof(old, new, over(hashes))
    assert [node.hex() for node in proof] == [NODES[name] for name in nodes]
    heads = bytes.fromhex(HEADS[old]), bytes.fromhex(HEADS[new])
    merkle.verify_consistency(old, new, *heads, proof)


def test_every_small_tree_has_the_defined_head() -> None:
    hashes = leaves(EVERY_SIZE)
    for size in range(EVERY_SIZE + 1):
        expected = defined(hashes[:size])
        assert merkle.root(hashes[:size]) == expected
        assert merkle.root_from(size, over(hashes)) == expected


def test_in_every_small_tree_each_leaf_has_a_proof_that_fits_no_other_place() -> None:
    hashes = leaves(EVERY_SIZE)
    for size in range(1, EVERY_SIZE + 1):
        head = merkle.root(hashes[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(index, size, over(hashes))
            merkle.verify_inclusion(index, size, hashes[index], proof, head)
            for other in {index - 1, index + 1, index ^ 1} - {index}:
                with pytest.raises(EvidenceError, match=r"inclusion proof|outside the tree"):
                    merkle.verify_inclusion(other, size, hashes[index], proof, head)


def test_every_small_tree_continues_every_smaller_one() -> None:
    hashes = leaves(EVERY_SIZE)
    heads = [merkle.root(hashes[:size]) for size in range(EVERY_SIZE + 1)]
    for new in range(1, EVERY_SIZE + 1):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(old, new, over(hashes))
            merkle.verify_consistency(old, new, heads[old], heads[new], proof)
            with pytest.raises(EvidenceError, match="does not continue"):
                merkle.verify_consistency(old, new, heads[old - 1], heads[new], proof)


def spoilt(proof: Proof) -> list[Proof]:
    """Every proof that differs in one bit of one hash, lacks one, has one twice or one more."""
    flipped = [
        [*proof[:i], bytes([node[0] ^ 1]) + node[1:], *proof[i + 1 :]]
        for i, node in enumerate(proof)
    ]
    missing = [proof[:i] + proof[i + 1 :] for i in range(len(proof))]
    doubled = [proof[: i + 1] + proof[i:] for i in range(len(proof))]
    return [*flipped, *missing, *doubled, [*proof, bytes(32)]]


@given(st.data())
def test_proofs_of_larger_trees_verify_and_no_spoilt_one_does(data: st.DataObject) -> None:
    size = data.draw(st.integers(2, 3000))
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(1, size - 1))
    hashes = leaves(size)
    head, old_head = merkle.root(hashes), merkle.root(hashes[:old])

    inclusion = merkle.inclusion_proof(index, size, over(hashes))
    merkle.verify_inclusion(index, size, hashes[index], inclusion, head)
    for wrong in spoilt(inclusion):
        with pytest.raises(EvidenceError):
            merkle.verify_inclusion(index, size, hashes[index], wrong, head)
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(index, size, merkle.leaf_hash(b"another"), inclusion, head)

    consistency = merkle.consistency_proof(old, size, over(hashes))
    merkle.verify_consistency(old, size, old_head, head, consistency)
    for wrong in spoilt(consistency):
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(old, size, old_head, head, wrong)
    with pytest.raises(EvidenceError):
        merkle.verify_consistency(old, size, merkle.leaf_hash(b"fork"), head, consistency)


@given(st.integers(-2, 9), st.integers(-2, 9), st.lists(st.binary(min_size=32, max_size=32)))
def test_an_arbitrary_proof_proves_nothing(old: int, new: int, proof: Proof) -> None:
    head = merkle.leaf_hash(b"head")
    with pytest.raises(EvidenceError):
        merkle.verify_inclusion(old, new, merkle.leaf_hash(b"leaf"), proof, head)
    if old != 0 or new < 0:
        with pytest.raises(EvidenceError):
            merkle.verify_consistency(old, new, merkle.leaf_hash(b"old"), head, proof)


def test_a_log_never_continues_a_longer_one() -> None:
    hashes = leaves(5)
    with pytest.raises(EvidenceError) as caught:
        merkle.verify_consistency(5, 3, hashes[0], merkle.root(hashes[:3]), hashes[:3])
    assert caught.value.code == "consistency_invalid"


def test_an_empty_log_is_continued_by_any() -> None:
    merkle.verify_consistency(0, 3, merkle.EMPTY_ROOT, merkle.root(leaves(3)), [])


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_there_is_no_inclusion_proof_outside_the_tree(index: int, size: int) -> None:
    with pytest.raises(ValueError, match="not in a tree"):
        merkle.inclusion_proof(index, size, over(leaves(3)))


@pytest.mark.parametrize(("old", "new"), [(0, 3), (3, 2), (-1, 2)])
def test_there_is_no_consistency_proof_from_nothing_or_backwards(old: int, new: int) -> None:
    with pytest.raises(ValueError, match="no consistency proof"):
        merkle.consistency_proof(old, new, over(leaves(3)))
