"""A simulated webcam: one portrait as many frames, moved, turned and lit a little differently each time."""

import cv2
import numpy as np

from familiar.seeing.image import Frame


def frames(portrait: Frame, count: int, seed: int = 0, size_px: int = 320) -> list[Frame]:
    """Return ``count`` frames uint8[S, S, 3] of a portrait uint8[H, W, 3]; no two are the same."""
    chance = np.random.default_rng(seed)
    side = min(portrait.shape[:2])
    made = []
    for _ in range(count):
        zoom = size_px / side * chance.uniform(0.85, 1.1)
        matrix = cv2.getRotationMatrix2D((side / 2, side / 2), chance.uniform(-12, 12), zoom)
        matrix[:, 2] += size_px / 2 - side / 2 + chance.uniform(-15, 15, 2)
        # A turned head, roughly: the picture is squeezed and sheared a little.
        across, down = chance.uniform((0.9, -0.06), (1.0, 0.06)), chance.uniform((-0.06, 0.92), (0.06, 1.0))
        shear = np.array([across, down])
        matrix[:, :2] = matrix[:, :2] @ shear
        frame = cv2.warpAffine(portrait, matrix, (size_px, size_px), borderMode=cv2.BORDER_REPLICATE)
        light = frame.astype(np.float32) * chance.uniform(0.75, 1.1) + chance.normal(0, 2, frame.shape)
        made.append(np.clip(light, 0, 255).astype(np.uint8))
    return made


def jpegs(portrait: Frame, count: int, seed: int = 0, size_px: int = 320) -> list[bytes]:
    """Return the same as JPEG."""
    return [
        cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1].tobytes()
        for frame in frames(portrait, count, seed, size_px)
    ]
