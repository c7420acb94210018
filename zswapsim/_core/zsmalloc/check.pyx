"""Check the invariants of a pool, and dump the fullness of its zspages."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from zswapsim._core.zsmalloc.classes cimport ZS_HANDLE_BYTES
from zswapsim._core.zsmalloc.pool cimport (
    ZS_GROUPS, ZS_NONE, ZsPool, fullness, zs_class, zs_page,
)


def dump_pool(ZsPool pool not None):
    """Return every class that has zspages: {size: {group: [objects in use of each zspage, head of the list first]}}."""
    result = {}
    for index in range(pool.class_count):
        groups = {group: [pool.zspages[zspage].inuse for zspage in group_zspages(pool, index, group)]
                  for group in range(ZS_GROUPS)}
        if any(groups.values()):
            result[pool.classes[index].size] = {group: inuse for group, inuse in groups.items() if inuse}
    return result


def check_pool(ZsPool pool not None):
    """Assert every invariant of lists, counts, frames and inline handles. O(objects)."""
    cdef int index, group
    frames = 0
    listed = set()
    for index in range(pool.class_count):
        size = pool.classes[index].size
        used = 0
        zspages = []
        for group in range(ZS_GROUPS):
            if pool.classes[index].groups[group] == ZS_NONE:
                continue
            for zspage in group_zspages(pool, index, group):
                check_zspage(pool, zspage, index, group)
                used += pool.zspages[zspage].inuse
                zspages.append(zspage)
        twice = len(set(zspages)) < len(zspages) or not listed.isdisjoint(zspages)
        assert not twice, f"class {size}: a zspage is listed twice"
        listed.update(zspages)
        frames += len(zspages) * pool.classes[index].frames
        assert used == pool.classes[index].used, f"class {size}: objects in use are miscounted"
        assert len(zspages) * pool.classes[index].objects == pool.classes[index].allocated, f"class {size}: miscounted"
    live = sum(pool.zspages[number].live for number in range(pool.zspage_count))
    assert live == len(listed), "a zspage with frames is in no group"
    assert frames == pool.frames_in_use, "frames in use are miscounted"


cdef list group_zspages(ZsPool pool, int index, int group):
    """Return the zspages of a group, head first, and assert that their links agree."""
    cdef uint32_t zspage = pool.classes[index].groups[group]
    cdef uint32_t previous = ZS_NONE
    found = []
    while zspage != ZS_NONE:
        assert pool.zspages[zspage].prev == previous, f"zspage {zspage} has a wrong back link"
        assert len(found) <= pool.zspage_count, f"group {group} of class {index} is a circle"
        found.append(zspage)
        previous = zspage
        zspage = pool.zspages[zspage].next
    return found


cdef int check_zspage(ZsPool pool, uint32_t zspage, int index, int group) except -1:
    cdef zs_page *page = &pool.zspages[zspage]
    cdef zs_class *cls = &pool.classes[index]
    cdef uint8_t[128] free_map
    cdef uint64_t kept
    cdef uint32_t i
    assert page.live and page.class_index == index and page.group == group, f"zspage {zspage} is in a wrong list"
    assert 0 < page.inuse <= cls.objects, f"zspage {zspage} holds {page.inuse} of {cls.objects} objects"
    assert group == fullness(page.inuse, cls.objects), f"zspage {zspage} is in a wrong group"
    pool.free_objects_map(zspage, free_map)
    free_count = sum((free_map[i >> 3] >> (i & 7)) & 1 for i in range(cls.objects))
    assert free_count == cls.objects - page.inuse, f"zspage {zspage} has a wrong free list"
    for i in range(cls.frames):
        owner = pool.arena.owner_of[pool.frame_of[page.first_frame + i]]
        assert owner == pool.owner, f"a frame of zspage {zspage} belongs to owner {owner}"
    if pool.arena.base == NULL or cls.objects == 1:
        return 0
    for i in range(cls.objects):
        if not (free_map[i >> 3] >> (i & 7)) & 1:
            pool.copy_span(page, i * cls.size, <uint8_t *> &kept, ZS_HANDLE_BYTES, False)
            assert kept == pool.objects[page.first_object + i], f"object {i} of zspage {zspage} was overwritten"
    return 0
