"""OpenADR 2.0b: a virtual end node (VEN), which follows a server (VTN) for one gateway."""
