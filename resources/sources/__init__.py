"""Where ratings come from: archives, folders and the demo data, verified and read as tables.

A source is one file here and one line in `sources.py`. Cleaning and splitting belong in `movierec.data`.
"""
