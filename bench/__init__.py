"""How the engines of `backprop` are compared: grid -> race -> records -> summary -> plots and report."""
