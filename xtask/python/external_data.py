#!/usr/bin/env python3
"""Writes the fixture whose weights are in a file of their own (ONNX external data).

    external_data.py [OUTDIR]           (default: tests/data of this repository)

Writes OUTDIR/external_data/model.onnx and weights.bin: a convolution and a linear layer, every initializer at its own
offset. `oracle.py` then adds inputs and reference outputs.
"""

import argparse
from pathlib import Path

import onnx

from graph_builder import GraphBuilder


def network():
    """`image` [N,3,8,8] to `scores` [N,5]."""
    g = GraphBuilder("external_data", seed=21)
    x = g.input("image", ["N", 3, 8, 8])
    x = g.op("Relu", g.conv(x, 3, 4, stride=2))
    x = g.op("Flatten", x, axis=1)
    g.op("Gemm", x, g.weight((5, 64)), g.bias((5,)), out="scores", transB=1)
    g.output("scores", ["N", 5])
    return g.model()


def main():
    repository = Path(__file__).resolve().parents[2]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path, nargs="?", default=repository / "tests" / "data")
    folder = parser.parse_args().outdir / "external_data"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "weights.bin").unlink(missing_ok=True)
    onnx.save_model(
        network(),
        folder / "model.onnx",
        save_as_external_data=True,
        all_tensors_to_one_file=True,
        location="weights.bin",
        size_threshold=0,
    )
    print(f"{folder}: {sum(path.stat().st_size for path in folder.iterdir() if path.is_file())} bytes")


if __name__ == "__main__":
    main()
