"""A prompt with history and completion where someone types; plain lines where they are piped."""

import sys
from collections.abc import Callable, Sequence
from typing import Final

from edgerec.errors import EdgeRecError
from edgerec.titles.search import plain

_PROMPT: Final = "similar to> "
_MOST_COMPLETIONS: Final = 50
_OPERATORS: Final = (" + ", " - ")


def ask_again_and_again(answer: Callable[[str], None], titles: Sequence[str]) -> None:
    """Answer line by line until the input ends, or an empty line stops it; errors are said.

    Parameters
    ----------
    titles : sequence of str
        What a line may be completed to.
    """
    typed = sys.stdin.isatty()
    if typed:
        print("A title or an id, + and - between several; Tab completes, Ctrl-D ends.")
        _complete_with(titles)
    while True:
        try:
            line = input(_PROMPT if typed else "")
        except EOFError:
            break
        if not line.strip():
            continue
        try:
            answer(line)
        except EdgeRecError as error:
            print(f"error: {error}", file=sys.stderr)
    if typed:
        print()


def completions(line: str, titles: Sequence[str]) -> list[str]:
    """Return what a line may become: its last title completed.

    >>> completions("Heat + ali", ["Alien (1979)", "Aliens (1986)", "Heat (1995)"])
    ['Heat + Alien (1979)', 'Heat + Aliens (1986)']
    """
    start = max(line.rfind(one) + len(one) if one in line else 0 for one in _OPERATORS)
    begun = line[start:].lstrip('"').casefold()
    found = [
        title for title in titles if title.casefold().startswith(begun) or plain(title) == begun
    ]
    return [line[:start] + title for title in sorted(found)[:_MOST_COMPLETIONS]] if begun else []


def _complete_with(titles: Sequence[str]) -> None:
    try:
        import readline
    except ImportError:  # Windows has none: lines are read all the same.
        return
    named = [title for title in titles if title]
    found: list[str] = []

    def complete(text: str, number: int) -> str | None:
        nonlocal found
        if number == 0:
            found = completions(text, named)
        return found[number] if number < len(found) else None

    # Titles hold spaces and more: the whole line is what is completed.
    readline.set_completer_delims("")
    readline.set_completer(complete)
    is_libedit = "libedit" in (readline.__doc__ or "")
    readline.parse_and_bind("bind ^I rl_complete" if is_libedit else "tab: complete")
