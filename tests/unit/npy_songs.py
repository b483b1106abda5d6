"""Songs in the format of the lyrics-melody collection, made for tests."""

import io
import os
import zipfile

import numpy as np


def parts(count=25, syllables=None):
    """Continuous, discrete and syllable entries of `count` notes, half a second apart."""
    continuous = [[0.5 if i else 0.0, 0.4, 440.0, 90.0] for i in range(count)]
    discrete = [[60.0 + i % 12, 1.0, 0.0 if i % 4 else 0.5] for i in range(count)]
    return continuous, discrete, syllables or [f"so{chr(97 + i % 26)}" for i in range(count)]


def npy(continuous, discrete, syllables):
    """The bytes of a file that holds them as the collection does."""
    array = np.empty((1, 3), dtype=object)
    array[0, 0], array[0, 1], array[0, 2] = continuous, discrete, syllables
    return saved(array)


def saved(array):
    """The bytes that numpy.save writes."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


class Hostile:
    """Makes a folder when it is unpickled carelessly."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def write_zip(path, members):
    """Write (name, bytes) pairs to a zip, names as they are."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path
