"""The time bank: time that volunteers give, in a ledger that only grows. No money in, no money out."""
