"""The values that the parts of schemaspec hand to each other. No value knows a file, a connection or an engine."""
