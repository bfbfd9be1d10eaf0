"""YAML to values and back: the spec, the migrations, and where each word of them stands."""
