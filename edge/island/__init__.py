"""What a site needs that can run without the grid; loaded only where the site file asks for it."""
