#!/usr/bin/env python3
"""Computes reference outputs with ONNX Runtime, its graph optimizations disabled, on one thread.

    oracle.py OUTDIR [--models DIR] [--group core,fixture,later] [--only NAME,...]
    oracle.py tests/data --group fixture          renews the checked-in cases of the fixtures

DIR is the folder `fetch.py models` filled (TARGETDIR/models). Writes, for every model of oracle_models.py,
    OUTDIR/<model>/model.onnx                        the model (a hard link where it comes from DIR), and
                                                     weights.bin beside it where its weights are external
    OUTDIR/<model>/<case>/inputs/<tensor>.npy        and outputs/<tensor>.npy
    OUTDIR/<model>/dictionary.json                   characters by class index, where the answer is text
    OUTDIR/<model>/labels.json                       class names, where the package has them
    OUTDIR/manifest.json                             what there is; every path in it is relative to OUTDIR

A run of all models is skipped where the manifest's "fingerprint" (sources, models, versions) is the present one.

manifest.json: {"schema": 1, "onnxruntime": version, "fingerprint": digest or null, "models": [{
    "name", "group": "core" | "fixture" | "later", "model": path, "note",
    "tolerance": largest allowed error of a floating-point output, relative to its "scale",
    "inputs": [{"name", "dtype", "dims" (-1 = dynamic), "min", "opt", "max"}],     the profile
    "outputs": [{"name", "dtype", "dims"}],
    "dictionary": path or null, "labels": path or null,
    "cases": [{
        "name",
        "inputs": [{"name", "dtype", "shape", "file"}],
        "outputs": [{"name", "dtype", "shape", "file", "min", "max", "scale", "parts"}],
        "decision": null
            or {"kind": "argmax", "output", "classes": [index a row of the last axis, flattened], "margin"}
            or {"kind": "ctc", "output", "texts": [a text a batch item], "margin"},
        "truth": [true classes] or null }]}]}
"scale" is max - min, or the largest absolute value where all values are equal. "parts", where there, splits an output
that mixes quantities: [{"axis", "start", "stop", "scale"}], each to be held to its own scale. Outputs of integers agree
exactly.
"margin" is the smallest distance, in any row, between the largest and the second largest value.
CTC texts are decoded greedily: the largest class of each step, repeats merged, class 0 dropped, the rest looked up in
the dictionary.

A tensor's name becomes a file name by writing every character but letters, digits, '_' and '-' as %XX.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import PIL

from gen_models import write_model
from oracle_models import all_models

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
GROUPS = ("core", "fixture", "later")
TOLERANCE = 1e-4
NUMPY_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
    "tensor(int32)": "int32",
    "tensor(int8)": "int8",
    "tensor(uint8)": "uint8",
    "tensor(bool)": "bool",
}


def file_name(tensor):
    """A tensor's file name."""
    return re.sub(r"[^A-Za-z0-9_-]", lambda match: "".join(f"%{b:02X}" for b in match[0].encode()), tensor) + ".npy"


def dims(value):
    """A value's declared dimensions, -1 where dynamic."""
    return [size if isinstance(size, int) and size >= 0 else -1 for size in value.shape]


def place_model(model, folder, packages):
    """Puts the model at folder/model.onnx; returns that path."""
    path = folder / "model.onnx"
    if model.source[0] == "generated":
        write_model(folder, *model.source[1:]).replace(path)
        return path
    root = packages if model.source[0] == "package" else REPOSITORY
    source = root / model.source[1]
    if not source.is_file():
        raise SystemExit(f"{model.name}: no {source} (run fetch.py models first?)")
    if path.exists() and path.samefile(source):
        return path
    path.unlink(missing_ok=True)
    if model.source[0] == "package":
        try:
            os.link(source, path)
            return path
        except OSError:
            pass  # another file system: copied below
    shutil.copyfile(source, path)
    weights = source.with_name("weights.bin")
    if weights.is_file():
        shutil.copyfile(weights, path.with_name("weights.bin"))
    return path


