"""Shapley values and interaction values by their definition, over all subsets: exact for any game of few players. Pure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MOST_PLAYERS = 16


def shapley_values(game: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """What each player brings on average over all orders in which players may come.

    With n players, N the set of all, and v(S) the worth of the players S,

        phi_i = sum over S in N without i of  |S|! (n - |S| - 1)! / n! * (v(S with i) - v(S)).

    They are the only values that are additive (their sum is v(N) - v(nobody)), symmetric, linear in v, and 0 for a player
    who never changes anything. Source: L. S. Shapley, "A value for n-person games", 1953; for models: E. Štrumbelj and
    I. Kononenko, "An efficient explanation of individual classifications using game theory", JMLR 11, 2010.

    Parameters
    ----------
    game
        (..., 2**n) float64: v(S) at the place whose binary digits say who is in S, player 0 the lowest digit.

    Returns
    -------
    array
        (..., n) float64.

    Raises
    ------
    ValueError
        If the last axis is no power of two, or there are more than 16 players.
    """
    n = players_of(game)
    members, sizes = np.arange(game.shape[-1]), coalition_sizes(n)
    weights = [math.factorial(size) * math.factorial(n - size - 1) / math.factorial(n) for size in range(n)]
    values = np.zeros((*game.shape[:-1], n))
    for player in range(n):
        without = members[(members >> player) & 1 == 0]
        gain = game[..., without | (1 << player)] - game[..., without]
        values[..., player] = gain @ np.asarray(weights)[sizes[without]]
    return values


def interaction_values(game: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """How much of two players' worth comes of their being there together, halved; on the diagonal what is left of each.

    For i other than j, with S running over the sets without both,

        phi_ij = sum of  |S|! (n - |S| - 2)! / (2 (n - 1)!) * (v(S with i, j) - v(S with i) - v(S with j) + v(S)),
        phi_ii = phi_i - sum over j other than i of phi_ij,

    so that rows sum to the Shapley values and everything to v(N) - v(nobody). It is half of the interaction index of
    M. Grabisch and M. Roubens, "An axiomatic approach to the concept of interaction among players in cooperative games",
    1999, shared by both places as in S. Lundberg et al., "From local explanations to global understanding", 2020.

    Parameters
    ----------
    game
        As for :func:`shapley_values`.

    Returns
    -------
    array
        (..., n, n) float64, symmetric.
    """
    n = players_of(game)
    members, sizes = np.arange(game.shape[-1]), coalition_sizes(n)
    result = np.zeros((*game.shape[:-1], n, n))
    for first in range(n):
        for second in range(first + 1, n):
            one, other = 1 << first, 1 << second
            without = members[(members & (one | other)) == 0]
            gain = (
                game[..., without | one | other]
                - game[..., without | one]
                - game[..., without | other]
                + game[..., without]
            )
            weights = [
                math.factorial(s) * math.factorial(n - s - 2) / (2 * math.factorial(n - 1)) for s in range(n - 1)
            ]
            result[..., first, second] = result[..., second, first] = gain @ np.asarray(weights)[sizes[without]]
    diagonal = np.arange(n)
    result[..., diagonal, diagonal] = shapley_values(game) - result.sum(axis=-1)
    return result


def players_of(game: np.ndarray[Any, Any]) -> int:
    """How many players a game of that many worths has."""
    n = int(game.shape[-1]).bit_length() - 1
    if game.shape[-1] != 1 << n:
        raise ValueError(f"a game of n players has 2**n worths, not {game.shape[-1]}")
    if n > MOST_PLAYERS:
        raise ValueError(f"all subsets of {n} players are too many: at most {MOST_PLAYERS}")
    return n


def coalition_sizes(n: int) -> np.ndarray[Any, Any]:
    """How many players each of the 2**n sets has."""
    members = np.arange(1 << n)
    return sum(((members >> player) & 1 for player in range(n)), np.zeros(1 << n, dtype=np.int64))
