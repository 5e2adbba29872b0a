"""Code that runs inside a module zip, without azml_magic: command line, endpoint, MLflow model.

An export copies these files, and the rooms that they import, under another package name. So they
only use Python 3.8, NumPy and pandas.
"""
