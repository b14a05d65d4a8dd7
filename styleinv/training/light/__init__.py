"""Stages of the default bundle: small networks that learn on a CPU within hours, all against the frozen decoder."""
