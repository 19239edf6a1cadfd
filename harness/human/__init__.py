"""Everything that people rate: the record of one rating, and the files that hold them."""
