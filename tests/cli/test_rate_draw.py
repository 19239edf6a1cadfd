"""Options of a draw: names, strata, growth; and what does not go together."""

import json
import re
from pathlib import Path

import pytest

from harness.human.draw import read_key
from tests.cli.test_rate_import import by_model, saved
from tests.conftest import RunCli
from tests.rated_run import make_run


@pytest.fixture
def run(run_cli: RunCli, workplace: Path) -> RunCli:
    make_run(workplace, tasks=60)
    return run_cli


def keys() -> dict[str, dict]:
    found = [json.loads(path.read_text("utf-8")) for path in Path("runs/r").glob("rating-key-*.json")]
    return {key["draw"]["tag"]: key for key in found}


def test_raters_have_names(run: RunCli) -> None:
    """On their pages, in the files that come back, in the ratings and between raters."""
    ran = run("rate", "page", "r", "--raters", "佐藤、tanaka", "--sample", "20")
    assert 0 == ran.code, ran.err
    pages = [Path(line) for line in ran.out.splitlines()]
    assert ["佐藤", "tanaka"] == [re.findall(r"rater-(.+)\.html", page.name)[0] for page in pages]
    files = [saved(page, f"{place}.json", by_model) for place, page in enumerate(pages)]
    ran = run("rate", "import", "r", *files)
    assert 0 == ran.code, ran.err
    assert "tanaka – 佐藤" in ran.out or "佐藤 – tanaka" in ran.out
    assert ",佐藤," in Path("runs/r/ratings.csv").read_text("utf-8-sig").replace('"', "")


@pytest.mark.parametrize("value", ["0", "-1", "a b", "a,,b", "a/b", "..", "3,4", "<b>", "sato,Sato", "x" * 41, ""])
def test_no_names(run_cli: RunCli, workplace: Path, value: str) -> None:
    """They become names of files and stand on pages."""
    ran = run_cli("rate", "page", "r", f"--raters={value}")
    assert (2, False) == (ran.code, "Traceback" in ran.err)


def test_a_draw_from_strata_keeps_them(run: RunCli) -> None:
    """Every task is in one part, the key holds what was drawn from, and the command says how many of each."""
    ran = run("rate", "page", "r", "--draw", "optimal", "--sample", "30")
    assert 0 == ran.code, ran.err
    assert re.search(r"30 of 60 tasks drawn at random within 5 parts \((\d+/\d+, ){4}\d+/12; seed 0\)", ran.err)
    [key] = keys().values()
    export = read_key(key)
    parts = export.draw.strata["mine"].parts
    assert sorted(export.draw.population["mine"]) == sorted(one for part in parts for one in part)
    assert set(parts[-1]) == {str(n) for n in range(0, 60, 5)}
    assert "spread over its gaps" not in ran.err


def test_one_judge_shows_no_doubt(run_cli: RunCli, workplace: Path) -> None:
    """The command says that the draw goes by gaps then; without any judge that compares, that it is simple."""
    make_run(workplace)
    rows = ("--task", "mine=tasks.jsonl", "--model", "outputs:answers.jsonl", "--run", "one")
    assert 0 == run_cli("eval", *rows, "--judge", "scores:one.csv").code
    assert (
        "does not show where it is unsure" in run_cli("rate", "page", "one", "--draw", "optimal", "--sample", "20").err
    )


def test_a_draw_grows_and_its_ratings_add_up(run: RunCli) -> None:
    """Twenty tasks rated, then ten more where judges are unsure; either file may be imported first or again."""
    [first] = run("rate", "page", "r", "--sample", "20").out.splitlines()
    assert 0 == run("rate", "import", "r", saved(Path(first), "a.json", by_model)).code
    grow = ("rate", "page", "r", "--grow", "30", "--draw", "optimal")
    ran = run(*grow)
    assert 0 == ran.code, ran.err
    [more] = ran.out.splitlines()
    assert more == run(*grow).out.strip(), "typed again it is the same draw"
    assert 2 == len(keys())
    status = run("rate", "status", "r")
    assert "20 of 30 drawn tasks are rated whole, enough for an interval" in status.out
    assert re.search(r"Rate next, rater 1: answers \d+, .*of draw [a-z]{4}", status.out)
    ran = run("rate", "import", "r", saved(Path(more), "b.json", by_model))
    assert 0 == ran.code, ran.err
    assert "replaced" not in ran.err
    again = run("rate", "import", "r", "a.json")
    assert 0 == again.code, again.err
    found = re.search(r"(\d+) ratings of \1 answers", again.out)
    assert found is not None
    assert int(found[1]) > 50
    [task] = json.loads(run("audit", "r", "--json").out)["tasks"]
    assert {(True, "stratified survey regression on the judge's scores")} == {
        (one["drawn_at_random"], row["estimate"]["method"]) for one in task["anchorings"] for row in one["differences"]
    }
    assert "has the raters 1" in run("rate", "page", "r", "--grow", "40", "--raters", "2").err
    assert "keeps its own strata" in run("rate", "page", "r", "--grow", "40", "--draw", "simple").err


def test_what_does_not_go_together(run: RunCli) -> None:
    assert "Nothing was drawn" in run("rate", "page", "r", "--grow", "30").err
    for seed in ("0", "1"):
        assert 0 == run("rate", "page", "r", "--sample", "20", "--seed", seed).code
    ran = run("rate", "page", "r", "--grow", "30")
    assert (1, True) == (ran.code, "has several draws" in ran.err)
    assert 2 == run("rate", "page", "r", "--grow", "30", "--sample", "20").code
    assert "has several draws" in run("rate", "status", "r").err
