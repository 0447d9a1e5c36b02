"""A camera that goes dark, out of focus or blind is found in its first window of images."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.datasets import load_digits

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import image_features
from kanaria.serving.drift.table_detector import Table

DIGITS = load_digits().images / 16
REFERENCE, SERVED = DIGITS[::2], DIGITS[1::2]
FAULTS = {
    "dark": lambda window: 0.3 * window,
    "bright": lambda window: np.minimum(1, 1.8 * window),
    "out of focus": lambda window: gaussian_filter(window, sigma=(0, 1, 1)),
    "stuck": lambda window: np.repeat(window[:1], len(window), axis=0),
    "covered": lambda window: np.zeros_like(window),
    "foggy": lambda window: 0.5 + 0.3 * window,
}


def windows(rows: int, count: int) -> list[np.ndarray]:
    generator = np.random.default_rng(12)
    return [generator.choice(SERVED, rows, replace=False) for _ in range(count)]


@pytest.mark.parametrize("rows", [20, 50])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_camera_is_found_in_its_first_window(fault, rows):
    detector = Table()
    reference = detector.fit(image_features.features(REFERENCE))
    for window in windows(rows, 10):
        assert detector.test(reference, image_features.features(FAULTS[fault](window))).drifted


@pytest.mark.parametrize("rows", [20, 50])
def test_a_good_camera_raises_no_alarm(rows):
    detector = Table()
    reference = detector.fit(image_features.features(REFERENCE))
    alarms = [
        detector.test(reference, image_features.features(w)).drifted for w in windows(rows, 40)
    ]
    # 5 % a window are promised at most: of 40 windows 7 or more alarm once in a hundred times.
    assert sum(alarms) <= 6


def test_bytes_channels_and_floats_give_the_same_features():
    grey = np.random.default_rng(13).integers(0, 256, (3, 5, 6), dtype=np.uint8)
    colour = np.repeat(grey[..., None], 3, axis=3)
    expected = image_features.features(grey)
    assert list(expected) == ["brightness", "contrast", "blur", "saturated", "dark"]
    for same in (grey / 255, grey[..., None], colour, colour / 255):
        for name, column in image_features.features(same).items():
            np.testing.assert_allclose(column, expected[name], atol=1e-12)


def test_a_plain_image_has_no_contrast_and_no_blur():
    features = image_features.features(np.stack([np.zeros((4, 4)), np.ones((4, 4))]))
    assert features["brightness"].tolist() == [0, 1]
    assert features["contrast"].tolist() == features["blur"].tolist() == [0, 0]
    assert features["saturated"].tolist() == [0, 1] and features["dark"].tolist() == [1, 0]


def test_embeddings_are_columns():
    columns = image_features.embeddings(DIGITS[:5], lambda pixels: pixels.reshape(5, -1)[:, :2])
    assert list(columns) == ["embedding_0", "embedding_1"] and len(columns["embedding_0"]) == 5
    with pytest.raises(DataError, match="for 5 images; return a row each"):
        image_features.embeddings(DIGITS[:5], lambda pixels: pixels[:3])


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((4, 4)), r"shape \(4, 4\)"),
        (np.zeros((1, 4, 4, 2)), "1, 3 or 4 channels"),
        (np.zeros((1, 4, 4), dtype=int), "int64 pixels"),
        (np.full((1, 4, 4), 255.0), "from 0 to 1"),
        (np.full((1, 4, 4), np.nan), "none missing"),
    ],
)
def test_what_are_no_images_is_refused(images, message):
    with pytest.raises(DataError, match=message):
        image_features.features(images)
