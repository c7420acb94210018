"""Give Python the size of a page, ZSW_PAGE_SIZE of cext/zsw_codec.h."""

from zswapsim._core.base.errors cimport ZSW_PAGE_SIZE

PAGE_SIZE = <int> ZSW_PAGE_SIZE
