"""What a gateway's ledger leaves behind, read by somebody who trusts nothing but a public key."""
