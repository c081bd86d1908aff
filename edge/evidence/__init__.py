"""What lets an outsider check the books with one public key: a hash tree and its signed heads."""
