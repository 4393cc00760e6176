"""What the integration tests share: daemons from outside, and independent peers for them."""
