"""One verb a file: take ordinary arguments, call the layers below, return an Outcome."""
