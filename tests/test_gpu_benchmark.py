"""The GPU case's own arithmetic, on a small model and the CPU."""

from benchmarks import gpu
from benchmarks.gpu import Shape, Speed, Way, measure


def test_without_a_gpu_nothing_is_told_as_measured(monkeypatch, tmp_path):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    rows = gpu.run(tmp_path)
    assert len(rows) == len(gpu.SHAPES) * len(gpu.WAYS)
    assert {each["value"] for each in rows} == {"not measured"}


def test_a_small_shape_is_trained_and_its_tokens_are_counted(tmp_path, here):
    shape = Shape("tiny", 32, 64, 2, 2, 1, vocabulary=400)
    way = Way(precision="fp32", max_tokens=64, batch_size=2)
    speed = measure(shape, way, tmp_path, warm=1, timed=2, device="cpu")
    # 400 words of 32, and two layers: what is frozen, once, for head and words are one matrix.
    assert 400 * 32 < speed.parameters < 400 * 32 + 2 * 20_000
    assert speed.tokens_a_second > 0


def test_a_share_of_the_peak_counts_what_adapters_compute():
    assert Speed(1000.0, 10**9, 1.0).share(Way(), 1e13) == 0.4
    assert Speed(1000.0, 10**9, 1.0).share(Way(method="full"), 1e13) == 0.6
