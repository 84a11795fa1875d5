import warnings

import numpy as np
import pytest

from tuner.surrogates import Hyperparameters


@pytest.fixture
def rng():
    return np.random.default_rng(7)


@pytest.fixture
def groups():
    """Five columns, the second and third of which share a lengthscale."""
    return np.array([0, 1, 1, 2, 3])


@pytest.fixture
def hyperparameters():
    return Hyperparameters(
        lengthscales=np.array([0.4, 0.9, 1.7, 3.0]), scale=2.3, noise=1e-3, mean=0.7
    )


@pytest.fixture
def observations(rng):
    """Inputs (40, 5) and a smooth function of them, with noise."""
    X = rng.random((40, 5))
    y = np.sin(5.0 * X[:, 0]) + X[:, 1] ** 2 - X[:, 2] * X[:, 3] + 0.02 * rng.normal(size=40)
    return X, y


@pytest.fixture(scope="session")
def botorch():
    """The library, imported past the deprecations that torch announces while it is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import botorch
    return botorch


@pytest.fixture
def gpytorch_model(botorch):
    """The same model as the project's, built from gpytorch's parts."""
    import gpytorch
    import torch

    class Model(gpytorch.models.ExactGP):
        def __init__(self, X, y, hyperparameters, groups):
            likelihood = gpytorch.likelihoods.GaussianLikelihood(
                noise_constraint=gpytorch.constraints.GreaterThan(1e-9)
            )
            X, y = torch.tensor(X), torch.tensor(y)
            super().__init__(X, y, likelihood)
            self.mean_module = gpytorch.means.ConstantMean()
            self.covar_module = gpytorch.kernels.ScaleKernel(
                gpytorch.kernels.MaternKernel(nu=2.5, ard_num_dims=X.shape[1])
            )
            self.double()
            self.mean_module.constant = hyperparameters.mean
            self.covar_module.outputscale = hyperparameters.scale
            self.covar_module.base_kernel.lengthscale = torch.tensor(
                hyperparameters.lengthscales[groups]
            )
            likelihood.noise = hyperparameters.noise
            self.eval()
            likelihood.eval()

        def forward(self, X):
            return gpytorch.distributions.MultivariateNormal(
                self.mean_module(X), self.covar_module(X)
            )

    return Model
