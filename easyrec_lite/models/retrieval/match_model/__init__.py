"""MatchModel: two towers out of a backbone."""
