"""The verbs of the command line, a file a kind. Heavy imports happen inside the verbs."""
