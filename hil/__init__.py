"""Hardware in the loop: simulated devices, plants and faults around the real firmware."""
