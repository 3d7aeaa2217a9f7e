"""Facts: what models are made of, and the ledger of everything that happened to them."""
