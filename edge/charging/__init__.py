"""Chargers that share what a site has left; loaded only where the site file asks for it."""
