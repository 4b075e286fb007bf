"""Random taste tables, for the reference's tests and for those of its mirror."""

import numpy as np

from edgerec.features.taste.tables import Array, TasteTables


def random_tables(
    *,
    n_fits: int = 1,
    n_signals: int = 2,
    n_items: int = 30,
    n_content: int = 3,
    n_latent: int = 2,
    noise: float = 0.5,
    seed: int = 0,
) -> TasteTables:
    random = np.random.default_rng(seed)
    rows, size = n_items + 1, 1 + n_content + 2 + n_latent

    def normal(*shape: int) -> Array:
        return random.normal(size=shape).astype(np.float32)

    def positive(*shape: int) -> Array:
        return random.uniform(0.1, 1, shape).astype(np.float32)

    # Tastes explain about as much as there is noise.
    root = random.normal(size=(n_fits, n_signals, size, size)) / size
    covariance = root @ root.swapaxes(2, 3) + 0.1 * np.eye(size) / size
    return TasteTables(
        content=normal(rows, n_content),
        popularity=normal(n_fits, rows, 2),
        latent=normal(n_fits, n_signals, rows, n_latent),
        latent_variance=positive(n_fits, n_signals, rows, n_latent),
        intercept=normal(n_fits, n_signals, rows),
        intercept_variance=positive(n_fits, n_signals, rows) * np.float32(noise),
        coefficients=normal(n_fits, n_signals, size - n_latent),
        mean=normal(n_fits, n_signals),
        noise=positive(n_fits, n_signals) * np.float32(noise),
        root=np.linalg.cholesky(covariance).astype(np.float32),
    )
