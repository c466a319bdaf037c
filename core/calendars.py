"""The Persian calendar, by which Iran and Afghanistan count."""

from __future__ import annotations

from datetime import date

from core.folding import load

_BEFORE = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)
"""Days of a year before each month."""

MONTHS: dict[str, list[str]] = load("languages")["persian_months"]
"""For the languages that count so."""


def persian(day: date) -> tuple[int, int, int]:
    """-> year, month, day, in leap years' cycles of 33: right from 1799 to 2255 and a bit around.
    Tests compare it with ICU."""
    year = day.year + (day.month > 2)
    n = 355_666 + 365 * day.year + (year + 3) // 4 - (year + 99) // 100 + (year + 399) // 400
    n += day.day + _BEFORE[day.month - 1]
    cycles, n = divmod(n, 12_053)
    fours, n = divmod(n, 1461)
    found = 33 * cycles - 1595 + 4 * fours
    if n > 365:
        more, n = divmod(n - 1, 365)
        found += more
    if n < 186:
        return found, 1 + n // 31, 1 + n % 31
    return found, 7 + (n - 186) // 30, 1 + (n - 186) % 30
