"""The inverse Cholesky factor of a covariance, W with W' W = (K + noise I)^-1.

It is kept in place of the factor itself because each prediction needs W k: a triangular product
takes two thirds of the time of a triangular solve, and rows are appended as easily.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from tuner.errors import SurrogateError

Array = NDArray[np.float64]

_FIRST_JITTER, _LAST_JITTER = 1e-10, 1e-2


@dataclass(frozen=True, slots=True, eq=False)
class InverseFactor:
    """The inverse of the lower Cholesky factor of a covariance.

    Attributes:
        matrix: W, shape (n, n), lower triangular, zeros above, in Fortran order.
    """

    matrix: Array

    @classmethod
    def of(cls, covariance: Array, *, noise: float) -> InverseFactor:
        """The inverse factor of covariance (n, n) + noise I, overwriting the covariance.

        Jitter on the diagonal grows until there is a factor.

        Raises:
            SurrogateError: There is none with a hundredth of the mean variance as jitter.
        """
        diagonal = np.diagonal(covariance) + noise
        jitter = 0.0
        while jitter <= _LAST_JITTER:
            covariance.flat[:: len(covariance) + 1] = diagonal + jitter * diagonal.mean()
            factor, info = lapack.dpotrf(covariance, lower=1, clean=1)
            if info == 0:
                return cls(lapack.dtrtri(factor, lower=1, overwrite_c=1)[0])
            jitter = max(10.0 * jitter, _FIRST_JITTER)
        raise SurrogateError("the covariance of the observations cannot be factorised")

    @property
    def log_determinant(self) -> float:
        """Log determinant of the covariance."""
        return -2.0 * float(np.log(np.diagonal(self.matrix)).sum())

    def whiten(self, k: Array) -> Array:
        """W k, shape (n, m), for k (n, m); overwrites k if that is in Fortran order."""
        return np.asarray(blas.dtrmm(1.0, self.matrix, k, lower=1, overwrite_b=1))

    def solve(self, b: Array) -> Array:
        """(K + noise I)^-1 b, of the shape of b: (n,) or (n, m)."""
        columns = self.whiten(np.array(b.reshape(len(b), -1), order="F"))
        solved = blas.dtrmm(1.0, self.matrix, columns, lower=1, trans_a=1, overwrite_b=1)
        return np.asarray(solved.reshape(b.shape, order="F"))

    def extend(self, cross: Array, corner: Array, *, noise: float) -> InverseFactor:
        """The inverse factor with rows appended.

        Args:
            cross: Covariances of the n old rows with the m new ones, shape (n, m).
            corner: Covariances of the new rows, shape (m, m); overwritten.
            noise: Added to the diagonal of the corner.
        """
        n, m = cross.shape
        whitened = self.whiten(np.array(cross, order="F"))
        corner -= whitened.T @ whitened
        last = InverseFactor.of(corner, noise=noise).matrix
        matrix = np.zeros((n + m, n + m), order="F")
        matrix[:n, :n] = self.matrix
        matrix[n:, n:] = last
        matrix[n:, :n] = -last @ blas.dtrmm(1.0, self.matrix, whitened, lower=1, trans_a=1).T
        return InverseFactor(matrix)
