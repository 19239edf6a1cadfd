"""Where templates are found, and that published ones never change."""

import hashlib
from pathlib import Path

import pytest

from harness.errors import HarnessError, InputError, UnknownNameError
from harness.templates import Kind, load_template, own_templates, registry

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("kind", ["tasks", "judges"])
def test_published_templates_are_those_of_the_lock_file(kind: Kind) -> None:
    """Every published text has the sha256 that was written down when it was published, and none is missing."""
    files = {path.name.removesuffix(".j2"): path for path in (ROOT / "prompts" / kind).glob("*.j2")}
    assert dict(registry.locked(kind)) == {
        name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in sorted(files.items())
    }, "a published template never changes: add a new version, and its line to prompts/lock.toml"
    assert {load_template(name, kind=kind).sha256 for name in files} == set(registry.locked(kind).values())


def test_a_changed_published_template_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever edits a published template in place is told so instead of getting figures under its name."""
    monkeypatch.setattr(registry, "locked", lambda kind: {"course.v1": "0" * 64})
    with pytest.raises(HarnessError, match=r"'course\.v1' was changed"):
        load_template("course.v1")


def test_names_are_looked_up_in_the_users_own_folder(workplace: Path) -> None:
    """prompts/NAME.j2, prompts/tasks/NAME.j2 and prompts/judges/NAME.j2 of the current folder are names too."""
    for path in ("prompts/mine.j2", "prompts/tasks/deep.v2.j2", "prompts/judges/strict.j2"):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text("{{ input }}!")
    assert ["deep.v2", "mine"] == sorted(own_templates("tasks"))
    assert ("mine", "問!", "prompts/mine.j2") == (
        (template := load_template("mine")).name,
        template.render({"input": "問"}).text,
        template.source,
    )
    assert "x!" == load_template("strict", kind="judges").render_text(input="x")
    with pytest.raises(UnknownNameError) as refused:
        load_template("mines")
    assert "Did you mean 'mine'?" == refused.value.hint


def test_a_users_file_cannot_shadow_a_published_name(workplace: Path) -> None:
    """Another text under a published name is refused; the very same text is the published template."""
    Path("prompts").mkdir()
    own = Path("prompts/course.v1.j2")
    own.write_bytes((ROOT / "prompts/tasks/course.v1.j2").read_bytes().replace(b"\n", b"\r\n"))
    assert load_template("course.v1").source is None
    own.write_text("{{ input }}")
    with pytest.raises(InputError, match=r"course\.v1\.j2: it has the name of the published template"):
        load_template("course.v1")
    assert "問" == load_template("prompts/course.v1.j2").render({"input": "問"}).text
    assert None is load_template("plain.v1").source  # what shadows one name does not touch another


def test_two_own_files_of_one_name_are_refused(workplace: Path) -> None:
    """Nothing decides between them."""
    Path("prompts/tasks").mkdir(parents=True)
    for path in ("prompts/mine.j2", "prompts/tasks/mine.j2"):
        Path(path).write_text("{{ input }}")
    with pytest.raises(InputError, match=r"prompts/tasks/mine\.j2 has the same name"):
        load_template("mine")


def test_included_files_count_in_the_hash(tmp_path: Path) -> None:
    """A template is its text and all that it includes, wherever the folder is; unused neighbours do not count."""
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "head.j2").write_text("頭: {% include 'parts/deep.j2' %}")
    (tmp_path / "parts" / "deep.j2").write_text("深")
    (tmp_path / "unused.j2").write_text("x")
    path = tmp_path / "main.j2"
    path.write_text("{% include 'parts/head.j2' %} {{ input }}")
    before = load_template(str(path))
    assert "頭: 深 問" == before.render({"input": "問"}).text
    (tmp_path / "unused.j2").write_text("y")
    assert before.sha256 == load_template(str(path)).sha256
    (tmp_path / "parts" / "deep.j2").write_text("浅")
    assert before.sha256 != load_template(str(path)).sha256
    assert "頭: 深 問" == before.render({"input": "問"}).text


def test_a_template_without_includes_hashes_as_its_file(tmp_path: Path) -> None:
    """sha256sum gives the same, but for CRLF."""
    path = tmp_path / "a.j2"
    path.write_bytes(b"{{ input }}\r\n")
    assert hashlib.sha256(b"{{ input }}\n").hexdigest() == load_template(str(path)).sha256


def test_links_are_not_followed_out_of_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By name, by path, as a chain and as an include: nothing outside is read, and nothing of it is shown."""
    monkeypatch.chdir(tmp_path)
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET {{ input }}")
    folder = tmp_path / "prompts" / "tasks"
    folder.mkdir(parents=True)
    (folder / "absolute.j2").symlink_to(secret)
    (folder / "relative.j2").symlink_to("../../secret.txt")
    (folder / "chain.j2").symlink_to("relative.j2")
    (folder / "including.j2").write_text("{% include 'absolute.j2' %}{{ input }}")
    (folder / "sub").symlink_to(tmp_path)
    (folder / "below.j2").write_text("{% include 'sub/part.j2' %}{{ input }}")
    (tmp_path / "part.j2").write_text("SECRET")
    for name in ("absolute", "relative", "chain", "including", "below"):
        for argument in (name, f"prompts/tasks/{name}.j2", str(folder / f"{name}.j2")):
            with pytest.raises(InputError) as refused:
                load_template(argument)
            assert "SECRET" not in f"{refused.value.message} {refused.value.hint}"
    assert {"absolute", "relative", "chain", "including", "below"} <= set(own_templates("tasks"))


def test_links_within_a_folder_and_linked_folders_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second name for a template, and a folder that lies elsewhere as a whole."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "one.j2").write_text("{{ input }}")
    (elsewhere / "two.j2").symlink_to("one.j2")
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "prompts").symlink_to(elsewhere)
    monkeypatch.chdir(tmp_path / "work")
    for argument in ("one", "two", "prompts/two.j2"):
        assert "x" == load_template(argument).render({"input": "x"}).text
