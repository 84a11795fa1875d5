"""Stage 1: load the digits, shift them about to have more of them, project them, split them."""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.model_selection import train_test_split

import tuner

SPLIT_SEED = 0  # the same split for every trial, or their errors could not be compared


def shifted(images: np.ndarray) -> np.ndarray:
    """Each 8 x 8 image, moved by up to one pixel in every direction: nine for one."""
    padded = np.pad(images, ((0, 0), (1, 1), (1, 1)))
    return np.concatenate([padded[:, y : y + 8, x : x + 8] for y in range(3) for x in range(3)])


def main() -> None:
    p = tuner.parameters(components=32)
    digits = load_digits()
    rest, test, rest_labels, test_labels = train_test_split(
        digits.images / 16.0, digits.target, test_size=360, random_state=SPLIT_SEED
    )
    train, validation, train_labels, validation_labels = train_test_split(
        rest, rest_labels, test_size=360, random_state=SPLIT_SEED
    )
    train = shifted(train)
    projection = PCA(p.components, whiten=True, random_state=SPLIT_SEED).fit(flat(train))
    np.savez(
        tuner.output_dir() / "digits.npz",
        train=projection.transform(flat(train)).astype("float32"),
        train_labels=np.tile(train_labels, 9),
        validation=projection.transform(flat(validation)).astype("float32"),
        validation_labels=validation_labels,
        test=projection.transform(flat(test)).astype("float32"),
        test_labels=test_labels,
    )
    explained = projection.explained_variance_ratio_.sum()
    print(f"{len(train)} training images, {p.components} components hold {explained:.1%}")


def flat(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1)


if __name__ == "__main__":
    main()
