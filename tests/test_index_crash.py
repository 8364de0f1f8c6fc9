import json
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = 12


@pytest.mark.slow
def test_a_writer_killed_at_any_moment_leaves_the_old_index_or_the_new_one(tmp_path):
    command = [sys.executable, "-m", "tests.kill_writer", tmp_path / "index", str(KILLS), "1"]
    done = subprocess.run(
        command, cwd=Path(__file__).parent.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["steps"] > KILLS
    assert told["undone"] > 0  # a kill in the middle of a step, whose traces were passed over
