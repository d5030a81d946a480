"""REDCap's logic language: reads expressions, checks what they name, computes them over whole frames."""
