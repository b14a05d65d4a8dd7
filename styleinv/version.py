"""The version of the package, which clips and recipes carry."""

__version__ = "0.4.0"
