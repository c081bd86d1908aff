"""Carbon on the host: factor sets, statements, the park's indicators, product passports."""
