"""The worst slices: combinations of up to three columns in which a model does worst. Pure."""
