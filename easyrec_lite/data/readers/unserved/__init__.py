"""Input types of EasyRec that are not read here."""
