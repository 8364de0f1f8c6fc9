# Every target makes .venv from the lock on its own if that is missing.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed-from-lock
DATASETS ?= ../shared/datasets

.PHONY: demo test test-fast check smoke bench clean

demo: $(READY)
	$(BIN)/deskhand demo

# Two processes; a thread that waits sleeps or is not there, instead of keeping the other from its core.
test: $(READY)
	OMP_WAIT_POLICY=PASSIVE OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder --durations 20

test-fast: $(READY)
	$(BIN)/python -m pytest -q -m "not slow and not browser and not gpu and not network"

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m benchmarks.check_samples

# prepare → two training steps → index → ask, on the samples, in a folder of its own
smoke: $(READY)
	BIN="$(abspath $(BIN))" SAMPLES="$(abspath data/samples)" sh tests/smoke.sh

bench: $(READY)
	$(BIN)/python -m benchmarks.run --datasets $(DATASETS)

clean:
	rm -rf $(VENV) runs indexes var

$(READY): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(READY)
