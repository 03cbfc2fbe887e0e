"""Every request counted exactly once, whatever dies. See chaos/run.py; chaos/loop.sh runs it for many seeds."""

import os
import random

import pytest
from chaos import run


@pytest.mark.timeout(900)
def test_every_event_is_counted_once_through_faults(tmp_path):
    seed = int(os.environ.get("EXACTNESS_SEED") or random.SystemRandom().randrange(1_000_000))
    run.run(seed, tmp_path)
