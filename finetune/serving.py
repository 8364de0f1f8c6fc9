"""What serves a run: encoders and models over onnxruntime; torch is imported only to export."""

from pathlib import Path

from data.encoders import fingerprint_of, resolve_encoder
from data.errors import RunDirError
from data.onnx_text import OnnxEncoder
from finetune.run_dir import RunDir, sha256_of

ENCODER_CACHE = Path("var/encoders")


def shared_encoder(name: str, cache: Path = ENCODER_CACHE, threads: int = 2) -> OnnxEncoder:
    """The untuned encoder of that name; exported to `cache` the first time (some seconds).

    Raises:
        EncoderError: If the name cannot be resolved.
    """
    source = resolve_encoder(name)
    folder = cache / source.fingerprint[:16]
    if not (folder / "tokenizer.json").exists():
        from finetune.encoder import export_encoder

        export_encoder(source, folder)
    return OnnxEncoder(folder, source.fingerprint, threads=threads)


def encoder_of(name: str, threads: int = 2) -> OnnxEncoder:
    """An encoder by name, or by the path of a `reply` run, whose tuned encoder it then is.

    Raises:
        EncoderError: If the name cannot be resolved.
        RunDirError: If the path is a run of another task.
    """
    run = RunDir(Path(name))
    if not run.config.exists():
        return shared_encoder(name, threads=threads)
    run.check("reply")
    max_tokens = int(run.read_config()["train"]["max_tokens"])
    folder = run.weights
    if not (folder / "tokenizer.json").exists():
        raise RunDirError(f"{folder}: tokenizer.json missing; train the run again")
    return OnnxEncoder(folder, sha256_of(run.model), max_tokens, threads)


__all__ = ["encoder_of", "fingerprint_of", "shared_encoder"]
