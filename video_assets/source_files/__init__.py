"""The account of deliveries as an asset, and the sources that it is of."""
