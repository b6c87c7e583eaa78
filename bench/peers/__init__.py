"""The same work by what one would take instead: their speed, and what they miss or book twice."""
