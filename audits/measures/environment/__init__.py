"""What a model was made with against what runs here, and what is known of it to be vulnerable. Pure of Django."""
