"""Listening to what was made, by another decoder than the one that made it."""

from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

RATE = 8_000

Samples = NDArray[np.float32]


def heard(path: Path) -> Samples:
    """Return the sound of a file: one channel, 8000 samples a second, from the beginning of its time."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="flt", layout="mono", rate=RATE)
        parts: list[Samples] = []
        start = None
        for frame in container.decode(audio=0):
            start = float(frame.time or 0) if start is None else start
            parts += [np.asarray(made.to_ndarray()[0], np.float32) for made in resampler.resample(frame)]
        parts += [np.asarray(made.to_ndarray()[0], np.float32) for made in resampler.resample(None)]
    samples = np.concatenate(parts)
    lead = round((start or 0) * RATE)
    return np.concatenate([np.zeros(max(lead, 0), np.float32), samples])


def level(samples: Samples, frequency: float, begin_s: float, end_s: float) -> float:
    """Return the amplitude of a tone between two times: 1.0 is full scale."""
    part = samples[round(begin_s * RATE) : round(end_s * RATE)]
    times = np.arange(len(part)) / RATE
    return float(2 * abs(np.mean(part * np.exp(-2j * np.pi * frequency * times))))


def rms(samples: Samples, begin_s: float, end_s: float) -> float:
    """Return how much sound there is between two times."""
    return float(np.sqrt(np.mean(samples[round(begin_s * RATE) : round(end_s * RATE)] ** 2)))
