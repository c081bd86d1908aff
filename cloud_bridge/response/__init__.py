"""Demand response as a settlement desk sees it: what a site would have used, what it did instead,
whether that counts, and what is paid. All arithmetic is exact; only money is rounded, once."""
