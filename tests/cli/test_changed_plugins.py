"""Plugins whose code changed, or that share a fingerprint: nobody is served what another one said."""

import importlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from harness import plugins
from harness.runs.manifest import read_manifest
from tests.conftest import RunCli, results_of

# The plugin of README.md, which says nothing of its code in its fingerprint.
THREE_LINES = """
from harness.types import PASS_FAIL, Verdict

class ThreeLines:
    name, scale, fingerprint = "three-lines", PASS_FAIL, "three-lines.v1"

    def __init__(self, spec):
        self.lines = int(spec.settings.get("lines", spec.option or 3))
        self.name = spec.text

    def judge(self, sample, generation):
        return Verdict.scored(len(generation.text.splitlines()) == 3)

class OneLine(ThreeLines):
    def judge(self, sample, generation):
        return Verdict.scored(len(generation.text.splitlines()) == 1)

class Lines(ThreeLines):
    def judge(self, sample, generation):
        return Verdict.scored(len(generation.text.splitlines()) == self.lines)

class Named(Lines):
    def __init__(self, name, lines):
        self.name, self.lines = name, lines

def open_pair(spec):
    return [Named("pair:three", 3), Named("pair:one", 1)]

def open_one(spec):
    return Named(spec.text, 1)

def open_three(spec):
    return Named(spec.text, 3)

class Odd(ThreeLines):
    def __init__(self, spec):
        self.kind = {"kind": "qualty", "number": 3, "source": "quality", "similar": "similarity"}[spec.option]
        self.scored_by = "modell" if spec.option == "source" else None
"""
MODEL = """
from harness.types import Generation

class Model:
    fingerprint = "constant"

    def __init__(self, spec):
        self.target = spec.target

    def generate(self, requests):
        for request in requests:
            yield Generation(request_key=request.key, text=f"{self.target} answers")

def open_both(spec):
    from types import SimpleNamespace
    first, second = Model(spec), Model(spec)
    second.target = "second"
    return {"first": first, "second": second}
"""
RATINGS = """
from harness.types import LIKERT_5, Verdict

class Bound:
    name, scale, fingerprint = "old-ratings", LIKERT_5, "old"

    def judge(self, sample, generation):
        return Verdict.scored(4)

class OldRatings(Bound):
    kind = "human"

    def __init__(self, spec):
        pass

    def for_model(self, label):
        return Bound()
"""
JUDGES = {
    "old-ratings": "old_ratings:OldRatings",
    "three-lines": "lines:ThreeLines",
    "one-line": "lines:OneLine",
    "lines": "lines:Lines",
    "pair": "lines:open_pair",
    "factory-one": "lines:open_one",
    "factory-three": "lines:open_three",
    "odd": "lines:Odd",
}
MODELS = {"mine": "lines_model:Model", "both": "lines_model:open_both"}

Install = Callable[[Mapping[str, str]], None]


