"""What a Japanese reader meets on the common paths of every command is Japanese: no English sentence slips through."""

import json
import re
from pathlib import Path

import pytest

from tests.conftest import RunCli

_MOST_WORDS = 3
# What stays as it is in any language: code and commands, paths, options, names of methods of statistics, addresses.
_KEPT = [
    re.compile(pattern, re.MULTILINE | re.DOTALL)
    for pattern in (
        r"```.*?```",
        r"使えるもの: .*?$",
        r"`[^`]*`",
        r"^.*\$ harness.*$",
        r"^\s+(harness|python|pip|uv) .*$",
        r"harness [a-z][^。、）#\n]*",
        r"pip install[^。、）\n]*",
        r"https?://\S+",
        r"--?[A-Za-z][\w-]*([ =]\S+)?",
        r"\S*[/\\]\S*",
        r"[\w.+-]+\.(py|md|json|jsonl|csv|toml|j2|html|xlsx|parquet|sqlite|safetensors|v1)\b\S*",
        r"\b\w*_\w+\b",
        r"\[[A-Z][A-Z0-9_|=:.\[\]]*\]|\b[A-Z][A-Z0-9_|=:.\[\]…]+\b",
        r"(logit-t|paired t|exact sign-flip mid-p|Clopper-Pearson bound|Wilson|cluster-robust[^。、|]*|Holm|Sidak-t)",
    )
]
_SENTENCE = re.compile(r"[A-Za-z][A-Za-z'-]*(?:[ ,;:]+[A-Za-z][A-Za-z'-]*)+")


def english(text: str) -> list[str]:
    """Return runs of more English words than a Japanese text needs."""
    for pattern in _KEPT:
        text = pattern.sub(" ・ ", text)
    return [found for found in _SENTENCE.findall(text) if len(re.findall(r"[A-Za-z']{2,}", found)) > _MOST_WORDS]


def test_the_finder_finds() -> None:
    """A sentence is found; names, options, commands and code are not."""
    assert ["The run has several models"] == english("エラー: The run has several models. --model x")
    assert [] == english("`a b c d e` と --model LABEL、harness eval --task a b c d、runs/a b/c.json です")


def write(name: str, *rows: dict[str, object]) -> None:
    Path(name).write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")


