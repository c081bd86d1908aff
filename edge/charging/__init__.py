"""Chargers that share what a site has left; loaded only where the site file asks for it.

charger.py is what the beat sees of one, room.py what there is for all of them, offers.py what each
was promised and draws, cut.py who gives when that does not fit, and growth.py who gets more.
"""
