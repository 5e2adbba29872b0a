"""What runs inside a module zip, without azml_magic: command line, endpoint, MLflow model.

An export copies these files with the rooms that they import under another package name, so
they keep to Python 3.8, NumPy and pandas.
"""
