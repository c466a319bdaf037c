"""The program that drafts translations with models on this machine, alone in its own process: a
line of JSON in on stdin, a line of JSON out on stdout. Imports nothing of ours, downloads nothing.

In: {"models": ["models/translate-fa_en-1_5", ...], "text": "..."}: one model, or two that meet in
English. Out: {"text": "..."}. A model is an unpacked Argos package: `model/` for CTranslate2
(https://opennmt.net/CTranslate2/) and `sentencepiece.model`.
"""

from __future__ import annotations

import ctypes
import json
import os
import re
import resource
import sys
from functools import cache
from pathlib import Path
from typing import Any

MEMORY = 4 << 30  # bytes of address space: models are mapped, not read
LONGEST = 512  # tokens of one sentence
_SENTENCE = re.compile(r"[^.!?؟۔。！？\n]+[.!?؟۔。！？\n]*\s*|[.!?؟۔。！？\n]+\s*")


def limit() -> None:
    """Memory, no files written, no core dump; people who write come first."""
    os.nice(15)
    for what, most in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":  # the limit alone does not stop dumps that are piped: core(5)
        ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE


@cache
def _model(folder: str) -> tuple[Any, Any]:
    import ctranslate2  # type: ignore[import-untyped,unused-ignore]
    import sentencepiece  # type: ignore[import-untyped,unused-ignore]

    translator = ctranslate2.Translator(str(Path(folder) / "model"), device="cpu", intra_threads=1)
    words = sentencepiece.SentencePieceProcessor(str(Path(folder) / "sentencepiece.model"))
    return translator, words


def translated(folder: str, text: str) -> str:
    """Sentence by sentence; white space between them stays."""
    translator, words = _model(folder)
    sentences = _SENTENCE.findall(text)
    pieces = [words.encode(sentence.strip(), out_type=str)[:LONGEST] for sentence in sentences]
    asked = [tokens for tokens in pieces if tokens]
    answers = iter(
        translator.translate_batch(asked, beam_size=4, max_decoding_length=LONGEST) if asked else ()
    )
    out = []
    for sentence, tokens in zip(sentences, pieces, strict=True):
        said = words.decode(next(answers).hypotheses[0]) if tokens else ""
        out.append(said.strip() + sentence[len(sentence.rstrip()) :])
    return "".join(out).strip()


def main() -> None:
    limit()
    for line in sys.stdin:
        asked = json.loads(line)
        text = asked["text"]
        for folder in asked["models"]:
            text = translated(folder, text)
        print(json.dumps({"text": text}), flush=True)


if __name__ == "__main__":
    main()
