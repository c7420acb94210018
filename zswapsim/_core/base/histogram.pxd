"""Count latencies in buckets that are at most 1/32 wide, so that percentiles are within 3 % (the layout of
HdrHistogram)."""

from libc.stdint cimport int64_t, uint64_t

from zswapsim._core.base.bits cimport zsw_log2

cdef enum:
    HISTOGRAM_SUB = 32
    HISTOGRAM_BUCKETS = 60 * 32

ctypedef struct histogram:
    uint64_t[1920] counts       # HISTOGRAM_BUCKETS
    uint64_t total              # number of samples
    double sum                  # sum of all samples, ns
    double max_ns               # largest sample
    double cached_value         # the previous sample and its bucket, since samples often repeat
    int cached_bucket


# Return the bucket of a value, ns.
cdef inline int histogram_bucket(uint64_t value) noexcept nogil:
    cdef int shift
    if value < HISTOGRAM_SUB:
        return <int> value
    shift = zsw_log2(value) - 5
    return min((shift + 1) * HISTOGRAM_SUB + <int> ((value >> shift) - HISTOGRAM_SUB), HISTOGRAM_BUCKETS - 1)


# Return the middle of a bucket, ns.
cdef inline double histogram_value(int bucket) noexcept nogil:
    cdef int shift
    if bucket < HISTOGRAM_SUB:
        return bucket
    shift = bucket // HISTOGRAM_SUB - 1
    return (<double> (bucket % HISTOGRAM_SUB + HISTOGRAM_SUB) + 0.5) * <double> (<uint64_t> 1 << shift)


# Add one sample, ns.
cdef inline void histogram_add(histogram *into, double value) noexcept nogil:
    histogram_add_many(into, value, 1)


# Add a sample `times` times.
cdef inline void histogram_add_many(histogram *into, double value, uint64_t times) noexcept nogil:
    if times == 0:
        return
    if value != into.cached_value:
        into.cached_value = value
        into.cached_bucket = histogram_bucket(<uint64_t> <int64_t> value)
        into.max_ns = max(into.max_ns, value)
    into.counts[into.cached_bucket] += times
    into.total += times
    into.sum += value * <double> times


# Return the smallest value that a share of the samples does not exceed, ns; 0 if there are no samples.
cdef inline double histogram_quantile(const histogram *of, double share) noexcept nogil:
    cdef uint64_t seen = 0
    cdef int bucket
    for bucket in range(HISTOGRAM_BUCKETS):
        seen += of.counts[bucket]
        if seen and <double> seen >= share * <double> of.total:
            return min(histogram_value(bucket), of.max_ns)
    return 0.0
