"""The tabs of the app: photo, of which looking is one half; expression, researcher, verify."""
