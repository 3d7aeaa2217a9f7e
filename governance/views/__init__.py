"""Pages: parse, authorise, call a service or selector, render."""
