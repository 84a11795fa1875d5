"""What a trial is worth: acquisition functions and how they are maximised."""
