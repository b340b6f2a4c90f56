"""The MES: where operators see the work and move it through production."""
