"""The verdict on one page: it fits, however much there is to say, and holds what the report opens with."""

import io
import re
import zlib
from dataclasses import replace

from matplotlib.font_manager import findfont
from matplotlib.image import imread

from reports.run_view import Report
from reports.verdict_sheet import draw_sheet, sheet_text
from tests.reports.test_gaps import made
from tests.reports.test_verdict import HIGH, LOW

OWN = findfont("DejaVu Sans")


def report(rows: int = 1, run: str = "run") -> Report:
    board, table = made({"base": LOW} | {f"m{place}": HIGH for place in range(rows)})
    return Report(leaderboard=replace(board, run=run), tables=(table,), answers=(), prompts=(), provenance={})


def test_a_pdf_is_one_page_of_a4_with_its_words_in_it() -> None:
    """Its font is embedded, its words are text: a reader can search them."""
    pdf = draw_sheet(report(), "pdf", [OWN])
    assert 1 == len(re.findall(rb"/Type /Page\b", pdf))
    assert b"595.44 841.68" in pdf
    assert b"/FontFile2" in pdf
    streams = b"".join(
        zlib.decompress(found) for found in re.findall(rb"stream\r?\n(x.+?)\r?\nendstream", pdf, re.DOTALL)
    )
    assert streams.count(b"Tj") + streams.count(b"TJ") > 10


def test_much_to_say_still_fits_and_a_formula_stays_text() -> None:
    """Letters get smaller; dollar signs in a name are no formula, and a name of any length breaks nothing."""
    picture = imread(io.BytesIO(draw_sheet(report(40, "$x^2$ " + "n" * 300), "png", [OWN])), format="png")
    assert (1240, 1754) >= picture.shape[1::-1]
    assert picture.shape[1] in (1240, 1241)
    margin = picture[:, -60:, :3]
    assert (margin == 1).all()  # nothing runs over the right edge


def test_every_word_of_the_page_is_asked_a_font_for() -> None:
    """The verdict, the names beside bars, and the titles in the language of the page."""
    text = sheet_text(report(), language="ja")
    assert all(part in text for part in ("m0", "+2.50", "次にすること", "ここからは分からないこと"))
