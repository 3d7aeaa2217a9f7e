"""How far one data set has moved from another: columns, correlations, and whether a classifier tells them apart. Pure."""
