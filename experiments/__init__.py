"""Studies over the simulator: configuration, cells, estimates, plots and files. The only room that knows Hydra and pandas."""
