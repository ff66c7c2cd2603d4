"""How exactly the picture moves from frame to frame: measured by optical flow, against what the plan says."""

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from worker.media.still.motion import Plan, Window
from worker.media.still.planes import Plane

_GRID = 60  # pixels between the points that are followed
_BORDER = 40
_CRITERIA = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-3)


@dataclass(frozen=True, slots=True)
class Smoothness:
    """`jitter_px` is the RMS over frames of how far the picture (the median point) is from where it should be."""

    jitter_px: float
    backward_frames: int


def smoothness(luma: Iterable[Plane], plan: Plan) -> Smoothness:
    """Follow a grid of points through the luma of a video whose frames show the plan's windows."""
    errors, backward, before = [], 0, None
    for index, frame in enumerate(luma):
        if before is not None:
            moved, exact = _moves(before, frame, plan, index)
            errors.append(np.median(moved - exact, axis=0))
            backward += _runs_backward(moved, exact)
        before = frame.copy()
    return Smoothness(float(np.sqrt(np.mean(np.square(errors)))), backward)


def _moves(before: Plane, frame: Plane, plan: Plan, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how far each point moved, as measured and as planned, where both are inside the frame."""
    height, width = frame.shape
    start, end = plan.windows[index - 1], plan.windows[index]
    x, y = np.meshgrid(np.arange(_BORDER, width - _BORDER, _GRID), np.arange(_BORDER, height - _BORDER, _GRID))
    points = np.stack([x.ravel(), y.ravel()], axis=-1).astype(np.float32)
    found, status, _ = cv2.calcOpticalFlowPyrLK(
        before,
        frame,
        points[:, None],
        points[:, None].copy(),
        winSize=(31, 31),
        maxLevel=3,
        criteria=_CRITERIA,
    )
    seen = status.ravel() == 1
    exact = _to_frame(_to_photo(points + 0.5, start, width, height), end, width, height) - 0.5 - points
    return (found[:, 0] - points)[seen].astype(np.float64), exact[seen]


def _to_photo(points: NDArray[np.float32], window: Window, width: int, height: int) -> NDArray[np.float64]:
    made: NDArray[np.float64] = np.array([window.x, window.y]) + points * np.array(
        [window.width / width, window.height / height]
    )
    return made


def _to_frame(points: NDArray[np.float64], window: Window, width: int, height: int) -> NDArray[np.float64]:
    made: NDArray[np.float64] = points - np.array([window.x, window.y])
    made /= np.array([window.width / width, window.height / height])
    return made


def _runs_backward(moved: NDArray[np.float64], exact: NDArray[np.float64]) -> bool:
    """Return whether the picture as a whole went against the plan, where the plan moves it at all."""
    length = np.linalg.norm(exact, axis=1)
    moving = length > 0.05
    along = (moved * exact).sum(axis=1)[moving] / length[moving]
    return bool(moving.any() and np.median(along) < 0)
