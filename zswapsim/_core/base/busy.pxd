"""Reject a second thread while a call runs without the GIL, and a forked process that finds a call of its parent's.

A flag is 0 or the number of the process in which a call has set it. It is atomic because two threads may read it at the
same time in a Python without the GIL. No thread waits for it: a thread that finds it set raises BusyError. Zeroed
memory is a clear flag.
"""

from libc.stdint cimport uint32_t

cdef extern from *:
    """
    #include <stdint.h>
    typedef uint32_t busy_flag;
    static inline int busy_try(busy_flag *flag, uint32_t process) {
        uint32_t clear = 0;
        return __atomic_compare_exchange_n(flag, &clear, process, 0, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
    }
    #define busy_process(flag) __atomic_load_n((flag), __ATOMIC_ACQUIRE)
    #define busy_leave(flag) __atomic_store_n((flag), 0, __ATOMIC_RELEASE)
    #define is_busy(flag) (__atomic_load_n(&(flag), __ATOMIC_ACQUIRE) != 0)
    """
    ctypedef uint32_t busy_flag
    bint busy_try(busy_flag *flag, uint32_t process) noexcept nogil
    uint32_t busy_process(const busy_flag *flag) noexcept nogil
    # Clear the flag; only the call that set it may do so.
    void busy_leave(busy_flag *flag) noexcept nogil
    # Return True if a call has set the flag. The flag may be clear again when the caller reads the result.
    bint is_busy(busy_flag flag) noexcept nogil

# The number of this process: 1, and one more after each fork on the way to it.
cdef uint32_t this_process

# Raise the BusyError of a flag that is set; `what` names the object.
cdef int raise_busy(const busy_flag *flag, str what) except -1


# Set the flag. Raise BusyError if another call has set it, also if that runs in the process that this one was forked
# from: nobody will end it here, and the object may be half changed.
cdef inline int busy_enter(busy_flag *flag, str what) except -1:
    if not busy_try(flag, this_process):
        raise_busy(flag, what)
    return 0
