"""The command lines that `make` calls, one module each: `python -m assets.commands.<name>`.

They read arguments and settings, call one function and print; no formula (see `movierec`) and no format (see
`resources`). Assets are defined one folder up.
"""
