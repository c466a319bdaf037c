"""A translation model small enough to be made by a test: it speaks nonsense, always the same."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import ctranslate2
import numpy as np
import sentencepiece
from ctranslate2.specs import TransformerSpec

_WIDTH, _INNER, _HEADS = 16, 32, 2
_SENTENCES = ["they took my brother", "where is he now", "nobody tells us anything"] * 5


def put(folder: Path, source: str, target: str, seed: int = 1) -> None:
    """Makes what an unpacked Argos package is: metadata.json, sentencepiece.model, model/."""
    folder.mkdir(parents=True)
    about = {"from_code": source, "to_code": target}
    (folder / "metadata.json").write_text(json.dumps(about))
    made = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(_SENTENCES), model_writer=made, vocab_size=60,
        hard_vocab_limit=False, minloglevel=5,
    )  # fmt: skip
    (folder / "sentencepiece.model").write_bytes(made.getvalue())
    words = sentencepiece.SentencePieceProcessor(model_proto=made.getvalue())
    known = [words.id_to_piece(n) for n in range(words.get_piece_size())]
    marks = ["<unk>", "<s>", "</s>"]
    _save(folder / "model", [*marks, *(piece for piece in known if piece not in marks)], seed)


def _save(folder: Path, vocabulary: list[str], seed: int) -> None:
    random = np.random.default_rng(seed)
    spec = TransformerSpec.from_config(num_layers=(1, 1), num_heads=_HEADS)

    def linear(layer: Any, out: int, into: int) -> None:
        layer.weight = random.standard_normal((out, into), dtype=np.float32) * 0.3
        layer.bias = np.zeros(out, np.float32)

    def norm(layer: Any) -> None:
        layer.gamma, layer.beta = np.ones(_WIDTH, np.float32), np.zeros(_WIDTH, np.float32)

    def attention(layer: Any, *sizes: int) -> None:
        norm(layer.layer_norm)
        for part, size in zip(layer.linear, sizes, strict=True):
            linear(part, size * _WIDTH, _WIDTH)

    def feed(layer: Any) -> None:
        norm(layer.layer_norm)
        linear(layer.linear_0, _INNER, _WIDTH)
        linear(layer.linear_1, _WIDTH, _INNER)

    embeddings = random.standard_normal((len(vocabulary), _WIDTH), dtype=np.float32)
    spec.encoder.embeddings[0].weight = spec.decoder.embeddings.weight = embeddings
    for layer in spec.encoder.layer:
        attention(layer.self_attention, 3, 1)
        feed(layer.ffn)
    for layer in spec.decoder.layer:
        attention(layer.self_attention, 3, 1)
        attention(layer.attention, 1, 2, 1)
        feed(layer.ffn)
    norm(spec.encoder.layer_norm)
    norm(spec.decoder.layer_norm)
    linear(spec.decoder.projection, len(vocabulary), _WIDTH)
    spec.register_source_vocabulary(vocabulary)
    spec.register_target_vocabulary(vocabulary)
    spec.validate()
    folder.mkdir()
    spec.save(str(folder))
    assert ctranslate2.contains_model(str(folder))
