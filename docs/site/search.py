"""A search that finds Japanese: it knows each two neighbouring characters, at both ends.

Sphinx takes Japanese apart into words when it builds the index, and not at all what a reader types, so that 信頼区間 is
not found where 信頼 and 区間 are. Pairs of characters need no dictionary, and a search for three characters or more
asks for all pairs in it.
"""

import re

from sphinx.search import SearchLanguage
from sphinx.search.en import SearchEnglish

_JAPANESE = "々〆ぁ-ゖァ-ヺー一-鿿"
_PARTS = re.compile(rf"[{_JAPANESE}]+|[^\W{_JAPANESE}]+")
_IS_JAPANESE = re.compile(rf"[{_JAPANESE}]")

SPLITTER = rf"""
var splitQuery = (query) =>
  (query.normalize("NFKC").match(/[{_JAPANESE}]+|[^{_JAPANESE}\s\p{{P}}\p{{S}}]+/gu) || []).flatMap((part) =>
    /^[{_JAPANESE}]/.test(part) && part.length > 1
      ? Array.from({{ length: part.length - 1 }}, (_, i) => part.slice(i, i + 2))
      : [part]
  );
"""


def pairs(text: str) -> list[str]:
    """Return the words of a text, Japanese as pairs of characters.

    >>> pairs("信頼区間とp値")
    ['信頼', '頼区', '区間', '間と', 'p', '値']
    """
    found = []
    for part in _PARTS.findall(text):
        if _IS_JAPANESE.match(part) and len(part) > 1:
            found += [part[place : place + 2] for place in range(len(part) - 1)]
        else:
            found.append(part)
    return found


class Bigrams(SearchLanguage):
    """Japanese, with English words as they stand."""

    lang = "ja"
    language_name = "Japanese"
    js_splitter_code = SPLITTER

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx's name
        """Return the words of a text."""
        return pairs(input)


class EnglishAndBigrams(SearchEnglish):
    """English with its stems; Japanese words in an English page are found, too."""

    js_splitter_code = SPLITTER

    def split(self, input: str) -> list[str]:  # noqa: A002 - Sphinx's name
        """Return the words of a text."""
        return pairs(input)
