"""Which language short chat texts are in, found without knowing their writers.

    python -m benchmarks.language [--file F] [--json] [--without-model]

F: JSON lines of `lang` and `text`; by default `tests/data/chat.jsonl`, 30 texts in each of 21
languages. What may be found is the project's own list, whatever the file holds.
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
if str(ROOT) not in sys.path:  # run as a file: `python benchmarks/language.py`
    sys.path.insert(0, str(ROOT))

from core.detection import SURE, judge, load_model  # noqa: E402

CHAT = ROOT / "tests" / "data" / "chat.jsonl"


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text("utf-8").splitlines() if line.strip()]


def measure(texts: list[dict[str, Any]]) -> dict[str, Any]:
    """-> accuracy: the share found right; confident_errors: how many are wrong and would be taken
    against the writer's own language; unsure: how many would not; own: accuracy where the writer's
    one language is known; microseconds: for one text, the median."""
    by_language: dict[str, list[bool]] = defaultdict(list)
    confident, unsure, own, times = 0, 0, 0, []
    for text in texts:
        begun = time.process_time()
        found, share = judge(text["text"], [])
        times.append(time.process_time() - begun)
        by_language[text["lang"]].append(found == text["lang"])
        confident += found != text["lang"] and share >= SURE
        unsure += share < SURE
        mine, share = judge(text["text"], [text["lang"]])
        own += mine == text["lang"] or share < SURE
    return {
        "texts": len(texts),
        "accuracy": round(sum(map(sum, by_language.values())) / len(texts), 4),
        "by_language": {tag: round(sum(h) / len(h), 4) for tag, h in by_language.items()},
        "confident_errors": confident,
        "unsure": unsure,
        "own": round(own / len(texts), 4),
        "microseconds": round(sorted(times)[len(times) // 2] * 1e6),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--file", type=Path, default=CHAT)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--without-model", action="store_true", help="letters and words alone")
    given = parser.parse_args()
    if not given.without_model:
        load_model()
    result = measure(read(given.file))
    if given.json:
        print(json.dumps(result))
        return
    print(f"{result['texts']} texts: {result['accuracy']:.1%} right, {result['own']:.1%} where the")
    print(f"writer's language is known; {result['confident_errors']} wrong without a doubt,")
    print(f"{result['unsure']} in doubt; {result['microseconds']} µs each")
    for tag, share in sorted(result["by_language"].items()):
        print(f"  {tag:8} {share:.1%}")


if __name__ == "__main__":
    main()
