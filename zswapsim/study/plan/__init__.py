"""Find how much DRAM and which compressor a workload needs to keep its objectives."""
