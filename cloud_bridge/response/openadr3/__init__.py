"""OpenADR 3.1: a client (VEN) that reads a server's events, makes of them what a gateway can hold,
and reports what the gateway says of it. From the specification and user guide 3.1.0 (Apache-2.0)."""
