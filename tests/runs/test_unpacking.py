"""Bundles from strangers: whatever is wrong with one is said in a sentence, and nothing of it is used."""

import hashlib
import io
import json
import stat
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import HarnessError, InputError
from harness.runs.load import load_run
from harness.runs.unpacking import unpacked
from tests.conftest import RunCli


def bundle(files: Mapping[str, bytes], *, run: str = "r", listed: Mapping[str, bytes] | None = None) -> bytes:
    """Return a zip of these files in folder ``r``, with a list that says ``listed`` (the files themselves) of them."""
    members = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        for name, data in (files if listed is None else listed).items()
    }
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("r/bundle.json", json.dumps({"schema": 1, "run": run, "members": members}))
        for name, content in files.items():
            archive.writestr(f"r/{name}", content)
    return data.getvalue()


def with_member(name: str, *, mode: int = stat.S_IFREG, pack: int = zipfile.ZIP_STORED) -> bytes:
    """Return a bundle with one more member of this full name."""
    data = io.BytesIO(bundle({"manifest.json": b"{}"}))
    with zipfile.ZipFile(data, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (mode | 0o644) << 16
        entry.compress_type = pack
        archive.writestr(entry, b"x")
    return data.getvalue()


def plain_zip() -> bytes:
    """Return a zip that is no bundle."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("r/readme.txt", "hello")
    return data.getvalue()


EMPTY = {"manifest.json": b"{}"}
DAMAGED: dict[str, tuple[Callable[[], bytes], str]] = {
    "no zip": (lambda: b"PK\x03\x04 nothing", "is no whole zip file"),
    "empty": (lambda: b"", "is no whole zip file"),
    "cut": (lambda: bundle({"manifest.json": b"{}" * 999})[:-40], "is no whole zip file"),
    "another zip": (plain_zip, "is no bundle of a run: bundle.json is missing"),
    "no manifest": (lambda: bundle({"a": b"1"}), "'manifest.json' is missing"),
    "changed": (lambda: bundle(EMPTY, listed={"manifest.json": b"[]"}), "is not what was written"),
    "longer": (
        lambda: bundle({"manifest.json": b"{}" * 9}, listed=EMPTY),
        "is not what was written",
    ),
    "member gone": (
        lambda: bundle(EMPTY, listed=EMPTY | {"b": b""}),
        "'b' is missing",
    ),
    "not listed": (
        lambda: bundle(EMPTY | {"c": b""}, listed=EMPTY),
        "'c' is not listed",
    ),
    "above": (lambda: with_member("r/../../evil"), "'r/../../evil' is no name of a run's file"),
    "absolute": (lambda: with_member("/r/evil"), "is no name of a run's file"),
    "backslash": (lambda: with_member("r/..\\evil"), "is no name of a run's file"),
    "drive": (lambda: with_member("r/C:evil"), "is no name of a run's file"),
    "control character": (lambda: with_member("r/a\nb"), "is no name of a run's file"),
    "deep": (lambda: with_member("r/a/b/c"), "is no name of a run's file"),
    "link": (lambda: with_member("r/link", mode=stat.S_IFLNK), "'r/link' is no plain file"),
    "odd packing": (lambda: with_member("r/lzma", pack=zipfile.ZIP_LZMA), "'r/lzma' is no plain file"),
    "twice": (lambda: with_member("r/MANIFEST.json"), "'r/MANIFEST.json' is there twice"),
    "two folders": (lambda: with_member("s/a"), "it holds more than one folder"),
}


@pytest.mark.parametrize("case", DAMAGED)
def test_what_is_wrong_is_said(workplace: Path, case: str) -> None:
    """With the file's name and what to do; nothing is written outside, or left behind."""
    make, message = DAMAGED[case]
    Path("b.zip").write_bytes(make())
    with pytest.raises(InputError) as caught, unpacked("b.zip"):
        pytest.fail("it was taken")
    assert caught.value.message.startswith("b.zip: "), caught.value.message
    assert message in caught.value.message
    assert "harness export RUN --bundle FILE.zip" in str(caught.value.hint)
    assert ["b.zip"] == [path.name for path in workplace.iterdir()]


def test_a_bundle_of_zeros_is_refused_by_its_size(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it is unpacked; one that lies about its size is cut off there."""
    monkeypatch.setenv("HARNESS_MAX_FILE_MB", "1")
    Path("b.zip").write_bytes(bundle({"manifest.json": b"{}", "z": bytes(5_000_000)}))
    with (
        pytest.raises(InputError, match=r"larger than 4,000,000 bytes once unpacked \(5,000,") as caught,
        unpacked("b.zip"),
    ):
        pytest.fail("it was taken")
    assert "HARNESS_MAX_FILE_MB=4000" in str(caught.value.hint)


@pytest.mark.parametrize("name", ["..", ".", "", "a/b", "x\0y"])
def test_the_run_s_name_makes_no_path(workplace: Path, name: str) -> None:
    """A name that is no folder's is not used as one."""
    Path("b.zip").write_bytes(bundle({"manifest.json": b"{}"}, run=name))
    with unpacked("b.zip") as path:
        assert "run" == path.name
        assert b"{}" == (path / "manifest.json").read_bytes()
    assert not path.exists()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a real bundle."""
    import harness

    folder = tmp_path_factory.mktemp("bundle")
    run = harness.evaluate(
        models=["echo"], tasks=["bundled:ja-mini"], judges=["rules"], limit=2, store=str(folder / "s.sqlite")
    )
    return harness.export(run, folder / "b.zip").read_bytes()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_flipped_byte_is_harmless_or_said(tmp_path: Path, whole: bytes, data: st.DataObject) -> None:
    """A run that is as it was, or a sentence: never another number, never a traceback."""
    place = data.draw(st.integers(0, len(whole) - 1))
    path = tmp_path / "b.zip"
    path.write_bytes(whole)
    mean = [row.mean for row in load_run(str(path)).leaderboard().rows]
    flipped = bytearray(whole)
    flipped[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(flipped))
    message = ""
    try:
        assert mean == [row.mean for row in load_run(str(path)).leaderboard().rows]
    except HarnessError as error:
        message = error.message
    assert not message or "b.zip" in message


def test_a_store_that_a_stranger_names_is_not_opened(run_cli: RunCli, task_file: Path) -> None:
    """The rows of a bundle are those in it, whatever store its manifest names."""
    run = ["eval", "--run", "r", "--task", "five=five.jsonl", "--model", "echo", "--judge", "rules"]
    assert 0 == run_cli(*run).code
    assert 0 == run_cli("export", "r", "--bundle", "r.zip").code
    with zipfile.ZipFile("r.zip") as archive:
        files = {name.removeprefix("r/"): archive.read(name) for name in archive.namelist()}
    manifest = json.loads(files["manifest.json"])
    files["manifest.json"] = json.dumps(manifest | {"store": "sqlite:////dev/null"}).encode()
    del files["bundle.json"]
    Path("s.zip").write_bytes(bundle(files))
    assert 0 == run_cli("compare", "s.zip").code
