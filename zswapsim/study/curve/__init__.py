"""Count faults and swap-outs at every size of DRAM, in one pass over a trace."""
