"""Devices: what they mean to the beat, how their registers are read, and their bus."""
