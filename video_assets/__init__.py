"""Video analytics assets: player events and daily views become trustworthy Delta tables."""
