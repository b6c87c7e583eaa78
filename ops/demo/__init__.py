"""`koppeling demo`: a month of one installation company per package, with everything that goes wrong."""
