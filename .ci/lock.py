"""Write constraints*.txt: every version that `make` installs, with the hashes of all files that it may come as.

``make lock`` keeps the versions there are and adds what pyproject.toml asks for; ``make lock ARGS=--upgrade`` takes the
newest, ``make lock ARGS='--upgrade-package NAME'`` one. The files hold for every platform and Python from 3.11 on.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCKS = {"constraints.txt": ("all", "dev"), "constraints-demo.txt": ("demo",)}
CUDA, CPU = "constraints-cuda.txt", "constraints-cpu.txt"
HEADS = {
    "constraints.txt": "What make installs, by hash, for the tests: see .ci/lock.py. Written by: make lock",
    "constraints-demo.txt": "The part of constraints.txt that make demo needs. Written by: make lock",
    CPU: "torch for CPUs, where a folder or an index that pip is told of has it. Written by: make lock",
    CUDA: "What torch's CUDA build for Linux needs beside constraints.txt. Written by: make lock",
}
_OF_CUDA = re.compile(r"(nvidia|cuda)-|triton==")
_ENTRY = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
# torch's builds for CPUs are not in the package index: as 2.13.0+cpu they satisfy 2.13.0 and need no CUDA libraries.
_TORCH_FOR_CPUS = {
    "torch==2.13.0": {
        "cp311-manylinux_2_28_x86_64": "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
        "cp312-manylinux_2_28_x86_64": "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
        "cp313-manylinux_2_28_x86_64": "3fbf9c9d1f3c10c2d59d04aca426dee9ccc6ceb32d255c61e93acc3b4f75fae6",
        "cp311-manylinux_2_28_aarch64": "84453b69508ec79902f899c5ed9495acb9e2bbe9fda5f1d5d6f19e3c3842e1a7",
        "cp312-manylinux_2_28_aarch64": "6f307c2c32d764ffc6ff6893b801fad6d4752f3e67966cb8abf1843427c02604",
        "cp313-manylinux_2_28_aarch64": "0b8f7d0423027ae8b90c7977c627f3379f325363a08224dffad9b4b2d684a83d",
        "cp311-win_amd64": "10717d8b3b67c45a4788bf7ffc0bab1ea1e5ebbedd24466be6100102d141fac1",
        "cp312-win_amd64": "a8b450c1e58e5800e5b4691dac412f8d2d65a1dc3298166f91596603a3531e6f",
        "cp313-win_amd64": "a17ff48608634db245e17e8bb00a9558554a49aeb1e4f5fe6cd039af2a10515b",
    },
}


def main() -> None:
    """Resolve each set of extras with uv, and write its file; CUDA's libraries go into one of their own."""
    arguments, cuda = sys.argv[1:], dict[str, str]()
    for name, extras in LOCKS.items():
        entries = _resolved(extras, arguments)
        cuda |= {key: entries.pop(key) for key in list(entries) if _OF_CUDA.match(key)}
        _write(name, entries)
        arguments = []  # of what was upgraded in the first file, the second is a part
    _write(CUDA, cuda)
    _write(CPU, {f"{key}+cpu": f"{key}+cpu{_hashes(builds)}" for key, builds in _TORCH_FOR_CPUS.items()})


def _resolved(extras: tuple[str, ...], arguments: list[str]) -> dict[str, str]:
    """Return the entries of a lock by ``name==version``; the versions that there are are kept."""
    build = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["build-system"]["requires"]
    with tempfile.TemporaryDirectory() as folder:
        extra, output = Path(folder) / "build.in", Path(folder) / "lock.txt"
        extra.write_text("\n".join(build), encoding="utf-8")
        output.write_text(_text(ROOT / "constraints.txt") + _text(ROOT / CUDA), encoding="utf-8")
        command = [
            *("uv", "pip", "compile", "pyproject.toml", str(extra), "--universal", "--python-version", "3.11"),
            *("--generate-hashes", "--no-header", "--no-annotate", "--quiet", "--output-file", str(output)),
            *(part for name in extras for part in ("--extra", name)),
        ]
        subprocess.run([sys.executable, "-m", *command, *arguments], cwd=ROOT, check=True)
        text = output.read_text(encoding="utf-8")
    return {entry.split()[0]: entry.rstrip() for entry in _ENTRY.split(text) if entry.strip()}


def _write(name: str, entries: dict[str, str]) -> None:
    for key, builds in _TORCH_FOR_CPUS.items():
        if key in entries:
            known = {label: value for label, value in builds.items() if value not in entries[key]}
            entries[key] += _hashes(known)
    text = "".join(f"{entry}\n" for _, entry in sorted(entries.items()))
    (ROOT / name).write_text(f"# {HEADS[name]}\n{text}", encoding="utf-8")


def _hashes(builds: dict[str, str]) -> str:
    return "".join(f" \\\n    --hash=sha256:{value}" for value in sorted(builds.values()))


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


if __name__ == "__main__":
    main()
