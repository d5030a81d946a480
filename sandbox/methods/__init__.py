"""The API's methods, one module per group of contents."""
