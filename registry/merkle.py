"""The Merkle tree of RFC 6962: roots, proofs and a frontier that grows by one leaf at a time. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

EMPTY_ROOT = hashlib.sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Hash of one leaf: ``SHA-256(0x00 || data)``, 32 bytes (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node: ``SHA-256(0x01 || left || right)``, 32 bytes (RFC 6962, section 2.1)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """The right edge of a growing tree: enough to append leaves and know the root, in ``O(log n)`` memory.

    Attributes
    ----------
    size
        Leaves so far.
    peaks
        Roots of the perfect subtrees that the leaves fall into, the largest (leftmost) first; there is one for
        every 1 in the binary form of ``size``.
    """

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self.peaks: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    @classmethod
    def resume(cls, size: int, peaks: bytes) -> Frontier:
        """The frontier of a tree of ``size`` leaves, from its peaks as :meth:`packed` wrote them.

        Raises
        ------
        ValueError
            If a tree of that size cannot have these peaks.
        """
        frontier = cls()
        frontier.size = size
        frontier.peaks = [peaks[start : start + 32] for start in range(0, len(peaks), 32)]
        if size < 0 or len(peaks) != 32 * size.bit_count():
            raise ValueError(f"a tree of {size} leaves does not have {len(peaks)} bytes of peaks")
        return frontier

    def packed(self) -> bytes:
        """The peaks in one string of bytes, 32 each."""
        return b"".join(self.peaks)

    def append(self, leaf: bytes) -> None:
        """Add one leaf, given as its :func:`leaf_hash`."""
        merging = self.size
        while merging & 1:
            leaf = node_hash(self.peaks.pop(), leaf)
            merging >>= 1
        self.peaks.append(leaf)
        self.size += 1

    def root(self) -> bytes:
        """The Merkle tree hash of all leaves so far (RFC 6962, section 2.1)."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def root(leaves: Iterable[bytes]) -> bytes:
    """The Merkle tree hash of ``leaves``, given as leaf hashes in order."""
    return Frontier(leaves).root()


def _split(size: int) -> int:
    """The largest power of two smaller than ``size`` (``size`` > 1): where RFC 6962 divides a tree."""
    return 1 << ((size - 1).bit_length() - 1)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The audit path from leaf ``index`` to the root, nearest sibling first (RFC 6962, section 2.1.1).

    Raises
    ------
    IndexError
        If there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(f"leaf {index} is not in a tree of {len(leaves)}")
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    if index < middle:
        return [*inclusion_proof(leaves[:middle], index), root(leaves[middle:])]
    return [*inclusion_proof(leaves[middle:], index - middle), root(leaves[:middle])]


def consistency_proof(leaves: Sequence[bytes], old_size: int) -> list[bytes]:
    """Proof that the tree of the first ``old_size`` leaves is a prefix of this one (RFC 6962, section 2.1.2).

    Raises
    ------
    IndexError
        If ``old_size`` is not between 1 and the number of leaves.
    """
    if not 1 <= old_size <= len(leaves):
        raise IndexError(f"no tree of {old_size} within a tree of {len(leaves)}")
    return _subproof(leaves, old_size, complete=True)


def _subproof(leaves: Sequence[bytes], old_size: int, *, complete: bool) -> list[bytes]:
    if old_size == len(leaves):
        return [] if complete else [root(leaves)]
    middle = _split(len(leaves))
    if old_size <= middle:
        return [*_subproof(leaves[:middle], old_size, complete=complete), root(leaves[middle:])]
    return [*_subproof(leaves[middle:], old_size - middle, complete=False), root(leaves[:middle])]


def verify_inclusion(*, leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether ``proof`` leads from the leaf hash at ``index`` to the root of a tree of ``size`` leaves.

    The steps are those of RFC 9162, section 2.1.3.2. False on anything malformed; never raises.
    """
    if not 0 <= index < size:
        return False
    position, last, node = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            node = node_hash(sibling, node)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and node == root


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether ``proof`` shows that the tree of ``old_size`` leaves is a prefix of the tree of ``new_size``.

    The steps are those of RFC 9162, section 2.1.4.2. False on anything malformed; never raises.
    """
    if not 0 < old_size <= new_size:
        return False
    if old_size == new_size:
        return not proof and old_root == new_root
    if not proof:
        return False
    nodes = list(proof)
    if old_size & (old_size - 1) == 0:
        nodes.insert(0, old_root)
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = nodes[0]
    for sibling in nodes[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node_hash(sibling, old), node_hash(sibling, new)
            while not position & 1 and position:
                position, last = position >> 1, last >> 1
        else:
            new = node_hash(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root
