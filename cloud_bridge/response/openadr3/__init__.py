"""OpenADR 3.1: a client (VEN) that reads a server's events, makes of them what a gateway can hold,
and reports what it says of them. From specification and user guide 3.1.0 (Apache-2.0)."""
