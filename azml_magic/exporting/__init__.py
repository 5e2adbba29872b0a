"""A module as one zip that serves many uses; building it and taking it back."""