@pytest.fixture
def japanese(run_cli: RunCli, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> RunCli:
    """The command line in Japanese, among tasks, answers of two models, and ratings with faults."""
    monkeypatch.setenv("HARNESS_LANG", "ja")
    write("t.jsonl", *({"task_id": n, "input": f"問題{n}", "output": f"答え{n}"} for n in range(8)))
    write("a.jsonl", *({"model": m, "task_id": n, "output": f"{m}の答え{n}"} for m in ("base", "新") for n in range(8)))
    ratings = [f"{m},{n},{1 + (n + (m == '新')) % 5}" for m in ("base", "新") for n in range(8)]
    Path("r.csv").write_text("model,task_id,score\n" + "\n".join([*ratings, "naw,1,3", ",2,2"]), encoding="utf-8")
    Path("few.csv").write_text("model,task_id,score\nbase,0,3\n新,0,9\n新,1,x\n", encoding="utf-8")
    Path("b.csv").write_text("番号,文章\n0,答え\n", encoding="utf-8")
    Path("bad.jsonl").write_text('{"input": "a"}\n[1]\n', encoding="utf-8")
    Path("empty.csv").write_text("", encoding="utf-8")
    write("pairs.jsonl", {"instruction": "こんにちは", "output": "はい"})
    Path("mine.j2").write_text("{{ input }}\n", encoding="utf-8")
    return run_cli


EVAL = ("eval", "--task", "t=t.jsonl", "--model", "outputs:a.jsonl", "--run", "r")
RATED = (*EVAL, "--judge", "human:r.csv")

COMMANDS: dict[str, list[tuple[str, ...]]] = {
    "evaluation": [
        (*RATED, "--dry-run"),
        RATED,
        RATED,
        (*EVAL, "--judge", "human:few.csv", "--run", "few"),
        ("eval", "--task", "t=t.jsonl", "--model", "echo", "--judge", "rules", "--judge", "reference", "--run", "e"),
        (*EVAL, "--judge", "rules", "--limit", "2"),
    ],
    "after": [
        RATED,
        ("judge", "r", "--judge", "reference"),
        ("judge", "r", "--judge", "reference", "--dry-run"),
        ("compare", "r"),
        ("report", "r"),
        ("report", "r", "--format", "html"),
        ("show", "r", "--task-id", "1"),
        ("audit", "r"),
        ("history",),
        ("rate", "export", "r", "--sample", "4"),
        ("export", "r", "--output", "x.xlsx"),
        ("rerun", "r"),
        ("submit", "r", "--model", "base", "--output", "s.jsonl"),
        ("ls", "runs"),
    ],
    "lists": [
        *(("ls", what) for what in ("models", "judges", "tasks", "prompts", "recipes", "runs")),
        ("ls",),
        ("doctor",),
        ("prompt", "show", "course.v1"),
        ("prompt", "show", "course.v1", "--task", "t=t.jsonl"),
        ("prompt", "lint", "mine.j2"),
    ],
    "prompts": [
        ("ab", "--task", "t=t.jsonl", "--model", "echo", "--judge", "reference", "--prompt", "course.v1", "--prompt",
         "plain.v1", "--run", "ab"),
        ("show", "ab", "--task-id", "1"),
        ("submit", "ab", "--output", "x"),
    ],
    "mistakes": [
        (*EVAL, "--judge", "gemeni"),
        ("eval", "--task", "t=t.jsonl", "--model", "outputs:b.csv", "--judge", "rules"),
        ("eval", "--task", "t=t.jsonl", "--model", "outputs:bad.jsonl", "--judge", "rules"),
        ("eval", "--task", "t=bad.jsonl", "--model", "echo", "--judge", "rules"),
        ("eval", "--task", "t=b.csv", "--model", "echo", "--judge", "rules"),
        ("eval", "--task", "t=empty.csv", "--model", "echo", "--judge", "rules"),
        ("eval", "--task", "t=t.jsonl", "--model", "outputs:none.csv", "--judge", "rules"),
        ("eval", "--task", "elyza-tasks-100-tv", "--model", "echo", "--judge", "rules"),
        ("eval", "--task", "t=t.jsonl", "--model", "echo", "--judge", "gemini"),
        ("eval", "--task", "t=t.jsonl", "--model", "echo", "--judge", "openai:x"),
        ("eval", "--task", "t=t.jsonl", "--model", "echo"),
        ("eval", "--limit", "0"),
        ("eval", "--temperature", "x"),
        ("eval", "--task", "t=t.jsonl", "--model", "echo", "--judge", "rules", "--run", "a/b"),
        ("eval", "--task", "t=t.jsonl", "--model", "adapter:nowhere", "--judge", "rules"),
        ("report", "nope"), ("show", "nope", "--task-id", "1"), ("nope",), ("rerun", "nope"), ("audit", "nope"),
        ("card", "nope"), ("train", "--recipe", "nope"), ("submit",), ("submit", "--check", "t.jsonl"),
        ("train", "--recipe", "cpu-demo", "--data", "none.json", "--base", "x", "--output", "out"),
        ("rate", "import", "nope", "r.csv"),
        ("eval", "--config", "none.toml"),
    ],
    "help": [
        *((name, "--help") for name in (
            "eval", "judge", "rate", "audit", "compare", "ab", "prompt", "train", "card", "report", "export", "rerun",
            "show", "submit", "ls", "doctor", "history", "try",
        )),
        ("--help",), ("rate", "export", "--help"), ("rate", "import", "--help"), ("prompt", "show", "--help"),
    ],
}  # fmt: skip


@pytest.mark.parametrize("path", COMMANDS)
def test_no_english_sentence(japanese: RunCli, path: str) -> None:
    """Everything that these commands print."""
    found: dict[str, list[str]] = {}
    for command in COMMANDS[path]:
        ran = japanese(*command)
        if sentences := english(f"{ran.out}\n\n{ran.err}"):
            found[" ".join(command)] = sentences
    assert not found, json.dumps(found, ensure_ascii=False, indent=1)


def test_reports_hold_no_english_sentence(japanese: RunCli, workplace: Path) -> None:
    """What the Japanese report of a run says, with unscored answers and notices."""
    japanese(*EVAL, "--judge", "human:few.csv", "--judge", "rules")
    assert [] == english(japanese("report", "r", "--lang", "ja").out)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ('[generation]\nmax_new_tokens = "x"\n', "整数を指定してください"),
        ("[generation]\ntemperature = -1\n", "0 以上にしてください"),
        ('lang = "fr"\n', "'en'、'ja' のどれか"),
        ("runs = 3\n", "文字列を指定してください"),
        ('stor = "x"\n', "もしかして: store"),
        ("[judges.rules]\njapanese_ratio = true\n[models]\nbase = 3\n", "models.base"),
    ],
)
def test_what_is_wrong_in_harness_toml_is_said_in_japanese(japanese: RunCli, toml: str, says: str) -> None:
    """Also what the validation library says of a value."""
    Path("harness.toml").write_text(toml, encoding="utf-8")
    ran = japanese("ls", "models")
    assert ran.code in (1, 2), ran.err
    assert says in ran.err
    assert [] == english(ran.err)


