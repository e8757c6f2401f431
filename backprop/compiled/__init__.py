"""What Numba compiles for an engine: elementwise passes that are vectorised, and calls of BLAS without Python."""
