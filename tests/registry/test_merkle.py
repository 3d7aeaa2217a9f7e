"""The Merkle tree against Certificate Transparency's published vectors and the definitions of RFC 6962."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from registry import merkle

LEAVES = [
    merkle.leaf_hash(bytes.fromhex(data))
    for data in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
ROOTS = [
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
INCLUSION = {
    (0, 8): [
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ],
    (5, 8): [
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ],
    (2, 3): ["fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"],
    (1, 5): [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ],
}
CONSISTENCY = {
    (1, 8): INCLUSION[0, 8],
    (6, 8): ["0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a", *INCLUSION[5, 8][1:]],
    (2, 5): INCLUSION[1, 5][1:],
    (3, 3): [],
}


def definition(leaves):
    """MTH of RFC 6962, section 2.1, word for word."""
    if len(leaves) <= 1:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    k = max(2**power for power in range(20) if 2**power < len(leaves))
    return hashlib.sha256(b"\x01" + definition(leaves[:k]) + definition(leaves[k:])).digest()


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_certificate_transparencys(size):
    assert merkle.root(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_the_inclusion_proofs_are_certificate_transparencys(index, size):
    proof = merkle.inclusion_proof(LEAVES[:size], index)
    assert [node.hex() for node in proof] == INCLUSION[index, size]


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_the_consistency_proofs_are_certificate_transparencys(old, new):
    assert [node.hex() for node in merkle.consistency_proof(LEAVES[:new], old)] == CONSISTENCY[old, new]


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_a_frontier_has_the_root_of_the_definition_and_resumes_from_its_peaks(leaves):
    frontier = merkle.Frontier()
    for count, leaf in enumerate(leaves):
        frontier = merkle.Frontier.resume(count, frontier.packed())
        frontier.append(leaf)
    assert frontier.root() == definition(leaves)
    assert frontier.size == len(leaves)
    assert len(frontier.peaks) == len(leaves).bit_count()


@pytest.mark.parametrize(("size", "peaks"), [(1, b""), (3, b"x" * 32), (4, b"x" * 64), (-1, b""), (1, b"x" * 31)])
def test_a_frontier_does_not_resume_from_peaks_that_its_size_cannot_have(size, peaks):
    with pytest.raises(ValueError, match="peaks"):
        merkle.Frontier.resume(size, peaks)


def leaves_of(size):
    return [merkle.leaf_hash(b"%d" % number) for number in range(size)]


@given(st.integers(1, 90), st.data())
def test_every_leaf_is_proved_and_nothing_else(size, data):
    leaves = leaves_of(size)
    index = data.draw(st.integers(0, size - 1))
    proof = merkle.inclusion_proof(leaves, index)
    known = {"index": index, "size": size, "root": definition(leaves)}
    assert merkle.verify_inclusion(leaf=leaves[index], proof=proof, **known)
    assert not merkle.verify_inclusion(leaf=merkle.leaf_hash(b"mallory"), proof=proof, **known)
    assert not merkle.verify_inclusion(leaf=leaves[index], proof=[*proof, proof[-1] if proof else b""], **known)
    assert not merkle.verify_inclusion(leaf=leaves[index], proof=proof, **{**known, "root": merkle.EMPTY_ROOT})
    for broken in range(len(proof)):
        swapped = [merkle.EMPTY_ROOT if at == broken else node for at, node in enumerate(proof)]
        assert not merkle.verify_inclusion(leaf=leaves[index], proof=swapped, **known)
        assert not merkle.verify_inclusion(leaf=leaves[index], proof=proof[:broken] + proof[broken + 1 :], **known)
    other = data.draw(st.integers(-1, size).filter(lambda number: number != index))
    assert not merkle.verify_inclusion(leaf=leaves[index], proof=proof, **{**known, "index": other})


@given(st.integers(1, 90), st.data())
def test_every_prefix_is_proved_consistent_and_nothing_else(new, data):
    leaves = leaves_of(new)
    old = data.draw(st.integers(1, new))
    proof = merkle.consistency_proof(leaves, old)
    known = {"old_size": old, "new_size": new}
    roots = {"old_root": definition(leaves[:old]), "new_root": definition(leaves)}
    assert merkle.verify_consistency(proof=proof, **known, **roots)
    assert not merkle.verify_consistency(proof=[*proof, merkle.EMPTY_ROOT], **known, **roots)
    for end in ("old_root", "new_root"):
        assert not merkle.verify_consistency(proof=proof, **known, **{**roots, end: merkle.EMPTY_ROOT})
    for broken in range(len(proof)):
        swapped = [merkle.EMPTY_ROOT if at == broken else node for at, node in enumerate(proof)]
        assert not merkle.verify_consistency(proof=swapped, **known, **roots)
        assert not merkle.verify_consistency(proof=proof[:broken], **known, **roots)


def test_a_forked_history_has_no_consistency_proof():
    ours, theirs = leaves_of(9), leaves_of(9)
    theirs[2] = merkle.leaf_hash(b"mallory")
    for proof in (merkle.consistency_proof(ours, 5), merkle.consistency_proof(theirs, 5)):
        assert not merkle.verify_consistency(
            old_size=5, old_root=definition(ours[:5]), new_size=9, new_root=definition(theirs), proof=proof
        )


@pytest.mark.parametrize(("old", "new"), [(0, 3), (4, 3), (-1, 3)])
def test_no_proof_goes_back_in_time(old, new):
    leaves = leaves_of(3)
    with pytest.raises(IndexError):
        merkle.consistency_proof(leaves, old)
    assert not merkle.verify_consistency(
        old_size=old, old_root=definition(leaves), new_size=new, new_root=definition(leaves), proof=[]
    )


@pytest.mark.parametrize("index", [-1, 3])
def test_a_leaf_that_is_not_there_has_no_proof(index):
    with pytest.raises(IndexError):
        merkle.inclusion_proof(leaves_of(3), index)
