"""The options of every kind of evaluation that runs a model: how it is asked. Pure of Django."""

from __future__ import annotations

import argparse
from typing import Any

from audits.kinds.prediction_inputs import names


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Add how the model is asked: what the manifest says under ``execution``, and ``schema`` of features and classes."""
    parser.add_argument(
        "--inputs", required=True, type=names, metavar="A,B", help="columns that the model reads, in its order"
    )
    parser.add_argument("--threshold", type=float, metavar="X", help="decide for the positive class from this score on")
    parser.add_argument("--output", default="", metavar="NAME", help="output that holds the score")
    parser.add_argument(
        "--classes", type=names, default=[], metavar="A,B", help="classes in the order of the score's columns"
    )
    parser.add_argument("--architecture", default="", metavar="NAME", help="known architecture that reads the weights")


def model_of(args: argparse.Namespace) -> dict[str, Any]:
    """The interface that parsed options mean, as JSON; ``--positive`` and ``--task`` count where the kind has them."""
    return {
        "inputs": args.inputs,
        "output": args.output,
        "classes": args.classes,
        "threshold": args.threshold,
        "architecture": args.architecture,
        "positive": getattr(args, "positive", None) or "",
        "task": getattr(args, "task", None) or "binary",
    }