@pytest.fixture
def install(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Install files as an editable distribution: its folder of sources is on the path, its metadata elsewhere."""
    sources, site = tmp_path_factory.mktemp("sources"), tmp_path_factory.mktemp("site")
    info = site / "lines-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: lines\nVersion: 1.0\n")
    (info / "RECORD").write_text("_lines.pth,,\n")
    points = "".join(
        f"[harness.{group}]\n" + "".join(f"{name} = {value}\n" for name, value in named.items())
        for group, named in (("judges", JUDGES), ("models", MODELS))
    )
    (info / "entry_points.txt").write_text(points)
    for folder in (site, sources):
        monkeypatch.syspath_prepend(str(folder))
    # Python knows a module's compiled file by its second and size, and the tests change one several times a second.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def forget() -> None:
        for name in [
            name
            for name in sys.modules
            if name.partition(".")[0] in {"lines", "lines_model", "counting", "old_ratings"}
        ]:
            del sys.modules[name]
        importlib.invalidate_caches()
        plugins._found.cache_clear()

    def write(files: Mapping[str, str]) -> None:
        for name, text in files.items():
            (sources / name).write_text(text, encoding="utf-8")
        forget()

    write({"lines.py": THREE_LINES, "lines_model.py": MODEL, "old_ratings.py": RATINGS})
    yield write
    forget()


def means(run: str = "r") -> dict[str, float]:
    return {row["judge"]: row["mean"] for row in results_of(Path(), run)["rows"]}


def evaluate(run_cli: RunCli, *judges: str, model: str = "outputs:answers.jsonl", run: str = "r", code: int = 0) -> str:
    arguments = [part for judge in judges for part in ("--judge", judge)]
    ran = run_cli("eval", "--task", "t=five.jsonl", "--model", model, *arguments, "--run", run)
    assert code == ran.code, ran.err
    return ran.err


@pytest.fixture
def answers(task_file: Path) -> None:
    """Five answers of three lines each."""
    Path("answers.jsonl").write_text("".join(f'{{"task_id": {n}, "output": "一\\n二\\n三"}}\n' for n in range(5)))


def test_a_changed_plugin_is_judged_anew(run_cli: RunCli, install: Install, answers: None) -> None:
    """README's ThreeLines with ``== 1`` for ``== 3``, and back again: each has its own verdicts, asked for once."""
    evaluate(run_cli, "three-lines")
    assert {"three-lines": 1.0} == means()
    install({"lines.py": THREE_LINES.replace("== 3", "== 1", 1)})
    assert "5 judged anew" in evaluate(run_cli, "three-lines")
    assert {"three-lines": 0.0} == means()
    install({"lines.py": THREE_LINES})
    assert "0 judged anew" in evaluate(run_cli, "three-lines")
    assert {"three-lines": 1.0} == means()


def test_a_changed_helper_is_a_changed_plugin(run_cli: RunCli, install: Install, answers: None) -> None:
    """The code that decides need not stand in the module that was registered."""
    install({"lines.py": "from counting import *\n" + THREE_LINES.replace("== 3", "== N", 1), "counting.py": "N = 3\n"})
    evaluate(run_cli, "three-lines")
    install({"counting.py": "N = 1\n"})
    evaluate(run_cli, "three-lines")
    assert {"three-lines": 0.0} == means()


@pytest.mark.parametrize(
    ("judges", "expected"),
    [
        (("three-lines", "one-line"), [1.0, 0.0]),  # a subclass that inherits its fingerprint
        (("lines:3", "lines:1"), [1.0, 0.0]),  # an option that the fingerprint leaves out
        (("factory-three", "factory-one"), [1.0, 0.0]),  # two entry points, one class
        (("pair",), [1.0, 0.0]),  # two judges that one factory makes
    ],
)
def test_one_fingerprint_of_several_judges(
    run_cli: RunCli, install: Install, answers: None, judges: tuple[str, ...], expected: list[float]
) -> None:
    """Side by side in one run and one after the other, each gives its own scores."""
    evaluate(run_cli, *judges)
    assert expected == list(means().values())
    for judge in reversed(judges):
        evaluate(run_cli, judge, run=judge.replace(":", "-"))
    assert expected == [score for judge in judges for score in means(judge.replace(":", "-")).values()]


def test_settings_that_the_fingerprint_leaves_out(run_cli: RunCli, install: Install, answers: None) -> None:
    """What harness.toml says to a plugin decides its scores as its code does."""
    evaluate(run_cli, "lines")
    Path("harness.toml").write_text("[judges.lines]\nlines = 1\n")
    evaluate(run_cli, "lines")
    assert {"lines": 0.0} == means()


def test_models_of_plugins(run_cli: RunCli, install: Install, answers: None) -> None:
    """Answers, too, belong to the code and to what it was given; the same model under two labels answers once."""
    assert "5 answers generated" in evaluate(run_cli, "rules", model="mine:a")
    assert "5 answers generated" in evaluate(run_cli, "rules", model="mine:b", run="b")
    assert "0 answers generated" in evaluate(run_cli, "rules", model="label=mine:a", run="c")
    install({"lines_model.py": MODEL.replace("answers", "replies")})
    assert "5 answers generated" in evaluate(run_cli, "rules", model="mine:a", run="e")
    assert "10 answers generated" in evaluate(run_cli, "rules", model="both", run="d")


def test_another_label_is_not_judged_again(run_cli: RunCli, install: Install, answers: None) -> None:
    """Keys hold no name that somebody typed: answers are judged once whatever their model is called."""
    evaluate(run_cli, "three-lines")
    assert "0 judged anew" in evaluate(run_cli, "three-lines", model="mine=outputs:answers.jsonl", run="s")
    ran = run_cli("judge", "r", "--judge", "three-lines")
    assert (0, True) == (ran.code, "0 judged anew" in ran.err), ran.err


def test_one_judge_under_two_names_is_refused(run_cli: RunCli, answers: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A built-in judge named twice would seem to agree with itself."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-nobody-at-all")
    Path("harness.toml").write_text('[judges.openai]\nmodel = "gpt-x"\n')
    said = evaluate(run_cli, "openai", "openai:gpt-x", code=1)
    assert "'openai' and 'openai:gpt-x' are the same judge" in said


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("kind", "its kind is 'qualty', which is none of quality, checks, similarity, human."),
        ("number", "its kind is 3, which is none of"),
        ("source", "its scored_by is 'modell', which is none of model, program, file."),
    ],
)
def test_a_kind_that_nobody_knows_is_refused(
    run_cli: RunCli, install: Install, answers: None, option: str, said: str
) -> None:
    """Before anything is done, in a sentence that names the plugin, the value and its package."""
    ran = evaluate(run_cli, f"odd:{option}", code=1)
    assert f"The judge 'odd' cannot be opened: {said}" in ran
    assert "package 'lines'" in ran


