"""What someone means by a title: whole titles win, parts are found, doubt is a sentence."""

import pytest

from edgerec.errors import ItemNotFound
from edgerec.titles.kept import NamedItem
from edgerec.titles.search import TitleSearch, plain
from edgerec.titles.terms import terms

ITEMS = [
    NamedItem(1, "Kung Fu Panda (2008)", "Animation"),
    NamedItem(2, "Kung Fu Panda 2 (2011)", "Animation"),
    NamedItem(3, "Sabrina (1954)"),
    NamedItem(4, "Sabrina (1995)"),
    NamedItem(5, "Matrix, The (1999)"),
    NamedItem(6, "Star Wars: Episode IV - A New Hope (1977)"),
    NamedItem(7, "300 (2007)"),
    NamedItem(300, "Quiz Show (1994)"),
    NamedItem(8, ""),
]
SEARCH = TitleSearch(ITEMS)


@pytest.mark.parametrize(
    ("asked", "item_id"),
    [
        ("Kung Fu Panda", 1),
        ("kung  fu PANDA 2", 2),
        ("Sabrina (1995)", 4),
        ("the matrix", 5),
        ("matrix", 5),
        ("new hope", 6),
        ("8", 8),
        ("300", 300),
        ("300 (2007)", 7),
    ],
)
def test_what_is_meant(asked, item_id):
    assert SEARCH.find(asked).item_id == item_id


def test_an_unknown_title_is_answered_with_the_nearest():
    with pytest.raises(ItemNotFound, match=r"'Kungfu Panda'. The nearest: Kung Fu Panda \(2008\)"):
        SEARCH.find("Kungfu Panda")
    with pytest.raises(ItemNotFound, match="Ask by a part of its title, or by its id"):
        SEARCH.find("zzzz")
    # A few letters in common are no reason to name a title.
    with pytest.raises(ItemNotFound) as caught:
        SEARCH.find("Sabotage")
    assert str(caught.value) == (
        "no item is called 'Sabotage'. Ask by a part of its title, or by its id."
    )


def test_an_ambiguous_title_is_answered_with_all_that_it_may_be():
    with pytest.raises(ItemNotFound, match=r"2 items .*: 3 Sabrina \(1954\); 4 Sabrina \(1995\)"):
        SEARCH.find("sabrina")
    many = TitleSearch([NamedItem(one, f"Rocky {one}0 (19{one})") for one in range(10, 30)])
    with pytest.raises(ItemNotFound, match=r"20 titles hold 'rocky': .*; and 10 more"):
        many.find("rocky")


def test_plain_titles():
    assert plain("Amelie (Fabuleux destin, Le) (2001)") == "amelie"
    assert plain("(500) Days of Summer (2009)") == "(500) days of summer"
    assert plain("(2009)") == "(2009)"


def test_a_sum_divides_between_titles_and_not_inside_one():
    line = "Star Wars: Episode IV - A New Hope + Kung Fu Panda - 300"
    assert terms(line, SEARCH.is_exact) == [
        (1, "Star Wars: Episode IV - A New Hope"),
        (1, "Kung Fu Panda"),
        (-1, "300"),
    ]
    assert terms("Spider-Man", SEARCH.is_exact) == [(1, "Spider-Man")]


@pytest.mark.parametrize("line", ["Heat +", "+ Heat", "Heat + - Up", ""])
def test_a_missing_item_is_said(line):
    with pytest.raises(ItemNotFound, match="Write A"):
        terms(line, SEARCH.is_exact)
