"""King: its import files and a stand-in that reads them as King does."""
