"""How a model holds under load: arrivals, latencies, what it can bear at most, and how it compares with the champion."""