def test_an_unread_plugin_says_so(
    run_cli: RunCli, install: Install, answers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where no code can be read, the notice says that its fingerprint alone tells of a change."""
    monkeypatch.setattr(plugins.origins, "code_hash", lambda *_: None)
    assert "The code of plugin three-lines cannot be read" in evaluate(run_cli, "three-lines")


@pytest.mark.parametrize("declared", ["", '    scored_by = "program"\n', '    scored_by = "model"\n'])
def test_what_a_plugin_does_not_declare_is_not_said_of_it(
    run_cli: RunCli, install: Install, answers: None, declared: str
) -> None:
    """No report calls a judge a language model unless it says so itself: board, page, audit and both languages."""
    install({"lines.py": THREE_LINES.replace("class ThreeLines:\n", f"class ThreeLines:\n{declared}", 1)})
    evaluate(run_cli, "three-lines")
    pages = [(Path("runs/r") / name).read_text(encoding="utf-8") for name in ("leaderboard.md", "report.html")]
    pages += [run_cli("audit", "r").out, run_cli("report", "r", "--lang", "ja").out]
    said = ["a language-model judge" in page or "評価モデル（言語モデル）による点数" in page for page in pages]
    assert [("model" in declared)] * len(pages) == said
    assert ("Scores by a program." in pages[0]) == ("program" in declared)


def test_ratings_of_a_plugin_that_knows_no_prompts(run_cli: RunCli, install: Install, answers: None) -> None:
    """Their ``for_model(label)`` is called as it is; a test of prompts by them is refused."""
    evaluate(run_cli, "old-ratings", model="echo")
    assert {"old-ratings": 4.0} == means()
    prompts = ("--prompt", "plain.v1", "--prompt", "course.v1")
    ran = run_cli("ab", "--task", "t=five.jsonl", "--model", "echo", *prompts, "--judge", "old-ratings")
    assert (2, True) == (ran.code, "name a model and not a prompt" in ran.err)


def test_a_run_that_has_a_judge_does_not_get_it_again(run_cli: RunCli, answers: None) -> None:
    """Under another name it would cost nothing, stand on the board twice, and seem to agree with itself."""
    Path("h.csv").write_text("model,task_id,score\n" + "".join(f"outputs:answers.jsonl,{n},4\n" for n in range(5)))
    evaluate(run_cli, "human:h.csv")
    ran = run_cli("judge", "r", "--judge", "human:./h.csv")
    assert 1 == ran.code
    assert "The run 'r' has the judge 'human:./h.csv' already, as 'human:h.csv'." in ran.err


def test_a_run_of_before_judges_declared_themselves(run_cli: RunCli, answers: None) -> None:
    """Its manifest does not say who gave the scores: a served judge is a language model, a plugin nothing at all."""
    evaluate(run_cli, "rules")
    path = Path("runs/r/manifest.json")
    manifest = json.loads(path.read_text(encoding="utf-8"))
    [judge] = manifest["judges"]
    for key in ("scored_by", "rates_prompts"):
        del judge[key]
    manifest["judges"] = [judge | {"name": name, "kind": "quality"} for name in ("gemini:x", "three-lines")]
    found = read_manifest(manifest, where=str(path)).judges
    assert {"gemini:x": "model", "three-lines": None} == {one.name: one.scored_by for one in found}
