"""The checks: one file each, over a `Subject`; `registry.run` runs them."""
