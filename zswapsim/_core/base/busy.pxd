"""A flag that refuses a second thread while a call runs without the GIL.

The flag is atomic, so that it also holds where two threads read it at the same time, as they may in a Python without
the GIL. Nobody waits for it: a thread that finds it set raises BusyError. Zeroed memory is a clear flag.
"""

cdef extern from *:
    """
    typedef unsigned char busy_flag;
    #define busy_enter(flag) (!__atomic_test_and_set((flag), __ATOMIC_ACQUIRE))
    #define busy_leave(flag) __atomic_clear((flag), __ATOMIC_RELEASE)
    #define is_busy(flag) (__atomic_load_n(&(flag), __ATOMIC_ACQUIRE) != 0)
    """
    ctypedef unsigned char busy_flag
    # Sets the flag and returns True; returns False if another call has set it.
    bint busy_enter(busy_flag *flag) noexcept nogil
    # Clears the flag, by the call that set it.
    void busy_leave(busy_flag *flag) noexcept nogil
    # Returns True if a call has set the flag; it may be clear again when the caller looks at the answer.
    bint is_busy(busy_flag flag) noexcept nogil
