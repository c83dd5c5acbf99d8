"""A language model of random weights: it knows no word, but a server runs it like any other."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np

BLOCKS, WIDTH, HEADS, INNER, CONTEXT = 2, 64, 4, 128, 16_384
SPECIAL = ("<unk>", "<s>", "</s>")
BYTES = 256


def write_model(path: Path) -> None:
    """Write a model of the `llama` architecture whose tokens are the 256 bytes.

    Args:
        path: Where the GGUF file goes; half a megabyte.
    """
    rng = np.random.default_rng(7)
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("random")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(BLOCKS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    _add_tokens(writer)
    size = len(SPECIAL) + BYTES

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, rng.normal(0.0, 0.3, shape).astype(np.float32))

    add("token_embd.weight", size, WIDTH)
    add("output_norm.weight", WIDTH)
    add("output.weight", size, WIDTH)
    for block in range(BLOCKS):
        prefix = f"blk.{block}."
        add(prefix + "attn_norm.weight", WIDTH)
        add(prefix + "ffn_norm.weight", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{prefix}{name}.weight", WIDTH, WIDTH)
        add(prefix + "ffn_gate.weight", INNER, WIDTH)
        add(prefix + "ffn_up.weight", INNER, WIDTH)
        add(prefix + "ffn_down.weight", WIDTH, INNER)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_tokens(writer: gguf.GGUFWriter) -> None:
    kinds = gguf.TokenType
    writer.add_tokenizer_model("llama")
    writer.add_token_list([*SPECIAL, *(f"<0x{value:02X}>" for value in range(BYTES))])
    writer.add_token_scores([0.0] * (len(SPECIAL) + BYTES))
    special = [kinds.UNKNOWN, kinds.CONTROL, kinds.CONTROL]
    writer.add_token_types([*special, *([kinds.BYTE] * BYTES)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
