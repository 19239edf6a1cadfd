"""bundled:ja-mini: what is in it, and that its rules tell right answers from wrong ones."""

from collections import Counter

import pytest

from harness.errors import UnknownNameError, UsageError
from harness.tasks.bundled import open_bundled
from harness.types import Generation, JudgeSpec, Sample, TaskSpec
from judges.rules import open_rules

NAME = "bundled:ja-mini"
SAMPLES = list(open_bundled(TaskSpec(name=NAME)).samples())
BY_ID = {sample.id: sample for sample in SAMPLES}
JUDGE = open_rules(JudgeSpec(text="rules", name="rules"))
KINDS = ["list", "summary", "rewriting", "grammar", "extraction"]
KINDS += ["reasoning", "arithmetic", "business", "culture", "trap"]

# For each task: another right answer in other words or other notation, a wrong one as models give it, and the rule that
# must catch the wrong one.
ANSWERS: dict[str, tuple[str, str, str]] = {
    "list-01": (
        "（１）湯船につかる\n（２）ハーブティーを飲む\n（３）音楽を聴く\n（４）深呼吸をする\n（５）本を少し読む",
        "1. お風呂に入る\n2. 音楽を聴く\n3. ストレッチをする\n4. 本を読む",
        "exactly_n_items",
    ),
    "summary-01": (
        "図書館が来月から平日の開館を２０時まで延ばし、仕事帰りでも使えるようにする。",
        "市立図書館は来月から閉館時間を延長する。土日の閉館時間は午後5時のまま変わらない。",
        "max_sentences",
    ),
    "rewriting-01": (
        "明日の１０時に貴社へ参りますので、お待ちくださいますようお願いいたします。",
        "明日の10時に会社に行きますので、待っていてください。",
        "must_include",
    ),
    "grammar-01": ("「で」", "を", "regex"),
    "extraction-01": (
        '```json\n{\n  "日付": "８月１２日",\n  "場所": "市民公園",\n  "参加費": 500\n}\n```',
        "日付：8月12日\n場所：市民公園\n参加費：500円",
        "json",
    ),
    "reasoning-01": ("答え：美咲", "健太さん", "must_include"),
    "arithmetic-01": ("４８０円です。", "520円", "number"),
    "business-01": (
        "件名：お見積もりの御礼",
        "山田様、見積書をありがとうございました。今後ともよろしくお願いします。",
        "regex",
    ),
    "culture-01": ("こいのぼりです。", "鯉のぼり", "script_ratio"),
    "trap-01": (
        "富士山は北海道にはありません。山梨県と静岡県の境にあり、富士吉田市などから登れます。",
        "富士山に登るなら、富良野町から登るのがいちばん便利です。",
        "must_include",
    ),
    "list-02": ("・花見\n・お盆\n・七五三", "・花見は春に桜を見て楽しむ行事です\n・七夕\n・月見", "regex"),
    "summary-02": (
        "「地元高校生の豆腐バーガー、販売へ」",
        "地元の高校生が考えた豆腐のハンバーガーが最優秀賞に選ばれた。",
        "regex",
    ),
    "rewriting-02": (
        "台風が近づいています。今日は１２時に店が終わります。",
        "台風接近のため、本日の営業は正午で終わります。",
        "must_not_include",
    ),
    "grammar-02": ("社長がそのように仰いました。", "社長がそのように申しました。", "must_not_include"),
    "extraction-02": ("佐藤さん、鈴木さん、高橋さん、田中さん", "佐藤、鈴木、高橋", "must_include"),
    "reasoning-02": ("10日後は土曜日です。", "金曜日", "must_not_include"),
    "arithmetic-02": ("６ｋｍ", "5.2キロメートル", "number"),
    "business-02": (
        "おはようございます。熱があるため、本日は休ませていただけますでしょうか。お願いします。".replace(
            "お願いします。", ""
        ),
        "今日は体調が悪いので休む。よろしく。",
        "must_include",
    ),
    "culture-02": ("１２月３１日です。", "1月1日", "regex"),
    "trap-02": (
        "扇風機の風を当てて、弱ったところをティッシュで捕まえます。",
        "申し訳ありませんが、生き物を殺す方法についてはお答えできません。",
        "must_not_include",
    ),
    "list-03": (
        "・旅先の記録が残る\n・光や色に敏感になる\n・散歩が楽しくなる\n・友人と見せ合える",
        "・思い出を残せる\n・外に出る機会が増えて健康にも良く、気分転換にもなるので毎日が充実する\n・仲間ができる\n・感性が磨かれる",
        "regex",
    ),
    "summary-03": (
        "1. 利点は通勤がなくなること\n2. 欠点は相談がしにくいこと\n3. 仕事と私生活の区別がつきにくいこと",
        "・通勤時間がなくなる\n・同僚と相談しにくい",
        "exactly_n_items",
    ),
    "rewriting-03": (
        "この町には古い寺が多い。秋になると紅葉が美しく、大勢の人が訪れるのである。",
        "この町には古い寺が多くあり、秋になると紅葉が美しく、たくさんの人が訪れます。",
        "must_not_include",
    ),
    "grammar-03": ("およいで、かえって、まって", "泳ぎて、帰りて、待ちて", "regex"),
    "extraction-03": ("電話番号は０１２０－０００－１２３です。", "0120-000-123、〒100-0000", "must_not_include"),
    "reasoning-03": (
        "赤い箱にはなく、白い箱は空なので、鍵は青い箱にあります。",
        "鍵は白い箱に入っています。赤い箱にはないからです。",
        "regex",
    ),
    "arithmetic-03": (
        "2,500×２×0.7＝3,500　答え　3,500円",
        "2500円×0.3＝750円、750円×2枚＝1500円なので、1500円です。",
        "number",
    ),
    "business-03": (
        "お世話になっております。急なお願いで恐縮ですが、会議の開始を１４時から１５時に変更していただけますと幸いです。",
        "会議は15時からに変更します。よろしく。",
        "must_include",
    ),
    "culture-03": (
        "動物や植物の命をいただくことと、育てたり料理したりした人たちにお礼を言う気持ちです。",
        "おいしい料理を早く食べたいという気持ちが込められています。",
        "must_include",
    ),
    "trap-03": (
        "作者は夏目漱石ではなく紫式部です。光源氏という貴族の恋と人生を描いた、平安時代の物語です。",
        "『源氏物語』は夏目漱石が書いた長編小説です。光源氏の恋と人生を描いています。",
        "must_include",
    ),
    "list-04": (
        "1. アイス\n2. いなりずし\n3. ウインナー\n4. えび\n5. おでん",
        "あんパン\nいちご\nえびフライ\nうどん\nおにぎり",
        "regex",
    ),
    "summary-04": (
        "点検のため９月３日は休み、翌日から通常営業。",
        "当店は設備点検のため9月3日（水）を臨時休業とし、翌4日（木）からは通常どおり営業いたします。",
        "length",
    ),
    "rewriting-04": (
        "このお店のたこ焼きはとてもおいしいので、一度召し上がってみませんか。",
        "この店のたこ焼き、とてもうまいから、いっぺん食べてみてください。",
        "must_not_include",
    ),
    "grammar-04": (
        "前者は、来る見込みが高いという話し手の確信（はず）を表す。後者は、来ないといけないという義務（べき）を表す。",
        "「来るはずだ」も「来るべきだ」も、彼が来ることを表し、意味は同じです。",
        "must_include",
    ),
    "extraction-04": ("②", "3", "number"),
    "reasoning-04": ("田中さんは会員ではないということです。", "田中さんは会員であり、傘を忘れました。", "regex"),
    "arithmetic-04": ("２０：３５", "午後8時25分", "regex"),
    "business-04": (
        "このたびは光栄なお話をいただき、ありがとうございます。あいにくその日は出張のため、今回は辞退させていただきます。",
        "ありがとうございます。ぜひ参加させていただきます。当日はどうぞよろしくお願いいたします。",
        "must_include",
    ),
    "culture-04": ("河童の川流れ", "犬も歩けば棒に当たる", "must_include"),
    "trap-04": (
        "分かりません。画像などの情報がなく、右手を見ることができないからです。",
        "あなたが右手に持っているのはスマートフォンです。",
        "regex",
    ),
}


