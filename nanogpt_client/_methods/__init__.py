"""What both clients share: their base, and methods by subject that are not in their own modules."""
