"""What a log teaches: the best answers, an FAQ, and where answers contradict each other."""