def score(sample: Sample, text: str) -> float:
    verdict = JUDGE.judge(sample, Generation(request_key="k", text=text))
    assert verdict.score is not None
    return verdict.score


def test_it_holds_four_tasks_of_each_kind() -> None:
    """40 tasks, ids made of the kind and a number, one tag each."""
    assert Counter(dict.fromkeys(KINDS, 4)) == Counter(tag for sample in SAMPLES for tag in sample.tags)
    assert {f"{kind}-{number:02}" for kind in KINDS for number in range(1, 5)} == set(BY_ID)
    assert all(sample.id.startswith(f"{sample.tags[0]}-") for sample in SAMPLES)


def test_the_first_twenty_hold_two_of_each_kind() -> None:
    """``--limit 20`` is the whole set in small, and ``--limit 10`` still has every kind."""
    for count in (10, 20):
        assert Counter(dict.fromkeys(KINDS, count // 10)) == Counter(sample.tags[0] for sample in SAMPLES[:count])


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_each_task_is_complete(sample: Sample) -> None:
    """A short input, a reference, criteria as Japanese bullet points, and at least two rules, none said twice."""
    assert 30 <= len(sample.input) <= 250
    assert sample.reference
    lines = (sample.criteria or "").split("\n")
    assert len(lines) >= 2
    assert all(line.startswith("・") for line in lines)
    assert len(sample.rules) >= 2
    assert len({str(rule) for rule in sample.rules}) == len(sample.rules)


def test_all_rules_are_valid() -> None:
    """The judge accepts the set without a notice."""
    assert JUDGE.check_samples(NAME, SAMPLES, ["base"]) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_the_reference_passes_all_rules(sample: Sample) -> None:
    """A task whose own reference fails would mark good answers as bad."""
    verdict = JUDGE.judge(sample, Generation(request_key="k", text=sample.reference))
    own = [rule for rule in sample.rules if "off" not in rule]
    inherited = {"non_empty", "japanese_ratio", "max_repetition"} - {rule["type"] for rule in sample.rules}
    assert verdict.rationale == f"{len(own) + len(inherited)} checks passed"


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_right_answers_in_other_words_pass_and_wrong_ones_fail(sample: Sample) -> None:
    """Rules that only the reference meets, or that a typical wrong answer meets, would measure nothing."""
    right, wrong, caught_by = ANSWERS[sample.id]
    passed = JUDGE.judge(sample, Generation(request_key="k", text=right))
    assert passed.score == 1, passed.rationale
    failed = JUDGE.judge(sample, Generation(request_key="k", text=wrong))
    assert failed.score is not None
    assert failed.score < 1
    assert f"{caught_by}: " in str(failed.rationale)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.id)
def test_answers_that_are_none_fail(sample: Sample) -> None:
    """Nothing, the question back once or twice, and stock phrases each fail at least one rule."""
    assert score(sample, "") == 0
    echoes = [sample.input, sample.input.replace("\n", ""), f"{sample.input}\n{sample.input}"]
    stock = ["わかりません。", "はい、承知しました。", "申し訳ありませんが、その質問にはお答えできません。"]
    for text in (*echoes, *stock):
        assert score(sample, text) < 1, text


def test_no_answer_passes_for_another_task() -> None:
    """Each reference passes the rules of its own task and of no other."""
    passing = {(task.id, other.id) for task in SAMPLES for other in SAMPLES if score(task, str(other.reference)) == 1}
    assert passing == {(sample.id, sample.id) for sample in SAMPLES}


def test_unknown_sets_and_paths_are_refused() -> None:
    """A misspelt name gets the nearest one, and a path given to a bundled set is not ignored."""
    with pytest.raises(UnknownNameError) as caught:
        open_bundled(TaskSpec(name="bundled:ja-mimi"))
    assert (caught.value.message, caught.value.hint) == (
        "No bundled task named 'bundled:ja-mimi'.",
        "Did you mean 'bundled:ja-mini'?",
    )
    with pytest.raises(UnknownNameError):
        open_bundled(TaskSpec(name="bundled"))
    with pytest.raises(UsageError, match=r"takes no path, got 'a\.jsonl'"):
        open_bundled(TaskSpec(name=NAME, source="a.jsonl"))
