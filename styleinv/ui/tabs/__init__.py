"""The tabs of the app: photo, sample, researcher, verify."""
