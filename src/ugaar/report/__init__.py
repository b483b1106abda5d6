"""What a person sees: progress, figures, data dictionary."""
