"""Training data: files and Hub data sets to examples."""
