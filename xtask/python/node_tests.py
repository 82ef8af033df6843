#!/usr/bin/env python3
"""Writes the onnx package's node tests as files.

    node_tests.py OUTDIR

The package computes its node tests in Python; this writes OUTDIR/<test>/model.onnx and
OUTDIR/<test>/test_data_set_<i>/{input,output}_<j>.pb (TensorProto, SequenceProto or OptionalProto, named as in the
model), and OUTDIR/tolerances.json: {test: [relative, absolute]}. A folder with a complete set of the same onnx version
is left alone.
"""

import argparse
import json
import warnings
from pathlib import Path

import onnx
from onnx import TensorProto, numpy_helper

STAMP = "version.txt"


def value_proto(value, info):
    """One input or output value as the protobuf message that its declared type asks for."""
    if isinstance(value, TensorProto):
        return value
    kind = info.type.WhichOneof("value")
    if kind == "sequence_type":
        return numpy_helper.from_list(value, info.name)
    if kind == "optional_type":
        return numpy_helper.from_optional(value, info.name)
    if kind == "map_type":
        return numpy_helper.from_dict(value, info.name)
    return numpy_helper.from_array(value, info.name)


def write_case(case, folder):
    """Writes one test: its model and its data sets."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    for number, (inputs, outputs) in enumerate(case.data_sets):
        data = folder / f"test_data_set_{number}"
        data.mkdir(exist_ok=True)
        sides = (("input", inputs, case.model.graph.input), ("output", outputs, case.model.graph.output))
        for side, values, infos in sides:
            for index, (value, info) in enumerate(zip(values, infos)):
                (data / f"{side}_{index}.pb").write_bytes(value_proto(value, info).SerializeToString())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    folder = parser.parse_args().outdir
    stamp = folder / STAMP
    if stamp.is_file() and stamp.read_text() == onnx.__version__:
        print("already there")
        return
    # The tests' own NumPy code divides by zero and overflows on purpose.
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

    cases = collect_testcases()
    for case in cases:
        write_case(case, folder / case.name)
    tolerances = {case.name: [case.rtol, case.atol] for case in cases}
    (folder / "tolerances.json").write_text(json.dumps(tolerances, indent=0, sort_keys=True) + "\n")
    stamp.write_text(onnx.__version__)
    print(f"{len(cases)} tests in {folder}")


if __name__ == "__main__":
    main()
