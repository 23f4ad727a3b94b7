"""How well it recognises: public protocols over the product's own pipeline, and their report."""