def reference_session(path):
    """ONNX Runtime that runs the graph as it is written."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def check_profile(model, case, inputs):
    """Stops at a case outside its profile: that would be a mistake in the list."""
    if set(inputs) != set(model.profile):
        raise SystemExit(f"{model.name}/{case}: inputs {sorted(inputs)}, profile {sorted(model.profile)}")
    for name, array in inputs.items():
        low, _, high = model.profile[name]
        inside = len(array.shape) == len(low) and all(a <= s <= b for a, s, b in zip(low, array.shape, high))
        if not inside:
            raise SystemExit(f"{model.name}/{case}: {name} {array.shape} is outside {low}..{high}")


def scale_of(values):
    """What an error of these values is measured against."""
    low, high = float(values.min()), float(values.max())
    return high - low or max(abs(low), abs(high))


def describe_parts(model, name, values):
    """The manifest's parts of one output; None where it is all one quantity."""
    parts = []
    for axis, start, stop in model.parts.get(name, []):
        chosen = np.take(values, np.arange(start, stop), axis)
        parts.append({"axis": axis, "start": start, "stop": stop, "scale": scale_of(chosen)})
    return parts or None


def save_tensors(root, folder, tensors):
    """Writes arrays under `folder`; returns their manifest entries."""
    folder.mkdir(parents=True, exist_ok=True)
    entries = []
    for name, array in tensors.items():
        path = folder / file_name(name)
        np.save(path, np.asarray(array, order="C"))
        entry = {"name": name, "dtype": array.dtype.name, "shape": list(array.shape)}
        entries.append({**entry, "file": path.relative_to(root).as_posix()})
    return entries


def ctc_text(steps, dictionary):
    """Greedy CTC decoding of one [T, classes] output."""
    best = steps.argmax(-1)
    kept = [index for step, index in enumerate(best) if index and (step == 0 or index != best[step - 1])]
    return "".join(dictionary[index] for index in kept)


def decide(model, outputs, dictionary):
    """The manifest's entry for the answer the outputs stand for."""
    if model.decision is None:
        return None
    kind, name = model.decision
    values = outputs[name]
    top = np.sort(values, axis=-1)
    decision = {"kind": kind, "output": name, "margin": float((top[..., -1] - top[..., -2]).min())}
    if kind == "ctc":
        decision["texts"] = [ctc_text(item, dictionary) for item in values]
    else:
        decision["classes"] = values.argmax(-1).ravel().tolist()
    return decision


def write_dictionary(session, path):
    """The character of every class, from the model's own metadata: blank, the characters, space."""
    characters = session.get_modelmeta().custom_metadata_map["character"].splitlines()
    dictionary = ["", *characters, " "]
    path.write_text(json.dumps(dictionary, ensure_ascii=False) + "\n", encoding="utf-8")
    return dictionary


def run_model(model, root, packages):
    """Runs one model's cases; returns its manifest entry."""
    folder = root / model.name
    folder.mkdir(parents=True, exist_ok=True)
    path = place_model(model, folder, packages)
    session = reference_session(path)
    dictionary, extra = None, {"dictionary": None, "labels": None}
    if model.decision and model.decision[0] == "ctc":
        dictionary = write_dictionary(session, folder / "dictionary.json")
        extra["dictionary"] = f"{model.name}/dictionary.json"
    if model.name == "magika":
        labels = json.loads((packages / "magika.json").read_text())["target_labels_space"]
        (folder / "labels.json").write_text(json.dumps(labels) + "\n")
        extra["labels"] = f"{model.name}/labels.json"
    cases = []
    for case, make_inputs in model.cases.items():
        inputs = make_inputs()
        check_profile(model, case, inputs)
        names = [output.name for output in session.get_outputs()]
        outputs = dict(zip(names, session.run(names, inputs)))
        entry = {"name": case}
        entry["inputs"] = save_tensors(root, folder / case / "inputs", inputs)
        entry["outputs"] = save_tensors(root, folder / case / "outputs", outputs)
        for output in entry["outputs"]:
            values = outputs[output["name"]]
            if not np.isfinite(values).all():
                raise SystemExit(f"{model.name}/{case}: {output['name']} is not finite")
            output["min"], output["max"] = float(values.min()), float(values.max())
            output["scale"] = scale_of(values)
            output["parts"] = describe_parts(model, output["name"], values)
        entry["decision"] = decide(model, outputs, dictionary)
        entry["truth"] = model.labels.get(case)
        cases.append(entry)
    inputs = []
    for value in session.get_inputs():
        low, best, high = model.profile[value.name]
        entry = {"name": value.name, "dtype": NUMPY_TYPES[value.type], "dims": dims(value)}
        inputs.append({**entry, "min": list(low), "opt": list(best), "max": list(high)})
    return {
        "name": model.name,
        "group": model.group,
        "model": path.relative_to(root).as_posix(),
        "note": model.note,
        "tolerance": TOLERANCE,
        "inputs": inputs,
        "outputs": [
            {"name": value.name, "dtype": NUMPY_TYPES[value.type], "dims": dims(value)}
            for value in session.get_outputs()
        ],
        **extra,
        "cases": cases,
    }


