"""The edge: on a hub at home or in a community station. Keeps what devices say while the city cannot be reached, forwards it
in order with its original time, and acts by itself when nobody in the city has heard a call. No database server, no web."""
