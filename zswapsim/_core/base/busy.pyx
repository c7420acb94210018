"""Count forks, and say why an object is busy."""

from libc.stdint cimport uint32_t

from zswapsim._core.base.errors import BusyError

cdef extern from "<pthread.h>" nogil:
    int pthread_atfork(
        void (*prepare)() noexcept nogil, void (*parent)() noexcept nogil, void (*child)() noexcept nogil
    )

cdef uint32_t this_process = 1


cdef void begin_in_child() noexcept nogil:
    global this_process
    this_process += 1


# It fails only if the host has no memory when the module is loaded; then a child says that another thread is at work.
pthread_atfork(NULL, NULL, begin_in_child)


cdef int raise_busy(const busy_flag *flag, str what) except -1:
    cdef uint32_t process = busy_process(flag)
    if process and process != this_process:
        raise BusyError(f"{what}: in use when this process was forked, so that it may be half changed here")
    raise BusyError(f"{what}: another thread is using it")
