import base64
import io
import struct
import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from watched_traffic import exchange

from kanaria.components.shared.errors import DataError
from kanaria.serving.drift import image_features
from kanaria.serving.drift.report.verdict_wording import changes
from kanaria.serving.drift.table_detector import Table
from kanaria.serving.drift_watch import encoded_images
from kanaria.serving.drift_watch.examine_window import Fitted, examine
from kanaria.serving.drift_watch.window_columns import read

DRAW = np.random.default_rng(0)


def picture(light, size=(40, 30)):
    return (DRAW.uniform(0.2, 1.0, (size[1], size[0], 3)) * light * 255).astype(np.uint8)


def written(pixels, kind="PNG"):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind)
    return file.getvalue()


def text(file):
    return base64.b64encode(file).decode()


AS_SENT = {
    "V1, TensorFlow Serving": lambda file: {"instances": [{"image": {"b64": text(file)}}]},
    "V1, one value a row": lambda file: {"instances": [{"b64": text(file)}]},
    "V1, TorchServe": lambda file: {"instances": [{"data": text(file)}]},
    "V2": lambda file: {
        "inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": [text(file)]}]
    },
}


@pytest.mark.parametrize("body", AS_SENT.values(), ids=AS_SENT)
def test_a_file_has_the_features_of_its_pixels(body):
    pixels = picture(0.8)
    inputs = read([exchange(body(written(pixels)))]).inputs
    expected = image_features.features(pixels[None])
    assert {name: inputs[name][0] for name in expected} == pytest.approx(
        {name: column[0] for name, column in expected.items()}
    )


@pytest.mark.parametrize("scale", [255, 1.0])
def test_a_camera_that_sends_pixels_and_goes_dark_is_found_in_its_first_window(scale):
    def pictures(light, count):
        pixels = DRAW.uniform(0.2, 1.0, (count, 6, 6, 3)) * light * scale
        return pixels.astype(int) if scale == 255 else pixels

    def sent(light):
        return {"inputs": {"image": pictures(light, 100).tolist(), "room": ["a"] * 100}}

    detector = Table()
    day = read([exchange(sent(0.9), rows=100) for _ in range(5)])
    reference = detector.fit({name: day.inputs[name] for name in ("brightness", "contrast")})
    window = examine(read([exchange(sent(0.1))]), Fitted(detector=detector, reference=reference))
    assert "brightness" in [name for name, _ in changes(window)]
    means = {column.name: column.mean for column in window.inputs}
    assert means["brightness"] == pytest.approx(0.06, abs=0.01)


def test_what_only_has_the_axes_of_images_stays_and_is_told():
    rows = read([exchange({"inputs": {"series": np.full((2, 3, 4), 900.0).tolist()}})])
    assert rows.inputs["series"].shape == (2, 3, 4)
    assert "series is not looked at as images" in rows.differences[0]


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_camera_that_sends_files_and_goes_dark_is_found_in_its_first_window(kind):
    def sent(light):
        sizes = [(40, 30), (64, 48)]
        files = [written(picture(light, sizes[row % 2]), kind) for row in range(100)]
        return exchange({"instances": [{"b64": text(file)} for file in files]}, rows=100)

    detector = Table()
    day = read([sent(0.9) for _ in range(5)])
    reference = detector.fit({name: day.inputs[name] for name in ("brightness", "contrast")})
    window = examine(read([sent(0.1)]), Fitted(detector=detector, reference=reference))
    assert window.verdict == "drifted"


@pytest.mark.parametrize(
    ("mode", "value", "brightness"),
    [
        ("1", 1, 1.0),
        ("L", 51, 0.2),
        ("LA", (51, 0), 0.2),
        ("RGBA", (51, 51, 51, 0), 0.2),
        ("I;16", 13107, 0.2),
    ],
)
def test_a_png_of_any_type_has_its_brightness(mode, value, brightness):
    file = io.BytesIO()
    Image.new(mode, (8, 8), value).save(file, "PNG")
    features = image_features.features(encoded_images.pixels(file.getvalue())[None])
    assert features["brightness"][0] == pytest.approx(brightness, abs=1e-3)


def test_an_image_that_is_cut_off_is_missing_and_told():
    whole = written(picture(0.5))
    rows = [{"b64": text(file)} for file in (whole, whole[:200], whole)]
    window = read([exchange({"instances": rows}, rows=3)])
    assert np.isnan(window.inputs["brightness"]).tolist() == [False, True, False]
    assert "has a missing image: image that cannot be read" in window.differences[0]


def test_a_request_whose_only_image_is_damaged_has_the_same_columns():
    whole, cut = (written(picture(0.5)), written(picture(0.5))[:200])
    window = read([exchange({"instances": [{"b64": text(file)}]}, rows=1) for file in (whole, cut)])
    assert set(window.inputs) == set(image_features.NAMES)
    assert np.isnan(window.inputs["blur"]).tolist() == [False, True]


def test_a_value_that_is_no_file_beside_images_is_missing_and_told():
    rows = [{"b64": text(written(picture(0.5)))}, 5]
    window = read([exchange({"instances": rows}, rows=2)])
    assert np.isnan(window.inputs["brightness"]).tolist() == [False, True]
    assert "5: no image; send JPEG or PNG" in window.differences[0]


@settings(max_examples=300)
@given(
    st.sampled_from(["JPEG", "PNG"]),
    st.lists(st.tuples(st.integers(8, 2000), st.binary(max_size=8)), min_size=1, max_size=4),
)
def test_damage_is_one_error_or_none(kind, changes):
    file = bytearray(written(picture(0.5, (20, 20)), kind))
    for place, data in changes:
        file[place : place + len(data)] = data
    with suppress(DataError):
        assert encoded_images.pixels(bytes(file)).ndim in (2, 3)


def test_a_file_that_pretends_to_be_huge_is_refused():
    file = written(picture(0.5))
    head = b"IHDR" + struct.pack(">II", 30_000, 30_000) + file[24:29]
    huge = file[:12] + head + struct.pack(">I", zlib.crc32(head)) + file[33:]
    with pytest.raises(DataError, match="exceeds limit"):
        encoded_images.pixels(huge)


def test_text_that_only_begins_like_an_image_stays_text():
    window = read([exchange({"instances": [{"path": "/9j/photos"}]})])
    assert window.inputs["path"].tolist() == ["/9j/photos"]
    assert window.differences == ()


def test_an_image_of_too_many_pixels_is_not_unpacked(monkeypatch):
    monkeypatch.setattr(encoded_images, "MOST_PIXELS", 99)
    window = read([exchange({"instances": [{"b64": text(written(picture(1.0, (10, 10))))}]})])
    assert "send at most 99" in window.differences[0]
