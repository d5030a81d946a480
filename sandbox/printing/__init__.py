"""PDFs of forms."""