@pytest.mark.parametrize(
    "template",
    [
        "{{ input",
        "{% if input %}a",
        "{% fro x in input %}",
        "{{ input|nope }}",
        "{{ input is nope }}",
        "{{ input b }}",
        "{{ input $ }}",
        "{{ }}",
        "{{ input }}{# a",
        "{{ (input }}",
        "{% include 'gone.j2' %}{{ input }}",
        "{% include input %}",
        "{% include '../x.j2' %}{{ input }}",
        "{{ input * 9999999 }}",
        "{{ input.center(5000) }}",
        "{{ '%9999d' % 3 }}{{ input }}",
        "{{ 2 ** 9999 }}{{ input }}",
        "{% for a in range(99999) %}{% endfor %}{{ input }}",
        "{{ input.upper }}",
        "{{ input|map('upper') }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}{{ input }}",
        "{{ inptu }}",
        "\u202e{{ input }}",
    ],
)
def test_what_is_wrong_with_a_template_is_said_in_japanese(japanese: RunCli, template: str) -> None:
    """Also what its own process finds, and what Jinja says of its syntax."""
    Path("broken.j2").write_text(f"{template}\n", encoding="utf-8")
    ran = japanese("prompt", "show", "broken.j2", "--task", "t=t.jsonl")
    assert ran.code in (1, 2), ran.out
    assert [] == english(ran.err)
    assert re.search("[ぁ-ん]", ran.err)
    told = re.sub(
        r"broken\.j2|gone\.j2|\.\./x\.j2|inptu|docs/templates\.md|\.j2|<[^>]*>|'[^']*'|「[^」]*」", "", ran.err
    )
    assert [] == re.findall(r"[a-z]{3,} [a-z]{3,}", told), ran.err


def test_a_doubtful_template_is_told_in_japanese(japanese: RunCli) -> None:
    """What `prompt lint` finds without running it."""
    Path("doubtful.j2").write_text("{{ input._x }}{{ input|attr('y') }}\n", encoding="utf-8")
    told = japanese("prompt", "lint", "doubtful.j2")
    assert [] == english(told.out + told.err)
    assert "「_x」は非公開の属性なので使えません。" in told.out
