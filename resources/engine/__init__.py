"""The engine: embedded, or Apache Spark by Spark Connect."""
