import numpy as np

from resources.memory import PeakMemory


def test_the_peak_is_seen_though_it_is_gone_at_the_end():
    with PeakMemory() as memory:
        held = np.ones(25_000_000)  # 200 MB
        held += 1
        del held
    assert 150 < memory.peak_mb < 1_000


def test_who_needs_nothing_has_no_peak():
    with PeakMemory() as memory:
        pass
    assert memory.peak_mb < 50
