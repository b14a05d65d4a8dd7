"""The weights travel in the wheel: `checkpoints` of the repository becomes `styleinv/checkpoints`. All else stands in
pyproject.toml.
"""

from setuptools import find_packages, setup

setup(
    packages=[*find_packages(include=["styleinv*"]), "styleinv.checkpoints"],
    package_dir={"styleinv.checkpoints": "checkpoints"},
)
