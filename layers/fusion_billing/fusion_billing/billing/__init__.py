"""From rated usage to what is owed: which ratings are made, what of them is billed, what is adjusted."""
