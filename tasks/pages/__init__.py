"""Pages: what people in a study look at, drawn of counts and kept as files of this home."""
