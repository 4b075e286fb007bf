"""Texts to words, the plain way: what two people would call the same word is the same word.

A text is brought to one spelling (Unicode NFKC: a ligature is its letters, full-width is plain)
and to lower case (case folding: "Straße" is "strasse"); a word is then a run of letters, marks and
digits, whatever the alphabet. Everything else parts words. Nothing is stemmed or left out; what
is in nearly every text says little, and paragraph vectors learn that. Scripts that put no space
between words (Chinese, Japanese, Thai) are read as runs between punctuation: part them before.
"""

import unicodedata
from functools import cache
from typing import Final

_PARTS_OF_WORDS: Final = ("L", "M", "N")
MOST_WORDS: Final = 10_000
"""of a text; gensim would leave out what is beyond without a word"""


def words_of(text: str) -> list[str]:
    """Return the words of a text, in their order; of a longer one the first 10 000.

    >>> words_of("Amélie (2001): le Fabuleux—Destin d’Amélie")
    ['amélie', '2001', 'le', 'fabuleux', 'destin', 'd', 'amélie']
    """
    spelled = unicodedata.normalize("NFKC", text).casefold()
    letters = [one if _is_part_of_word(one) else " " for one in spelled]
    return "".join(letters).split()[:MOST_WORDS]


@cache
def _is_part_of_word(character: str) -> bool:
    return unicodedata.category(character)[0] in _PARTS_OF_WORDS
