"""What this project asks: how much faster is a whole mini-batch than sample by sample? And what is claimed."""

BASELINE = "per_sample"  # what speedups are relative to, wherever it was raced and no other is asked for
CHALLENGER = "full_matrix"
HEADLINE = "784-30-10-b10-float64-t1"  # the cell to tell of
CLAIMS = {2.0: "2x: Nielsen's book", 5.0: "5x: this project's source"}  # of the challenger over the baseline