def fingerprint(models, packages):
    """A digest of everything the results depend on."""
    hasher = hashlib.sha256()
    for package in (np, onnx, onnxruntime, PIL):
        hasher.update(f"{package.__name__} {package.__version__}\n".encode())
    sources = sorted(HERE.glob("*.py"))
    for model in models:
        if model.source[0] != "generated":
            sources.append((packages if model.source[0] == "package" else REPOSITORY) / model.source[1])
    for path in [*sources, *sorted((REPOSITORY / "examples" / "data").glob("heldout.*"))]:
        hasher.update(f"{path.name} ".encode() + (path.read_bytes() if path.is_file() else b"missing"))
    hasher.update(" ".join(model.name for model in models).encode())
    return hasher.hexdigest()


def is_complete(manifest, expected, root):
    """Whether the manifest is of this fingerprint and every file it names is there."""
    try:
        document = json.loads(manifest.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    if document.get("fingerprint") != expected:
        return False
    paths = [entry[key] for entry in document["models"] for key in ("model", "dictionary", "labels")]
    for entry in document["models"]:
        for case in entry["cases"]:
            paths += [tensor["file"] for tensor in case["inputs"] + case["outputs"]]
    return all((root / path).is_file() for path in paths if path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("outdir", type=Path)
    parser.add_argument("--models", type=Path, default=REPOSITORY / "target" / "models")
    parser.add_argument("--group", default=",".join(GROUPS))
    parser.add_argument("--only", help="comma-separated models; the manifest keeps the others' entries")
    arguments = parser.parse_args()
    root = arguments.outdir.resolve()
    groups = arguments.group.split(",")
    chosen = [model for model in all_models() if model.group in groups]
    if arguments.only:
        names = arguments.only.split(",")
        unknown = set(names) - {model.name for model in chosen}
        if unknown:
            parser.error(f"unknown models: {', '.join(sorted(unknown))}")
        chosen = [model for model in chosen if model.name in names]
    packages = arguments.models.resolve()
    manifest = root / "manifest.json"
    mark = fingerprint(chosen, packages) if len(chosen) == len(all_models()) else None
    if mark and is_complete(manifest, mark, root):
        print("already there")
        return
    kept = {}
    if arguments.only and manifest.is_file():
        kept = {entry["name"]: entry for entry in json.loads(manifest.read_text())["models"]}
    for model in chosen:
        kept[model.name] = run_model(model, root, packages)
        for case in kept[model.name]["cases"]:
            shapes = ", ".join(f"{tensor['name']} {tensor['shape']}" for tensor in case["inputs"])
            decision = case["decision"] or {}
            answer = decision.get("texts") or decision.get("classes") or ""
            print(f"{model.name}/{case['name']}: {shapes} {str(answer)[:70]}", flush=True)
    order = [model.name for model in all_models()]
    entries = sorted(kept.values(), key=lambda entry: order.index(entry["name"]))
    document = {"schema": 1, "onnxruntime": onnxruntime.__version__, "fingerprint": mark, "models": entries}
    manifest.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
