"""What serves a run: encoders and models over onnxruntime; torch is imported only to export."""

from pathlib import Path

from data.encoder_way import positions_of
from data.encoders import fingerprint_of, resolve_encoder
from data.errors import RunDirError
from data.onnx_text import OnnxEncoder, Side
from finetune.run_dir import RunDir, sha256_of
from finetune.run_kind import RunKind, kind_of

ENCODER_CACHE = Path("var/encoders")
SHARED_TOKENS = 256  # of a text that the shared encoder reads


def shared_encoder(
    name: str,
    cache: Path = ENCODER_CACHE,
    threads: int = 2,
    max_tokens: int = SHARED_TOKENS,
    cut: Side = "right",
) -> OnnxEncoder:
    """The untuned encoder of that name; exported to `cache` the first time (some seconds).

    Texts of more than `max_tokens` lose their end, or their beginning where `cut` is left.

    Raises:
        EncoderError: If the name cannot be resolved.
    """
    source = resolve_encoder(name)
    folder = cache / source.fingerprint[:16]
    if not (folder / "tokenizer.json").exists():
        from finetune.encoder import export_encoder

        export_encoder(source, folder)
    most = min(max_tokens, positions_of(source.path) or max_tokens)
    return OnnxEncoder(folder, source.fingerprint, most, threads, cut, source.way)


def ends_encoder(name: str, max_tokens: int, threads: int = 2) -> OnnxEncoder:
    """The same encoder for conversations: of a long text it reads the last `max_tokens`."""
    return shared_encoder(name, threads=threads, max_tokens=max_tokens, cut="left")


def encoder_of(name: str, threads: int = 2) -> OnnxEncoder:
    """An encoder by name, or by the path of a `reply` or `pretrain` run, whose encoder it then is.

    Raises:
        EncoderError: If the name cannot be resolved.
        RunDirError: If the path is a run of another task, or a cross-encoder.
    """
    run = RunDir(Path(name))
    if not run.config.exists():
        return shared_encoder(name, threads=threads)
    if run.trained().task == "pretrain":
        run.check("pretrain")
        return shared_encoder(name, threads=threads)
    run.check("reply")
    check_kind(run, "bi_encoder")
    max_tokens = run.trained().max_tokens
    folder = run.weights
    if not (folder / "tokenizer.json").exists():
        raise RunDirError(f"{folder}: tokenizer.json missing; train the run again")
    # A head that was trained on `encoder: runs/NAME` knows it by the weights that torch read.
    whole = (run.encoder / "tokenizer.json").exists()
    fingerprint = resolve_encoder(name).fingerprint if whole else sha256_of(run.model)
    return OnnxEncoder(folder, fingerprint, max_tokens, threads)


def check_kind(run: RunDir, kind: RunKind) -> None:
    """Raise RunDirError where a reply run is of another kind."""
    found = kind_of(run)
    if found == kind:
        return
    if found == "cross_encoder":
        raise RunDirError(
            f"{run.root}: a cross-encoder, which ranks answers but has no vectors; give a run that "
            "was trained with reply.kind=bi_encoder"
        )
    raise RunDirError(
        f"{run.root}: a bi-encoder; a cross-encoder is needed here: train one with --config "
        "finetune/configs/reply_cross.yaml"
    )


__all__ = [
    "check_kind",
    "encoder_of",
    "ends_encoder",
    "fingerprint_of",
    "shared_encoder",
]
