# How the compiled loops touch bytes; the twin of raw.py, name for name. The loops check every bound before they call.
cimport cython
from cpython.buffer cimport PyBUF_SIMPLE, PyBuffer_Release, PyObject_GetBuffer
from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.mem cimport PyMem_Free, PyMem_Malloc

cdef struct Header:
    unsigned int key
    unsigned int vr
    unsigned int length

cdef struct Held:
    Py_buffer view
    unsigned long long places[1024]

cdef inline unsigned int word(unsigned char *data, long long at) noexcept nogil:
    return data[at] | <unsigned int>data[at + 1] << 8 | <unsigned int>data[at + 2] << 16 | <unsigned int>data[at + 3] << 24

cdef inline (unsigned int, unsigned int, unsigned int) header(unsigned char *data, long long at) noexcept nogil:
    return (word(data, at), data[at + 4] | <unsigned int>data[at + 5] << 8, data[at + 6] | <unsigned int>data[at + 7] << 8)

cdef inline (unsigned int, unsigned int) pair(unsigned char *data, long long at) noexcept nogil:
    return (word(data, at), word(data, at + 4))

cdef inline Held *hold(object buf) except NULL:
    cdef Held *held = <Held *>PyMem_Malloc(sizeof(Held))
    if held == NULL:
        raise MemoryError()
    try:
        PyObject_GetBuffer(buf, &held.view, PyBUF_SIMPLE)
    except BaseException:
        PyMem_Free(held)
        raise
    return held

cdef inline unsigned char *data_of(Held *held) noexcept nogil:
    return <unsigned char *>held.view.buf

cdef inline unsigned char *data_in(bytes buf) noexcept:
    return <unsigned char *>PyBytes_AS_STRING(buf)

cdef inline long long size_of(Held *held) noexcept nogil:
    return held.view.len

cdef inline bint put(Held *held, long long count, unsigned int key, long long pos) noexcept nogil:
    cdef unsigned long long tag = key << 16 | key >> 16
    if count >= 1024 or pos >> 32 or (count > 0 and held.places[count - 1] >> 32 >= tag):
        return False
    held.places[count] = tag << 32 | <unsigned long long>pos
    return True

cdef inline bytes taken(Held *held, long long count):
    return PyBytes_FromStringAndSize(<const char *>held.places, <Py_ssize_t>(8 * count))

cdef inline void drop(Held *held) noexcept:
    PyBuffer_Release(&held.view)
    PyMem_Free(held)

cdef inline unsigned long long record(bytes places, long long number) noexcept:
    return (<const unsigned long long *>PyBytes_AS_STRING(places))[number]
