"""The tabs of the app: photo, expression, researcher, verify."""
