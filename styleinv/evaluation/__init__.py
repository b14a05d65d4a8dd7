"""What `styleinv evaluate`, `compare` and `bench` find out."""
