"""Who watched what, and how much: sessions by day, one row a user and video."""
