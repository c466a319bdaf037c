"""Own words to skills: how often a right one is among the three that are proposed.

    python -m benchmarks.skills [--file F] [--json]

F: JSON lines of `lang`, `text` and `skills` (all that are right); by default the needs of
`tests/data/needs.test.jsonl`, which nothing was chosen or learned by.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:  # run as a file: `python benchmarks/skills.py`
    sys.path.insert(0, str(ROOT))

from core.detection import detect  # noqa: E402
from core.skills import suggest  # noqa: E402

NEEDS = ROOT / "tests" / "data" / "needs.test.jsonl"


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def measure(needs: list[dict[str, Any]]) -> dict[str, Any]:
    """-> hit_at_3: the share of needs with a right skill among the three proposed; detected:
    the same with the language that the text itself shows; precision: the share of proposals that
    are right; microseconds: of processor time for one need, the median."""
    for need in needs:
        suggest(need["text"], need["lang"])  # the index of each language is made once
    by_language: dict[str, list[bool]] = defaultdict(list)
    first, detected, right, proposed, times = 0, 0, 0, 0, []
    for need in needs:
        wanted = set(need["skills"])
        begun = time.process_time()
        found = [code for code, _ in suggest(need["text"], need["lang"])]
        times.append(time.process_time() - begun)
        by_language[need["lang"]].append(bool(wanted & set(found)))
        first += bool(wanted & set(found[:1]))
        right += len(wanted & set(found))
        proposed += len(found)
        shown = suggest(need["text"], detect(need["text"], []))
        detected += bool(wanted & {code for code, _ in shown})
    hits = sum(map(sum, by_language.values()))
    return {
        "needs": len(needs),
        "hit_at_3": round(hits / len(needs), 4),
        "hit_at_1": round(first / len(needs), 4),
        "detected": round(detected / len(needs), 4),
        "by_language": {tag: round(sum(h) / len(h), 4) for tag, h in by_language.items()},
        "precision": round(right / max(proposed, 1), 4),
        "microseconds": round(sorted(times)[len(times) // 2] * 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=NEEDS)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = measure(read(given.file))
    if given.json:
        print(json.dumps(result))
        return
    print(f"{result['needs']} needs: a right skill among three {result['hit_at_3']:.1%}, first")
    print(f"{result['hit_at_1']:.1%}; with the language it shows itself {result['detected']:.1%};")
    print(
        f"of what is proposed {result['precision']:.1%} is right; {result['microseconds']} µs each"
    )
    for tag, share in sorted(result["by_language"].items()):
        print(f"  {tag:8} {share:.1%}")


if __name__ == "__main__":
    main()
