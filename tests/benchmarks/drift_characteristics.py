"""False alarms of every drift detector, and power on handwritten digits beside alibi-detect.

Usage: drift_characteristics.py null [--windows 400]
       drift_characteristics.py power [--repeats 20] [--beside KSDrift MMDDrift ChiSquareDrift]

null: windows without drift on nine kinds of data, with a level of 5 % and any effect mattering; the
share that alarmed, with the 99.8 % interval of the binomial distribution at 5 %.

power: scikit-learn's digits (1,797 images of 8 x 8) with noise, turned by some degrees, or without
most zeros; the share of windows with p < 5 % by rows, and the share called drift with effects that
matter. The detectors named after --beside, of alibi-detect, get the same rows in a process of its
own in `.venv/alibi`; its MMDDrift takes most of the time.
"""

import argparse
import dataclasses
import functools
import json
import subprocess
import tempfile
import warnings
from pathlib import Path

import numpy as np

SIZES = (10, 20, 50, 100, 200, 500)
ALIBI = Path(__file__).parents[2] / ".venv/alibi/bin/python"
THEIRS = {
    "kolmogorov_smirnov": "KSDrift",
    "maximum_mean_discrepancy": "MMDDrift",
    "chi_squared on argmax": "ChiSquareDrift",
}


def drawn_null():
    """Return kinds of data without drift: name -> how to draw so many rows."""
    kinds = np.array(["a", "b", "c", "d", "e", "f"])
    shares = [0.4, 0.3, 0.1, 0.1, 0.06, 0.04]

    def columns(matrix):
        return {f"x{i}": column for i, column in enumerate(matrix.T)}

    def holes(g, n):
        return {"x0": np.where(g.random(n) < 0.2, np.nan, g.normal(size=n))}

    return {
        "normal": lambda g, n: columns(g.normal(size=(n, 3))),
        "heavy tails": lambda g, n: columns(g.standard_cauchy((n, 3))),
        "skewed": lambda g, n: columns(g.lognormal(size=(n, 3))),
        "two modes": lambda g, n: columns(g.normal(g.choice([-3, 3], (n, 1)), 1)),
        "correlated": lambda g, n: columns(g.normal(size=(n, 1)) + 0.5 * g.normal(size=(n, 4))),
        "rounded": lambda g, n: columns(np.round(g.normal(size=(n, 3)))),
        "ones": lambda g, n: columns(g.binomial(1, 0.2, (n, 3)).astype(float)),
        "holes": holes,
        "categories": lambda g, n: {"x0": g.choice(kinds, n, p=shares), "x1": g.choice(kinds, n)},
        "probabilities": lambda g, n: columns(g.dirichlet([4, 3, 2], n)),
    }


def detectors_of():
    """Return every detector with the kinds of data that it takes."""
    from kanaria.serving.drift.detector_registry import KINDS
    from kanaria.serving.drift.online.stream_window import RowByRow

    every = set(drawn_null())
    numbers = every - {"categories"}
    whole = numbers - {"holes"}
    takes = {
        "black_box_shift": {"probabilities"},
        "chi_squared": {"rounded", "ones", "categories"},
        "domain_classifier": every,
        "fisher_exact": {"ones"},
        "jensen_shannon": every,
        "missing_values": every,
        "population_stability": every,
        "table": every,
        "uncertainty": {"probabilities"},
    }
    by_name = {}
    for name, kind in KINDS.items():
        if issubclass(kind.settings, RowByRow):  # They promise a run length: `drift_online`.
            continue
        takes_whole_rows = {"permutations", "flag_share"} & set(kind.parameters)
        by_name[name] = (kind.settings(), takes.get(name, whole if takes_whole_rows else numbers))
    return by_name


def null(windows: int) -> None:
    """Print false alarms of each detector on each kind of data."""
    from scipy import stats

    low, high = stats.binom.ppf([0.001, 0.999], windows, 0.05) / windows
    print(
        f"{windows} windows of 100 rows, references of 200; 5 % is within {low:.3f} to {high:.3f}"
    )
    draws = drawn_null()
    for name, (strict, kinds) in detectors_of().items():
        detector = dataclasses.replace(strict, least=0)
        for kind in (kind for kind in draws if kind in kinds):
            generator = np.random.default_rng(11)
            alarms = 0
            for _ in range(windows):
                reference = detector.fit(draws[kind](generator, 200))
                alarms += detector.test(reference, draws[kind](generator, 100)).drifted
            mark = "  ABOVE" if alarms / windows > high else ""
            print(f"{name:34} {kind:14} {alarms / windows:.3f}{mark}", flush=True)


def digits():
    """Return a classifier of digits, and rows that it has not seen with their digits."""
    from sklearn.datasets import load_digits
    from sklearn.linear_model import LogisticRegression

    images, numbers = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(images))
    train, rest = order[:500], order[500:]
    model = LogisticRegression(max_iter=500).fit(images[train] / 16, numbers[train])
    return model, images[rest] / 16, numbers[rest]


def unchanged(rows, _numbers, _generator):
    """Return the rows."""
    return rows


def noise(rows, _numbers, generator):
    """Return the rows with noise of a tenth of the largest brightness."""
    return np.clip(rows + generator.normal(0, 0.1, rows.shape), 0, 1)


def rotation(rows, _numbers, _generator):
    """Return the rows turned by 20 degrees."""
    from scipy import ndimage

    images = rows.reshape(-1, 8, 8)
    turned = ndimage.rotate(images, 20, axes=(1, 2), reshape=False, order=1)
    return np.clip(turned.reshape(len(rows), 64), 0, 1)


