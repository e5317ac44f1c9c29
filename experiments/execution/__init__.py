"""Where cells run: in this process, in one process a core, or on a Ray cluster. The numbers are the same to the last bit.

An executor is a ``Pool``: it takes tasks and returns their outcomes, in any order. Results come to the driver, which alone
writes them, so that no shared disk is needed. Plots and pages are drawn by the pool where it is on the driver's machine.
"""
