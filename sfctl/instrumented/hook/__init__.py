"""A folder for PYTHONPATH: Python loads the `sitecustomize` in it before the job begins."""