def knock_out(rows, numbers, generator):
    """Return rows without nine of ten zeros."""
    remaining = rows[(numbers != 0) | (generator.random(len(rows)) < 0.1)]
    return remaining


SHIFTS = {"none": unchanged, "noise": noise, "rotation": rotation, "knock-out": knock_out}


def windows_of(repeats: int):
    """Yield shift, size, and a reference and a window without common rows."""
    _, rows, numbers = digits()
    for shift, change in SHIFTS.items():
        for size in SIZES:
            for repeat in range(repeats):
                generator = np.random.default_rng([size, repeat])
                order = generator.permutation(len(rows))
                pool = order[500:]
                changed = change(rows[pool], numbers[pool], generator)
                yield shift, size, rows[order[:500]], changed[:size]


def views(model, rows):
    """Return what each detector looks at: pixels, probabilities, predicted digit."""
    probabilities = model.predict_proba(rows)
    return {
        "pixels": {str(i): column for i, column in enumerate(rows.T)},
        "answers": {str(i): column for i, column in enumerate(probabilities.T)},
        "argmax": {"digit": probabilities.argmax(axis=1)},
    }


def ours(repeats: int):
    """Return p-values and verdicts by detector and window, and the windows for alibi-detect."""
    settings_by_name = {name: pair[0] for name, pair in detectors_of().items()}
    looks = {
        "kolmogorov_smirnov": "pixels",
        "maximum_mean_discrepancy": "pixels",
        "least_squares_density_difference": "pixels",
        "domain_classifier": "pixels",
        "black_box_shift": "answers",
        "uncertainty": "answers",
        "chi_squared on argmax": "argmax",
    }
    model = digits()[0]
    windows_by_name, held = {name: [] for name in looks}, {}
    for place, (shift, size, reference, window) in enumerate(windows_of(repeats)):
        old, new = views(model, reference), views(model, window)
        for name, look in looks.items():
            detector = settings_by_name[name.split()[0]]
            result = detector.test(detector.fit(old[look]), new[look])
            windows_by_name[name].append((shift, size, result.p_value, result.drifted))
        held |= {f"r{place}": reference, f"w{place}": window}
        held |= {f"s{place}": old["argmax"]["digit"], f"t{place}": new["argmax"]["digit"]}
    return windows_by_name, held


def theirs(folder: Path, beside: list[str]) -> None:
    """Write alibi-detect's p-values of the windows in `folder`."""
    from alibi_detect.cd import ChiSquareDrift, KSDrift, MMDDrift

    with np.load(folder / "windows.npz") as held:
        rows = {name: held[name] for name in held.files}
    made = {
        "KSDrift": ("rw", KSDrift),
        "MMDDrift": ("rw", functools.partial(MMDDrift, backend="tensorflow", n_permutations=100)),
        "ChiSquareDrift": ("st", ChiSquareDrift),
    }
    p_values_by_name = {}
    for name in beside:
        sides, make = made[name]
        p_values_by_name[name] = []
        for place in range(len(rows) // 4):
            old, new = (rows[f"{side}{place}"].astype("float32") for side in sides)
            flat = (old.reshape(len(old), -1), new.reshape(len(new), -1))
            p_value = np.atleast_1d(make(flat[0]).predict(flat[1])["data"]["p_val"])
            p_values_by_name[name].append(float(min(1, p_value.min() * len(p_value))))
    (folder / "found.json").write_text(json.dumps(p_values_by_name))


def power(repeats: int, beside: list[str]) -> None:
    """Print the power table, and how far p-values differ from alibi-detect's."""
    windows_by_name, held = ours(repeats)
    print(f"{repeats} windows a cell, references of 500")
    print(f"{'':46}" + "".join(f"{size:6}" for size in SIZES))
    for name, windows in windows_by_name.items():
        rows_of_table(name, windows)
    if not beside:
        return
    with tempfile.TemporaryDirectory() as made:
        np.savez(Path(made) / "windows.npz", **held)
        command = [str(ALIBI), "-I", __file__, "theirs", "--folder", made, "--beside", *beside]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        p_values = json.loads((Path(made) / "found.json").read_text())
    for name, other in THEIRS.items():
        if other not in p_values:
            continue
        pairs = list(zip(windows_by_name[name], p_values[other], strict=True))
        rows_of_table(f"alibi-detect {other}", [(*window[:2], p, None) for window, p in pairs])
        largest = max(abs(window[2] - p) for window, p in pairs)
        print(f"{name} and {other}: p-values differ by at most {largest:.1e}", flush=True)


def rows_of_table(name: str, windows: list[tuple[str, int, float, bool | None]]) -> None:
    """Print the shares of windows that one detector found."""
    for shift in SHIFTS:
        cells = [[w[2:] for w in windows if w[:2] == (shift, size)] for size in SIZES]
        shares = {"p < 5 %": [np.mean([p < 0.05 for p, _ in cell]) for cell in cells]}
        if windows[0][3] is not None:
            shares["drifted"] = [np.mean([drifted for _, drifted in cell]) for cell in cells]
        for window, row in shares.items():
            print(
                f"{name:26.26} {shift:10} {window:8}" + "".join(f"{s:6.2f}" for s in row),
                flush=True,
            )


def main() -> None:
    """Do what was asked."""
    warnings.filterwarnings("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("part", choices=["null", "power", "theirs"])
    parser.add_argument("--windows", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--beside", nargs="*", default=list(THEIRS.values()))
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part == "null":
        null(options.windows)
    elif options.part == "power":
        power(options.repeats, options.beside)
    else:
        theirs(options.folder, options.beside)


if __name__ == "__main__":
    main()
