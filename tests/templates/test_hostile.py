"""Hostile templates: each ends in a clear error, soon, and in little memory."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError
from harness.sandbox import child as sandbox_child
from harness.sandbox import process as sandbox_process
from harness.templates import load_template
from tests.patience import PATIENCE
from tests.templates.hostile import HOSTILE

MEMORY_PROBE = """
import resource, sys
from pathlib import Path
from harness.errors import HarnessError
from harness.templates import load_template
sys.path.insert(0, sys.argv[1])
from tests.templates.hostile import HOSTILE
for text in HOSTILE.values():
    Path("one.j2").write_text(text, encoding="utf-8")
    try:
        load_template("one.j2").render({"input": "x"})
    except HarnessError:
        pass
# The peak of a process counts from its own start; ru_maxrss remembers whoever forked it.
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if line.startswith("VmHWM")))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024)
"""


def write(folder: Path, text: str, name: str = "hostile.j2") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_there_are_at_least_forty() -> None:
    """The collection is not thinned out unseen."""
    assert 40 <= len(HOSTILE)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_template_ends_in_a_clear_error(tmp_path: Path, name: str) -> None:
    """Soon, by an error that names the template, without a secret in it."""
    folder = tmp_path / "own"
    folder.mkdir()
    for secret in (write(tmp_path, "SECRET", "secret.j2"), write(folder, "SECRET", "secret.txt")):
        assert secret.exists()
    (folder / "link.j2").symlink_to(tmp_path / "secret.j2")
    path = write(folder, HOSTILE[name])
    began = time.monotonic()
    with pytest.raises(HarnessError) as refused:
        load_template(str(path)).render({"input": "x"})
    assert time.monotonic() - began < PATIENCE
    assert "hostile.j2" in refused.value.message
    assert "SECRET" not in refused.value.message
    assert "Traceback" not in refused.value.message


@pytest.mark.skipif(not Path("/proc").exists(), reason="no /proc to read the peak from")
def test_hostile_templates_stay_small(tmp_path: Path) -> None:
    """All of them one after the other: neither this process nor any child grows past what is allowed."""
    ran = subprocess.run(
        [sys.executable, "-c", MEMORY_PROBE, str(Path(__file__).parent)],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=120,
    )  # fmt: skip
    own, child = map(int, ran.stdout.split())
    assert own < 120
    assert child < (sandbox_child.MEMORY >> 20)


def test_a_process_that_never_returns_is_ended_by_the_clock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it uses no processor time at all: here the child is stopped from outside."""
    template = load_template(str(write(tmp_path, "{{ input }}")))
    monkeypatch.setattr(sandbox_process, "WALL_SECONDS", 0.5)
    child = template._program._child._process  # type: ignore[attr-defined]
    child.send_signal(19)  # SIGSTOP
    with pytest.raises(HarnessError, match="asks for too much"):
        template.render({"input": "x"})
    assert child.poll() is not None


def test_after_a_failure_the_template_can_be_used_again(tmp_path: Path) -> None:
    """One prompt that takes too long costs a process; the next prompt gets a new one."""
    template = load_template(
        str(
            write(
                tmp_path,
                "{% if n %}{% for a in range(n) %}{% for b in range(n) %}{% endfor %}{% endfor %}{% endif %}{{ n }}",
            )
        )
    )
    with pytest.raises(HarnessError, match=r"more than 0\.5 s of computing"):
        template.render({"n": 9999})
    assert "2" == template.render({"n": 2}).text


def test_a_template_sees_no_environment_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process that renders has none of this one's keys."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    template = load_template(str(write(tmp_path, "{{ input }}")))
    pid = template._program._child._process.pid  # type: ignore[attr-defined]
    assert b"sk-canary" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_process_ends_with_the_template(tmp_path: Path) -> None:
    """No process is left behind."""
    template = load_template(str(write(tmp_path, "{{ input }}")))
    process = template._program._child._process  # type: ignore[attr-defined]
    del template
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (os.mkfifo, "not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "not a file"),
        (lambda path: path.write_bytes(b"{{ input }}" * 50_000), "larger than 200,000 bytes"),
        (lambda path: path.write_bytes(b"\xff{{ input }}"), "not UTF-8 text"),
        (os.mkdir, "not a file"),
    ],
    ids=["pipe", "device", "large", "other encoding", "folder"],
)
def test_what_is_no_template_file_is_not_read(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    """Pipes, devices, folders and large files are refused by what they are."""
    path = tmp_path / "odd.j2"
    make(path)
    with pytest.raises(InputError, match=message):
        load_template(str(path))


@pytest.mark.parametrize(
    "front",
    [
        "purpose: &a [x]\nname: *a",
        "purpose: " + "[" * 9000,
        "version: " + "9" * 9000,
        "? [a]\n: b",
        "purpose: !!python/object/apply:os.getcwd []",
        "stop: ['" + "x" * 60_000 + "']",
    ],
    ids=["references", "deep", "long number", "list as key", "python object", "long"],
)
def test_hostile_front_matter_is_refused(tmp_path: Path, front: str) -> None:
    """YAML's own traps end in an error that names the file."""
    with pytest.raises(InputError, match=r"hostile\.j2"):
        load_template(str(write(tmp_path, f"---\n{front}\n---\n{{{{ input }}}}")))


@pytest.mark.skipif(sys.platform == "win32", reason="no such limits there")
def test_limits_that_are_lower_already_are_kept(tmp_path: Path) -> None:
    """Under `ulimit` a template still renders: no limit is raised."""
    write(tmp_path, "{{ input }}!")
    script = (
        "from harness.templates import load_template; print(load_template('./hostile.j2').render({'input': 'x'}).text)"
    )
    ran = subprocess.run(
        ["bash", "-c", f'ulimit -v 2000000; ulimit -n 64; "{sys.executable}" -c "{script}"'],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert "x!\n" == ran.stdout
