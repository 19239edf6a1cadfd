"""`harness rate status`: nothing, a part, and a whole draw, in both languages; it changes nothing."""

from pathlib import Path

from tests.cli.test_rate_import import by_model, saved, with_part
from tests.conftest import RunCli
from tests.rated_run import make_run


def test_how_far_raters_are(run_cli: RunCli, workplace: Path) -> None:
    """No key, then nobody, then a part, then an interval."""
    make_run(workplace)
    assert "Draw tasks first: harness rate page r" in run_cli("rate", "status", "r").err
    [page] = run_cli("rate", "page", "r", "--raters", "sato", "--sample", "20").out.splitlines()
    nobody = run_cli("rate", "status", "r")
    assert (0, True) == (nobody.code, "| sato  | 0/" in nobody.out), nobody.out
    assert "Missing for an interval" in nobody.out
    run_cli("rate", "import", "r", saved(Path(page), "a.json", with_part(1, 9)))
    before = Path("runs/r/manifest.json").read_bytes()
    part = run_cli("rate", "status", "r")
    assert "| sato  | 9/" in part.out
    assert "Rate next, rater sato: answers 10" in part.out or "Rate next, rater sato" in part.out
    assert "What people would say" not in part.out
    run_cli("rate", "import", "r", saved(Path(page), "b.json", by_model))
    whole = run_cli("rate", "status", "r", "--lang", "ja")
    assert "  mine: strong-7b − weak-7b" in whole.out
    assert "全問について人が付けるはずの点数の差" in whole.out
    assert before != Path("runs/r/manifest.json").read_bytes()
    assert "no judge of the run yet" not in run_cli("rate", "status", "r").err
