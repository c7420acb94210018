"""Reject a second thread while a call runs without the GIL: an atomic flag.

The flag is atomic because two threads may read it at the same time in a Python without the GIL. No thread waits for it:
a thread that finds it set raises BusyError. Zeroed memory is a clear flag.
"""

cdef extern from *:
    """
    typedef unsigned char busy_flag;
    #define busy_enter(flag) (!__atomic_test_and_set((flag), __ATOMIC_ACQUIRE))
    #define busy_leave(flag) __atomic_clear((flag), __ATOMIC_RELEASE)
    #define is_busy(flag) (__atomic_load_n(&(flag), __ATOMIC_ACQUIRE) != 0)
    """
    ctypedef unsigned char busy_flag
    # Set the flag and return True; return False if another call has set it.
    bint busy_enter(busy_flag *flag) noexcept nogil
    # Clear the flag; only the call that set it may do so.
    void busy_leave(busy_flag *flag) noexcept nogil
    # Return True if a call has set the flag. The flag may be clear again when the caller reads the result.
    bint is_busy(busy_flag flag) noexcept nogil
